/**
 * What a project cannot hold otherwise: the exact name, the note and the tags of its experiment, as its description. It follows the
 * experiment for as long as nobody else writes into it: a tag of ours says what was written there last.
 */
import { createHash } from "node:crypto";
import type { ClearML } from "../clearml/create-clearml.js";
import type { MlflowExperiment } from "../mlflow/mlflow-documents.js";
import { otherWorkspace } from "../mlflow/workspaces.js";
import type { ProjectDocument } from "../protocol/clearml/project-document.js";
import { projectKey } from "./migration-options.js";
import { shownTag, withoutPasswords } from "./shown-text.js";

const NOTE = "mlflow.note.content";
const WRITTEN = "trainer-sdk:mlflow-description:";

/** The description of an experiment's project. */
export function descriptionOf(experiment: MlflowExperiment, baseUrl: string): string {
  const tags = experiment.tags.filter(({ key }) => key !== NOTE).map((tag) => `${tag.key} = ${shownTag(tag)}`);
  const note = experiment.tags.find(({ key }) => key === NOTE)?.value;
  const workspace = otherWorkspace(experiment);
  const place = workspace === undefined ? baseUrl : `the workspace ${JSON.stringify(workspace)} of ${baseUrl}`;
  const head = `MLflow experiment ${JSON.stringify(experiment.name)} (${experiment.experiment_id}) of ${place}`;
  return [head, ...(note === undefined ? [] : ["", withoutPasswords(note)]), ...(tags.length === 0 ? [] : ["", ...tags])]
    .join("\n")
    .trim()
    .toWellFormed();
}

/** System tags of a project that is made with this description. */
export function projectTags(sourceId: string, description: string): string[] {
  return [projectKey(sourceId), `${WRITTEN}${createHash("sha256").update(description).digest("hex").slice(0, 16)}`];
}

/**
 * Brings the description of a project that a migration made up to date. One that somebody has changed since stays, unless `redo` is
 * given; so does that of a project that was there before.
 */
export async function updateDescription(
  { projects }: Pick<ClearML, "projects">,
  project: ProjectDocument,
  wanted: { readonly sourceId: string; readonly description: string; readonly redo: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const { sourceId, description, redo, signal } = wanted;
  const tags = project.system_tags ?? [];
  const shown = (project.description ?? "").trim();
  const [key = "", written = ""] = projectTags(sourceId, shown);
  if (!tags.includes(key) || shown === description) return;
  if (!redo && tags.some((tag) => tag.startsWith(WRITTEN)) && !tags.includes(written)) return;
  const system_tags = [...tags.filter((tag) => tag !== key && !tag.startsWith(WRITTEN)), ...projectTags(sourceId, description)];
  await projects.update({ project: project.id, description, system_tags }, { signal });
}
