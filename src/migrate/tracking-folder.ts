/**
 * Writes MLflow's tracking folder (`mlruns`): what a file store of MLflow reads, of 2.9 to 3.x. Names become paths, so each
 * part of one is looked at first: nothing is ever written outside the folder.
 */
import { createHash } from "node:crypto";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { otherWorkspace } from "../mlflow/workspaces.js";
import { doubleText, integer, integerText, yaml } from "./store-texts.js";

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
      name: nameInFolder(experiment),
    }),
  );
  await writePairs(join(folder, "tags"), experiment["tags"]);
}

/** A folder has no workspaces, and names of experiments are unique in it: one of another workspace than the default one says which. */
function nameInFolder(experiment: Fields): unknown {
  const { workspace, name } = experiment;
  const other = otherWorkspace({ workspace: typeof workspace === "string" ? workspace : undefined });
  return other === undefined ? name : `${other}/${String(name)}`;
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

/** The data sets and models that a run read. MLflow knows data sets by digests of their names. */
export async function writeInputs(experimentFolder: string, runFolder: string, runId: string, inputs: unknown): Promise<void> {
  const given = inputs as
    | {
        readonly dataset_inputs?: readonly { readonly dataset: Fields; readonly tags?: readonly Fields[] }[];
        readonly model_inputs?: readonly Fields[];
      }
    | undefined;
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
  for (const { model_id: id } of given?.model_inputs ?? []) {
    if (typeof id !== "string") continue;
    const inputFolder = join(runFolder, "inputs", md5(id + runId));
    await mkdir(inputFolder, { recursive: true });
    const input = { destination_id: runId, destination_type: "RUN", source_id: id, source_type: "MODEL", tags: {} };
    await writeFile(join(inputFolder, "meta.yaml"), yaml(input));
  }
}

/** The models that a run logged (MLflow 3). */
export async function writeOutputs(runFolder: string, outputs: unknown): Promise<void> {
  const given = outputs as { readonly model_outputs?: readonly Fields[] } | undefined;
  for (const { model_id: id, step } of given?.model_outputs ?? []) {
    if (typeof id !== "string" || !/^[\w-]+$/.test(id)) continue;
    const folder = join(runFolder, "outputs", id);
    await mkdir(folder, { recursive: true });
    // MLflow's own has the model at both ends.
    const output = { destination_id: id, destination_type: "MODEL_OUTPUT", source_id: id, source_type: "RUN_OUTPUT" };
    await writeFile(join(folder, "meta.yaml"), yaml({ ...output, step: integer(step ?? 0), tags: {} }));
  }
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
