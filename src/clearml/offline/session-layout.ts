/**
 * What an offline session of ClearML's own client looks like on the disk (`clearml-protocol`, 12): names, `task.json`,
 * and lines of events. Pure; the archive itself is read and written elsewhere.
 */
import * as z from "zod/mini";
import { ValidationError } from "../../base/errors.js";
import { onFirstUse } from "../../base/on-first-use.js";
import type { ArtifactInput } from "../../protocol/clearml/task-document.js";

export const TASK_FILE = "task.json";
/** Console lines: one JSON array of events in each line of text. */
export const LOG_FILE = "log.jsonl";
/** All other events, in the same form. */
export const METRICS_FILE = "metrics.jsonl";
/** Artifacts and debug samples, by their object path with the session's id in the place of a task's. */
export const DATA_FOLDER = "data";
/** Weights of output models. */
export const MODELS_FOLDER = "models";
/** Each line of events becomes one request of the importer: well under the server's 15 MB. */
export const MAX_EVENTS_A_LINE = 500;
export const MAX_BYTES_A_LINE = 4_000_000;
/** Marks the task that a session was imported as, so that a second import finds it. */
export const IMPORT_TAG_PREFIX = "trainer-sdk:offline:";

/** Note on the task, in its runtime, that all of the session is there but for its end. */
export const IMPORTED_KEY = "trainer_sdk_offline_import";

/** An output model of the session: what the importer makes of it, and where its weights are. */
export interface OfflineModel {
  readonly id: string;
  readonly output_uri?: string | null;
  readonly init: {
    readonly name?: string | null;
    readonly tags?: readonly string[] | null;
    readonly comment?: string | null;
    readonly framework?: string | null;
    readonly label_enumeration?: Readonly<Record<string, number>> | null;
    readonly config_text?: string | null;
    readonly config_dict?: unknown;
  };
  readonly weights?: {
    /** An absolute path on the machine that recorded; used as it stands by the official importer. */
    readonly weights_filename?: string | null;
    readonly target_filename?: string | null;
    /** An address where the weights lie already. */
    readonly register_uri?: string | null;
    readonly upload_uri?: string | null;
    readonly iteration?: number | null;
    readonly update_comment?: boolean | null;
    readonly is_package?: boolean | null;
  } | null;
  /** What the official importer does not ask for. */
  readonly trainer_sdk?: {
    /** The model's name among the task's own. */
    readonly entry: string;
  };
}

const sessionTask = onFirstUse(() => {
  const optionalText = z.nullish(z.string());
  const looseObject = z.nullish(z.record(z.string(), z.unknown()));
  return z.looseObject({
    id: z.string().check(z.regex(/^offline-[0-9A-Za-z-]{1,64}$/)),
    name: optionalText,
    type: optionalText,
    project_name: optionalText,
    offline_folder: optionalText,
    comment: optionalText,
    tags: z.nullish(z.array(z.string())),
    system_tags: z.nullish(z.array(z.string())),
    script: looseObject,
    execution: looseObject,
    hyperparams: z.nullish(z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())))),
    configuration: z.nullish(z.record(z.string(), z.record(z.string(), z.unknown()))),
    container: looseObject,
    runtime: looseObject,
    output_dest: optionalText,
    offline_output_models: z.nullish(z.array(z.looseObject({ id: z.string(), init: z.looseObject({}) }))),
    trainer_sdk: z.nullish(z.looseObject({ status: optionalText, status_reason: optionalText, status_message: optionalText })),
  });
});

/** `task.json`, as read. */
export type SessionTask = z.output<ReturnType<typeof sessionTask>>;

/** @throws ValidationError that names the field, for a file that is no session's. */
export function parseSessionTask(text: string, source: string): SessionTask {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ValidationError(`${TASK_FILE} of ${source} is no JSON. The session was not written to its end, or is damaged.`, [
      { path: TASK_FILE, message: error instanceof Error ? error.message : String(error) },
    ]);
  }
  const parsed = sessionTask().safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  const list = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new ValidationError(`${TASK_FILE} of ${source} is not an offline session's: ${list}.`, issues);
}

/** The artifacts of a session's `execution`, those that have a name. */
export function sessionArtifacts(task: SessionTask): readonly ArtifactInput[] {
  const artifacts = task.execution?.["artifacts"];
  if (!Array.isArray(artifacts)) return [];
  return artifacts.filter((artifact): artifact is ArtifactInput => typeof (artifact as ArtifactInput | null)?.key === "string");
}

/**
 * The file of the archive that an address of the session means: what follows `<offline folder>/data/`. Undefined for an
 * address that lies elsewhere, and for one that would leave the folder.
 */
export function dataPathOf(uri: string, offlineFolder: string | null | undefined): string | undefined {
  if (offlineFolder == null) return undefined;
  const prefix = `${offlineFolder.replaceAll("\\", "/").replace(/\/+$/, "")}/${DATA_FOLDER}/`;
  const path = uri.replace(/^file:\/\//, "").replaceAll("\\", "/");
  if (!path.startsWith(prefix)) return undefined;
  const rest = path.slice(prefix.length);
  return rest === "" || rest.split("/").includes("..") ? undefined : rest;
}

/** Groups events into lines of bounded length. */
export function eventLines(events: readonly object[]): readonly string[] {
  const lines: string[] = [];
  let line: string[] = [];
  let bytes = 0;
  for (const event of events) {
    const text = JSON.stringify(event);
    if (line.length === MAX_EVENTS_A_LINE || (line.length > 0 && bytes + text.length > MAX_BYTES_A_LINE)) {
      lines.push(`[${line.join(",")}]\n`);
      line = [];
      bytes = 0;
    }
    line.push(text);
    bytes += text.length;
  }
  if (line.length > 0) lines.push(`[${line.join(",")}]\n`);
  return lines;
}
