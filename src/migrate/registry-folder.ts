/**
 * Writes models as MLflow's tracking folder has them: the registry in `models/`, and logged models (MLflow 3) beside the runs of
 * their experiment. What is given are MLflow's own answers, as they were kept; only the place of the files is another.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { appendPoints, NamedFiles, safePath, writePairs } from "./tracking-folder.js";
import { integer, yaml } from "./store-texts.js";

type Fields = Readonly<Record<string, unknown>>;

/** Folder of the registry, and of an experiment's logged models. */
export const MODELS_FOLDER = "models";

/** Numbers by which a file store keeps the status of a logged model. */
const STATUS_NUMBERS: Readonly<Record<string, number>> = {
  LOGGED_MODEL_PENDING: 1,
  LOGGED_MODEL_READY: 2,
  LOGGED_MODEL_UPLOAD_FAILED: 3,
};

/** True for a name that a registered model can have in a folder: MLflow's file store refuses `/` and `%`. */
export function isFolderName(name: string): boolean {
  return safePath(name) !== undefined && !/[/%]/.test(name);
}

/** `meta.yaml`, tags and aliases, in the place of what is there. Answers the tags that found no place. */
export async function writeRegisteredModel(
  folder: string,
  model: Fields,
  aliases: readonly { readonly alias: string; readonly version: string }[],
): Promise<readonly string[]> {
  for (const part of ["tags", "aliases"]) await rm(join(folder, part), { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { name, description = null } = model;
  const times = {
    creation_timestamp: integer(model["creation_timestamp"]),
    last_updated_timestamp: integer(model["last_updated_timestamp"]),
  };
  await writeFile(join(folder, "meta.yaml"), yaml({ ...times, description, name }));
  await writePairs(
    join(folder, "aliases"),
    aliases.map(({ alias, version }) => ({ key: alias, value: version })),
  );
  return writePairs(join(folder, "tags"), model["tags"]);
}

/**
 * `meta.yaml` and tags of a version. Answers the tags that found no place.
 *
 * @param location - Where its files are now. Its source stays what it was.
 */
export async function writeModelVersion(folder: string, version: Fields, location: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const texts = ["current_stage", "description", "name", "run_id", "run_link", "source", "status", "status_message", "user_id"];
  const { model_id: modelId } = version;
  await writeFile(
    join(folder, "meta.yaml"),
    yaml({
      aliases: [],
      creation_timestamp: integer(version["creation_timestamp"]),
      last_updated_timestamp: integer(version["last_updated_timestamp"]),
      ...Object.fromEntries(texts.map((name) => [name, version[name] ?? null])),
      ...(typeof modelId === "string" && modelId !== "" ? { model_id: modelId } : {}),
      storage_location: location,
      version: integer(version["version"]),
    }),
  );
  return writePairs(join(folder, "tags"), version["tags"]);
}

/**
 * A logged model, but for its files. Answers what found no place.
 *
 * @param location - Where its files are now.
 */
export async function writeLoggedModel(
  folder: string,
  { info, data }: { readonly info: Fields; readonly data: Fields },
  location: string,
): Promise<readonly string[]> {
  for (const part of ["metrics", "params", "tags"]) await mkdir(join(folder, part), { recursive: true });
  await writeFile(
    join(folder, "meta.yaml"),
    yaml({
      artifact_location: location,
      creation_timestamp: integer(info["creation_timestamp_ms"]),
      experiment_id: String(info["experiment_id"]),
      last_updated_timestamp: integer(info["last_updated_timestamp_ms"]),
      lifecycle_stage: "active",
      model_id: info["model_id"],
      model_type: info["model_type"] ?? null,
      name: info["name"] ?? "",
      source_run_id: info["source_run_id"] ?? null,
      status: STATUS_NUMBERS[String(info["status"])] ?? 0,
      status_message: info["status_message"] ?? null,
    }),
  );
  const parameters = await writePairs(join(folder, "params"), data["params"]);
  const tags = await writePairs(join(folder, "tags"), info["tags"]);
  const metrics = await writeModelMetrics(join(folder, "metrics"), data["metrics"], info["source_run_id"]);
  return [...parameters.map((name) => `parameter ${name}`), ...tags.map((name) => `tag ${name}`), ...metrics];
}

/** Lines of a model's metric name the run that measured, and the data set where there was one. */
async function writeModelMetrics(folder: string, metrics: unknown, sourceRunId: unknown): Promise<readonly string[]> {
  const files = new NamedFiles(folder);
  const places = new Map<string, string | undefined>();
  const left = new Set<string>();
  for (const metric of (metrics ?? []) as readonly Fields[]) {
    const key = String(metric["key"]);
    if (!places.has(key)) places.set(key, await files.place(key));
    const file = places.get(key);
    if (file === undefined) {
      left.add(`metric ${key}`);
      continue;
    }
    const { timestamp = 0, step = 0, value = 0, run_id: runId, dataset_name: name, dataset_digest: digest } = metric;
    const dataset = [name, digest].filter((text): text is string => typeof text === "string" && text !== "");
    // MLflow parts a line at its blanks and reads no model whose lines have more of them than it wants.
    const isNamable = dataset.length === 2 && dataset.every((text) => !/\s/.test(text));
    if (dataset.length > 0 && !isNamable) left.add(`data set ${dataset.join(" ")} of metric ${key}`);
    const run = [runId, sourceRunId].find((id) => typeof id === "string" && id !== "") ?? "unknown";
    await appendPoints(file, [[timestamp, step, value, run, ...(isNamable ? dataset : [])]]);
  }
  return [...left];
}
