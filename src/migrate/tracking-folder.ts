/**
 * Writes MLflow's tracking folder (`mlruns`): what a file store of MLflow reads, of 2.9 to 3.x. Names become paths, so each
 * part of one is looked at first: nothing is ever written outside the folder.
 */
import { createHash } from "node:crypto";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const STATUS_NUMBERS: Readonly<Record<string, number>> = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 };
/** What MLflow calls a source of type LOCAL. */
const SOURCE_TYPE_LOCAL = 4;

type Fields = Readonly<Record<string, unknown>>;

/** The path of a name below a folder; undefined when it has none there. */
export function safePath(name: string): string | undefined {
  const isNone = (part: string): boolean => ["", ".", ".."].includes(part) || part.includes("\u0000") || part.includes("\\");
  return name.split("/").some(isNone) ? undefined : name;
}

/** One folder of names, such as `metrics`. A name cannot be a file and a folder at once: who comes second has no place. */
export class NamedFiles {
  readonly #folder: string;
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The file for a name, its folder made; undefined when there can be none. */
  async place(name: string): Promise<string | undefined> {
    const path = safePath(name);
    if (path === undefined || this.#folders.has(path)) return undefined;
    const above = path.split("/").slice(0, -1);
    const folders = above.map((_, at) => above.slice(0, at + 1).join("/"));
    if (folders.some((folder) => this.#files.has(folder))) return undefined;
    this.#files.add(path);
    for (const folder of folders) this.#folders.add(folder);
    const file = join(this.#folder, path);
    await mkdir(dirname(file), { recursive: true });
    return file;
  }
}

/** `meta.yaml` of an experiment, and its tags. */
export async function writeExperiment(folder: string, experiment: Fields): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "meta.yaml"),
    yaml({
      artifact_location: pathToFileURL(folder).href,
      creation_time: integer(experiment["creation_time"]),
      experiment_id: String(experiment["experiment_id"]),
      last_update_time: integer(experiment["last_update_time"]),
      lifecycle_stage: experiment["lifecycle_stage"] ?? "active",
      name: experiment["name"],
    }),
  );
  await writePairs(join(folder, "tags"), experiment["tags"]);
}

/** `meta.yaml` of a run. `home` is the folder that it will be read from. */
export async function writeRunInfo(folder: string, home: string, info: Fields): Promise<void> {
  for (const name of ["artifacts", "metrics", "params", "tags"]) await mkdir(join(folder, name), { recursive: true });
  await writeFile(
    join(folder, "meta.yaml"),
    yaml({
      artifact_uri: pathToFileURL(join(home, "artifacts")).href,
      end_time: integer(info["end_time"]),
      entry_point_name: "",
      experiment_id: String(info["experiment_id"]),
      lifecycle_stage: info["lifecycle_stage"] ?? "active",
      run_id: info["run_id"],
      run_name: info["run_name"] ?? "",
      run_uuid: info["run_id"],
      source_name: "",
      source_type: SOURCE_TYPE_LOCAL,
      source_version: "",
      start_time: integer(info["start_time"]),
      status: STATUS_NUMBERS[String(info["status"])] ?? STATUS_NUMBERS["RUNNING"],
      tags: [],
      user_id: info["user_id"] ?? "",
    }),
  );
}

/** Parameters or tags, a file each. Answers the names that found no place. */
export async function writePairs(folder: string, pairs: unknown): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const files = new NamedFiles(folder);
  const left: string[] = [];
  for (const { key, value } of (pairs ?? []) as readonly { readonly key: string; readonly value: string }[]) {
    const file = await files.place(key);
    if (file === undefined) left.push(key);
    else await writeFile(file, value);
  }
  return left;
}

/** Lines of a metric, in the order in which they are given. */
export async function appendPoints(file: string, points: readonly (readonly unknown[])[]): Promise<void> {
  await appendFile(
    file,
    points
      .map(([timestamp, step, value, ...dataset]) =>
        [integerText(timestamp), doubleText(value), integerText(step), ...dataset.map(String)].join(" ").concat("\n"),
      )
      .join(""),
  );
}

/** The data sets that a run read. MLflow knows them by digests of their names. */
export async function writeDatasets(experimentFolder: string, runFolder: string, runId: string, inputs: unknown): Promise<void> {
  const given = inputs as
    { readonly dataset_inputs?: readonly { readonly dataset: Fields; readonly tags?: readonly Fields[] }[] } | undefined;
  for (const { dataset, tags = [] } of given?.dataset_inputs ?? []) {
    const id = md5(`${String(dataset["name"])}${String(dataset["digest"])}`);
    const datasetFolder = join(experimentFolder, "datasets", id);
    await mkdir(datasetFolder, { recursive: true });
    const { name, digest, source_type, source, schema = null, profile = null } = dataset;
    await writeFile(join(datasetFolder, "meta.yaml"), yaml({ digest, name, profile, schema, source, source_type }));
    const inputFolder = join(runFolder, "inputs", md5(id + runId));
    await mkdir(inputFolder, { recursive: true });
    const input = { destination_id: runId, destination_type: "RUN", source_id: id, source_type: "DATASET" };
    const tagsOf = Object.fromEntries(tags.map(({ key, value }) => [String(key), value]));
    await writeFile(join(inputFolder, "meta.yaml"), yaml({ ...input, tags: tagsOf }));
  }
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** A mapping. JSON's texts are YAML's, but for the characters that PyYAML wants written out. */
function yaml(fields: Fields): string {
  const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
  const escaped = (value: unknown): string =>
    JSON.stringify(value ?? null).replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const line = ([name, value]: readonly [string, unknown]): string =>
    `${name}: ${typeof value === "object" && value !== null && "number" in value ? String(value.number) : escaped(value)}\n`;
  return Object.entries(fields).map(line).join("");
}

function integer(value: unknown): { readonly number: string } | null {
  return value === undefined || value === null ? null : { number: integerText(value) };
}

function integerText(value: unknown): string {
  return typeof value === "object" && value !== null ? String((value as { readonly int64: unknown }).int64) : String(value);
}

function doubleText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const text = String((value as { readonly double: unknown }).double);
  return text.replace("Infinity", "inf").replace("NaN", "nan");
}
