/** The output models of a session: registered anew at the server, with their weights from the archive. */
import path from "node:path";
import { modelObjectPath } from "../../protocol/clearml/object-path.js";
import type { TaskDocument } from "../../protocol/clearml/task-document.js";
import type { ClearML } from "../create-clearml.js";
import type { SessionArchive } from "./session-archive.js";
import { MODELS_FOLDER, type OfflineModel, type SessionTask } from "./session-layout.js";
import type { SessionUploads } from "./session-uploads.js";

export interface SessionModelsOptions {
  readonly clearml: ClearML;
  readonly archive: SessionArchive;
  readonly session: SessionTask;
  readonly taskId: string;
  readonly projectName: string;
  readonly uploads: SessionUploads;
  readonly call: { readonly signal?: AbortSignal };
  /** What could not be brought over, in words. */
  readonly onProblem: (problem: string) => void;
}

/** Ids at the server by those of the session. */
export async function makeSessionModels(options: SessionModelsOptions): Promise<ReadonlyMap<string, string>> {
  const { clearml, session, taskId, call, onProblem } = options;
  const made = new Map<string, string>();
  const recorded = (session.offline_output_models ?? []) as unknown as readonly OfflineModel[];
  if (recorded.length === 0) return made;
  const { task } = await clearml.tasks.getById({ task: taskId }, call);
  for (const { id, init, weights, trainer_sdk } of recorded) {
    const uri = await weightsUri(task, weights ?? undefined, options);
    if (uri === undefined) onProblem(`the model ${init.name ?? id} has no weights in the archive`);
    const name = init.name?.trim() ? init.name : (task.name ?? id);
    const created = await clearml.models.create(
      {
        name,
        uri: uri ?? "",
        task: taskId,
        ready: false,
        labels: { ...init.label_enumeration },
        ...(task.project == null ? {} : { project: task.project }),
        ...(init.tags ? { tags: [...init.tags] } : {}),
        ...(init.comment ? { comment: init.comment } : {}),
        ...(init.framework ? { framework: init.framework } : {}),
        ...(init.config_text ? { design: { design: init.config_text } } : {}),
      },
      call,
    );
    made.set(id, created.id);
    await clearml.tasks.addOrUpdateModel({ task: taskId, name: trainer_sdk?.entry ?? name, model: created.id, type: "output" }, call);
  }
  return made;
}

async function weightsUri(
  task: TaskDocument,
  weights: OfflineModel["weights"],
  options: SessionModelsOptions,
): Promise<string | undefined> {
  if (weights?.register_uri) return weights.register_uri;
  const file = weights?.weights_filename ?? undefined;
  if (file === undefined) return undefined;
  const base = path.posix.basename(file.replaceAll("\\", "/"));
  const name = `${MODELS_FOLDER}/${base}`;
  if (!options.archive.has(name)) return undefined;
  const owner = { projectName: options.projectName, projectId: task.project ?? undefined, taskName: task.name ?? task.id, taskId: task.id };
  return options.uploads.file(name, modelObjectPath(owner, weights?.target_filename ?? base));
}
