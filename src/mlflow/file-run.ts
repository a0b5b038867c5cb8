/**
 * What the folder of one run holds, as the document that the REST API would answer: `meta.yaml`, parameters and tags as files,
 * metrics as files of lines, inputs and outputs. Also the parts that runs share with experiments and models. Reads.
 */
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as z from "zod/mini";
import { DownloadError } from "../base/errors.js";
import { describeFileError, errnoOf } from "../storage/file-errors.js";
import { isName, isThere, type FileTree, type StoreFolder } from "./file-tree.js";
import { laterPoint, readPoints, type MetricDamage, type MetricOwner } from "./metric-lines.js";
import { runDocument, type MlflowPoint, type MlflowRun } from "./mlflow-documents.js";
import { treeFiles } from "./tree-files.js";

/** Numbers by which the files keep the status of a run. */
const STATUS: Readonly<Record<string, string>> = { "1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED" };
const RUN_NAME = "mlflow.runName";

type Pair = { key: string; value: string };

/** Reads runs of one store. */
export class FileRuns {
  readonly #tree: FileTree;

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  /** A run. `isWhole` reads the metrics, too, for their latest points; else those have their keys alone, and there are no inputs. */
  async document({ id, folder, meta }: StoreFolder, isWhole: boolean, signal: AbortSignal): Promise<MlflowRun> {
    const params = await this.pairs(join(folder, "params"), signal);
    const tags = await this.pairs(join(folder, "tags"), signal);
    const metrics: ({ key: string } & Partial<MlflowPoint>)[] = [];
    for (const key of await names(join(folder, "metrics"), signal)) {
      const latest = isWhole ? await this.#latest(folder, key, signal) : undefined;
      if (!isWhole) metrics.push({ key });
      else if (latest) metrics.push({ key, value: latest.value, timestamp: latest.timestamp, step: latest.step });
    }
    const status = meta.text("status") ?? "1";
    const info = {
      run_id: id,
      run_uuid: id,
      experiment_id: meta.text("experiment_id"),
      // Before MLflow 2.0 the tag was all there was.
      run_name: meta.text("run_name") || tags.find(({ key }) => key === RUN_NAME)?.value,
      user_id: meta.text("user_id"),
      status: STATUS[status] ?? status,
      start_time: meta.integer("start_time"),
      end_time: meta.integer("end_time"),
      artifact_uri: meta.text("artifact_uri"),
      lifecycle_stage: meta.text("lifecycle_stage") ?? "active",
    };
    const parsed = z.parse(runDocument, {
      info,
      ...(isWhole ? { inputs: await this.#inputs(folder, signal), outputs: await this.#outputs(folder, signal) } : {}),
    });
    return { ...parsed, data: { metrics, params, tags } };
  }

  /** The points of a metric of a run, in the order of writing. */
  async *points(run: StoreFolder, key: string, signal: AbortSignal): AsyncGenerator<readonly MlflowPoint[], void, undefined> {
    const parts = key.split("/");
    if (!parts.every(isName)) return;
    const path = join(run.folder, "metrics", ...parts);
    if (await isThere(path)) yield* this.pointsOf(path, "run", run.folder, signal);
  }

  /** The points of a metric's file. @throws DownloadError when it cannot be read. */
  async *pointsOf(
    path: string,
    owner: MetricOwner,
    ownerFolder: string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly MlflowPoint[], void, undefined> {
    const isLive = async (): Promise<boolean> => (await this.#tree.meta(ownerFolder, signal))?.text("status") === "1";
    try {
      yield* readPoints(path, {
        owner,
        signal,
        isLive,
        onEnd: (damage) => {
          this.#tellOf(path, damage);
        },
      });
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  /** Parameters, tags, aliases: a file each, whose path is the key and whose whole content is the value. */
  async pairs(folder: string, signal: AbortSignal): Promise<Pair[]> {
    const pairs: Pair[] = [];
    for (const key of await names(folder, signal)) {
      const path = join(folder, ...key.split("/"));
      const bytes = await readFile(path).catch((error: unknown) => {
        throw unreadable(path, error);
      });
      const value = bytes.toString("utf8");
      if (!bytes.equals(Buffer.from(value, "utf8")))
        this.#tree.troubles.lost(path, "its text is not UTF-8: what is unreadable of it stands as U+FFFD");
      pairs.push({ key, value });
    }
    return pairs;
  }

  async #latest(folder: string, key: string, signal: AbortSignal): Promise<MlflowPoint | undefined> {
    const path = join(folder, "metrics", ...key.split("/"));
    let latest: MlflowPoint | undefined;
    for await (const page of this.pointsOf(path, "run", folder, signal)) for (const point of page) latest = laterPoint(latest, point);
    return latest;
  }

  async #inputs(folder: string, signal: AbortSignal): Promise<object> {
    const dataset_inputs: object[] = [];
    const model_inputs: object[] = [];
    for (const name of await this.#tree.folders(join(folder, "inputs"))) {
      const place = join(folder, "inputs", name);
      const input = await this.#tree.meta(place, signal);
      const id = input?.text("source_id");
      if (!input || id === undefined) continue;
      if (input.text("source_type") === "MODEL") model_inputs.push({ model_id: id });
      if (input.text("source_type") !== "DATASET") continue;
      const dataset = await this.#tree.meta(join(dirname(folder), "datasets", basename(id)), signal);
      if (!dataset) {
        this.#tree.troubles.lost(place, `it names a data set that is not among those of the experiment: ${id}`);
        continue;
      }
      const fields = ["name", "digest", "source_type", "source", "schema", "profile"].map((field) => [field, dataset.text(field)] as const);
      const tags = input.pairs("tags").sort((one, other) => (one.key < other.key ? -1 : 1));
      dataset_inputs.push({ tags, dataset: Object.fromEntries(fields.filter(([, text]) => text !== undefined)) });
    }
    return { dataset_inputs, ...(model_inputs.length === 0 ? {} : { model_inputs }) };
  }

  async #outputs(folder: string, signal: AbortSignal): Promise<object> {
    const model_outputs: object[] = [];
    for (const name of await this.#tree.folders(join(folder, "outputs"))) {
      const output = await this.#tree.meta(join(folder, "outputs", name), signal);
      if (output) model_outputs.push({ model_id: output.text("destination_id") ?? name, step: output.integer("step") ?? 0 });
    }
    return { model_outputs };
  }

  #tellOf(path: string, { lines, first, cutShort }: MetricDamage): void {
    const { troubles } = this.#tree;
    const count = `${String(lines)} ${lines === 1 ? "line is no point" : "lines are no points"}, the first of them line ${String(first)}`;
    const end = "its last line is cut short";
    if (lines > 0) troubles.lost(path, cutShort === undefined ? count : `${count}; ${end}`);
    else if (cutShort === "ended") troubles.lost(path, `${end}, and the run has ended`);
    else if (cutShort === "live") troubles.noted(path, `${end}: it is left out until its run has ended or gone on`);
    else troubles.fine(path);
  }
}

/** Keys that a folder has, none where there is no such folder. @throws DownloadError when it cannot be read. */
export async function names(folder: string, signal: AbortSignal): Promise<readonly string[]> {
  try {
    return await treeFiles(folder, signal);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" && (error as NodeJS.ErrnoException).path === folder) return [];
    throw unreadable(folder, error);
  }
}

/** A system's error in words; any other as it is. */
function unreadable(path: string, error: unknown): unknown {
  if (errnoOf(error) === undefined) return error;
  const place = (error as NodeJS.ErrnoException).path ?? path;
  return new DownloadError(`${place} of the tracking folder cannot be read: ${describeFileError(error)}.`, {
    uri: place,
    retryable: false,
    cause: error,
  });
}
