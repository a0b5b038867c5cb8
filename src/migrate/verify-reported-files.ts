/**
 * Files of a run that a trainer wrote to both. Those that a tag of its destination for MLflow names, by address and digest as both sides
 * have recorded them: their bytes are not read, for a trainer stores a file once and tells both where it is. Those that it made of a
 * text, results and configurations, by their bytes: ClearML has the text itself.
 */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import { counted } from "../base/counted.js";
import { parseJson } from "../base/json.js";
import { keyOf } from "../mlflow/mlflow-names.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import { SINK_TAG_PREFIX } from "../mlflow/sink-tags.js";
import { configurationPath, RESULTS_PATH } from "../mlflow/sink-texts.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { RESULTS_CONFIGURATION } from "../records/results-text.js";
import type { ReportedRunToVerify } from "./verify-reported.js";

const recorded = z.looseObject({ uri: z.string(), sha256: z.optional(z.string()), path: z.optional(z.string()) });

/** What a task has of a file. */
interface Place {
  readonly uri: string;
  readonly sha256: string | undefined;
}

/** Notes what differs, and how many files nobody compared. */
export async function compareFiles(given: ReportedRunToVerify, run: MlflowRun, task: TaskDocument, folder: string): Promise<void> {
  const { mlflow, found, runId, signal } = given;
  const places = await placesOf(given, task);
  const known = new Set<string>();
  for (const { key, value } of run.data.tags) {
    const kind = /^trainer_sdk\.(checkpoint|artifact|model)\./.exec(key)?.[1];
    if (kind === undefined) continue;
    const file = recorded.safeParse(parseJson(value)).data;
    if (!file) {
      found.leave(runId, `tag ${key}: it was cut, and no longer tells of a file`);
      continue;
    }
    const { uri, sha256, path } = file;
    const there = places.get(key) ?? [];
    const same = there.find(
      (place) => place.uri === uri && (sha256 === undefined || place.sha256 === undefined || place.sha256 === sha256),
    );
    const shown = there[0] && asText(there[0]);
    found.value(
      runId,
      `${kind} ${key.slice(`${SINK_TAG_PREFIX}${kind}.`.length)}`,
      asText({ uri, sha256 }),
      same ? asText({ uri, sha256 }) : shown,
    );
    found.counts.files++;
    if (path !== undefined && same) known.add(path);
  }
  const texts = textsOf(task);
  let others = 0;
  for await (const { path, file_size: size } of mlflow.artifacts(runId, { signal })) {
    if (known.has(path)) continue;
    const text = texts.get(path);
    if (text === undefined) {
      others++;
      continue;
    }
    const target = join(folder, "text");
    // An empty file has no size in a listing.
    const { sha256 } = await mlflow.download(runId, path, target, { signal, sizeBytes: Number(size ?? 0) });
    await rm(target, { force: true });
    found.value(runId, `the text of ${path}`, `sha256 ${sha256}`, `sha256 ${createHash("sha256").update(text).digest("hex")}`);
    found.counts.files++;
  }
  if (others > 0) found.leave(runId, `${counted(others, "file")} in MLflow's store`);
  const inputs = run["inputs"] as { readonly dataset_inputs?: readonly unknown[]; readonly model_inputs?: readonly unknown[] } | undefined;
  const read = (inputs?.dataset_inputs?.length ?? 0) + (inputs?.model_inputs?.length ?? 0);
  if (read > 0) found.leave(runId, `${String(read)} data sets and models that it read: no trainer tells MLflow of any`);
}

/** What the task has as texts, by the paths of the files that its trainer makes of them. */
function textsOf({ configuration }: TaskDocument): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [key, { name, type, value }] of Object.entries(configuration ?? {}))
    texts.set(configurationPath({ name: name ?? key, type: type ?? undefined }), value ?? "");
  const results = configuration?.[RESULTS_CONFIGURATION]?.value;
  if (results != null) texts.set(RESULTS_PATH, `${results}\n`);
  return texts;
}

/** Artifacts and models of the task by the tags that tell of them in MLflow. */
async function placesOf({ clearml, signal }: ReportedRunToVerify, task: TaskDocument): Promise<ReadonlyMap<string, readonly Place[]>> {
  const places = new Map<string, Place[]>();
  const add = (name: string, place: Place): void => {
    for (const colons of [true, false]) {
      const key = keyOf(`${SINK_TAG_PREFIX}${name}`, { colons });
      const known = places.get(key);
      if (known) known.push(place);
      else places.set(key, [place]);
    }
  };
  for (const { key, uri, hash } of task.execution?.artifacts ?? []) {
    const place = { uri: uri ?? "", sha256: hash ?? undefined };
    add(`artifact.${key}`, place);
    if (key.startsWith("checkpoint_")) add(`checkpoint.${key.slice("checkpoint_".length)}`, place);
  }
  for (const { name, model } of task.models?.output ?? []) {
    if (model == null) continue;
    const { model: document } = await clearml.models.getById({ model }, { signal });
    const sha256 = Object.values(document.metadata ?? {}).find((item) => item.key === "sha256")?.value ?? undefined;
    for (const called of new Set([name, document.name])) if (called != null) add(`model.${called}`, { uri: document.uri ?? "", sha256 });
  }
  return places;
}

function asText({ uri, sha256 }: Place): string {
  return sha256 === undefined ? uri : `${uri} ${sha256}`;
}
