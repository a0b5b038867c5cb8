/**
 * What a file store (`mlruns`) consists of: which of its folders are experiments and runs, and where the deleted ones lie.
 * MLflow passes over folders that are in no order without a word; here each is told. Reads; knows nothing of what runs hold.
 */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "../base/clock.js";
import { ConfigError } from "../base/errors.js";
import { describeFileError, errnoOf } from "../storage/file-errors.js";
import type { SourceTroubles } from "./source-troubles.js";
import { readMeta, type Meta } from "./store-yaml.js";

/** Folder of deleted experiments. */
const TRASH = ".trash";
/** Folder of registered models, among the experiments; in an experiment that of its logged models. */
export const MODELS = "models";
/** What lies in an experiment and is no run. */
const RESERVED: readonly string[] = ["tags", "datasets", "traces", MODELS];
/** By these a folder without `meta.yaml` shows that it was a run. */
const PARTS_OF_RUNS: readonly string[] = ["metrics", "params", "tags"];
const META = "meta.yaml";

/** A folder with what its `meta.yaml` says. */
export interface StoreFolder {
  /** Name of the folder, which is the id. */
  readonly id: string;
  readonly folder: string;
  readonly meta: Meta;
}

/** One file store. */
export class FileTree {
  readonly root: string;
  readonly troubles: SourceTroubles;
  readonly #clock: Clock;

  private constructor(root: string, troubles: SourceTroubles, clock: Clock) {
    this.root = root;
    this.troubles = troubles;
    this.#clock = clock;
  }

  /** @throws ConfigError for a folder that cannot be read, or holds no experiment. */
  static async open(root: string, troubles: SourceTroubles, clock: Clock): Promise<FileTree> {
    const tree = new FileTree(root, troubles, clock);
    const refuse = (reason: string, cause?: unknown): ConfigError => {
      const message = `${root} cannot be read as a tracking folder of MLflow: ${reason}`;
      return new ConfigError(`${message}.`, [{ path: "source", message }], cause);
    };
    try {
      await readdir(root);
    } catch (error) {
      throw refuse(describeFileError(error), error);
    }
    const { signal } = new AbortController();
    for await (const _ of tree.experiments(signal)) return tree;
    const inside = join(root, "mlruns");
    if (await isFolder(inside)) throw refuse(`it holds no experiment; perhaps ${inside} is meant`);
    throw refuse(
      `no folder in it has a ${META} with an experiment. Files alone may be those of a server with a database: then name the database`,
    );
  }

  /** All experiments, those in the trash, too; oldest first. */
  async *experiments(signal: AbortSignal): AsyncGenerator<StoreFolder, void, undefined> {
    const found: StoreFolder[] = [];
    const seen = new Set<string>();
    for (const parent of [this.root, join(this.root, TRASH)]) {
      for (const id of await this.folders(parent)) {
        if (id.startsWith(".") || (parent === this.root && id === MODELS)) continue;
        const folder = join(parent, id);
        const meta = await this.#meta(folder, "experiment_id", id, signal);
        if (!meta) continue;
        if (seen.has(id)) this.troubles.lost(folder, "the trash has an experiment of the same id as an active one; it is passed over");
        else found.push({ id, folder, meta });
        seen.add(id);
      }
    }
    yield* found.sort(byAge("creation_time"));
  }

  /** All runs of an experiment, oldest first. */
  async *runs(experimentId: string, signal: AbortSignal): AsyncGenerator<StoreFolder, void, undefined> {
    signal.throwIfAborted();
    const home = await this.experimentFolder(experimentId);
    if (home === undefined) return;
    // What they say is not kept: there may be many.
    const found: { readonly id: string; readonly start: number | bigint }[] = [];
    for (const id of await this.folders(home)) {
      if (RESERVED.includes(id) || id.startsWith(".")) continue;
      const meta = await this.#runMeta(join(home, id), experimentId, signal);
      if (meta) found.push({ id, start: meta.integer("start_time") ?? 0 });
    }
    found.sort((one, other) => compare(one.start, other.start) || compare(one.id, other.id));
    for (const { id } of found) {
      const folder = join(home, id);
      const meta = await this.#runMeta(folder, experimentId, signal);
      if (meta) yield { id, folder, meta };
    }
  }

  /** One run; undefined for one that is not there, or is in no order. */
  async run(runId: string, signal: AbortSignal): Promise<StoreFolder | undefined> {
    signal.throwIfAborted();
    for (const parent of [this.root, join(this.root, TRASH)]) {
      for (const experimentId of await this.folders(parent)) {
        const folder = join(parent, experimentId, runId);
        if (!isName(runId) || !(await isFolder(folder))) continue;
        const meta = await this.#runMeta(folder, experimentId, signal);
        if (meta) return { id: runId, folder, meta };
      }
    }
    return undefined;
  }

  /** Where an experiment lies. */
  async experimentFolder(experimentId: string): Promise<string | undefined> {
    if (!isName(experimentId)) return undefined;
    for (const folder of [join(this.root, experimentId), join(this.root, TRASH, experimentId)]) if (await isFolder(folder)) return folder;
    return undefined;
  }

  /** Where a logged model lies (MLflow 3). */
  async modelFolder(modelId: string): Promise<string | undefined> {
    if (!isName(modelId)) return undefined;
    for (const parent of [this.root, join(this.root, TRASH)])
      for (const id of await this.folders(parent)) {
        const folder = join(parent, id, MODELS, modelId);
        if (!(parent === this.root && id === MODELS) && (await isFolder(folder))) return folder;
      }
    return undefined;
  }

  /** `meta.yaml` of a folder; undefined, and told, when it cannot be used. */
  async meta(folder: string, signal: AbortSignal): Promise<Meta | undefined> {
    const file = await readMeta(join(folder, META), { clock: this.#clock, signal });
    if (file.kind === "read") {
      this.troubles.fine(folder);
      return file.meta;
    }
    if (file.kind === "damaged") this.troubles.lost(folder, `its ${META} cannot be read: ${file.reason}`);
    else if (await this.#wasKept(folder)) this.troubles.lost(folder, `it has no ${META}, but what MLflow keeps beside one`);
    else this.troubles.noted(folder, `it has no ${META}, and nothing that MLflow would have kept`);
    return undefined;
  }

  /** Names of the folders in a folder, sorted; none where there is no such folder. What cannot be read is told. */
  async folders(parent: string): Promise<readonly string[]> {
    try {
      const names: string[] = [];
      for (const entry of await readdir(parent, { withFileTypes: true }))
        if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(parent, entry.name))))) names.push(entry.name);
      return names.sort();
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") this.troubles.lost(parent, `the folder cannot be read: ${describeFileError(error)}`);
      return [];
    }
  }

  /** The same with a look at whether it is what its name says. A copy beside its original is passed over, as by MLflow. */
  async #meta(folder: string, field: string, id: string, signal: AbortSignal): Promise<Meta | undefined> {
    const meta = await this.meta(folder, signal);
    // A run of MLflow 0.x and 1.x may have the older name alone.
    const said = meta?.text(field) ?? (field === "run_id" ? meta?.text("run_uuid") : undefined);
    if (!meta || said === id) return meta;
    this.troubles.lost(folder, `its ${META} is that of ${field} ${said ?? "nothing"}; it is passed over, as by MLflow`);
    return undefined;
  }

  async #runMeta(folder: string, experimentId: string, signal: AbortSignal): Promise<Meta | undefined> {
    const meta = await this.#meta(folder, "run_id", basename(folder), signal);
    const said = meta?.text("experiment_id");
    if (!meta || said === experimentId) return meta;
    this.troubles.lost(folder, `its ${META} is that of a run of experiment ${said ?? "nothing"}; it is passed over, as by MLflow`);
    return undefined;
  }

  async #wasKept(folder: string): Promise<boolean> {
    for (const name of await this.folders(folder)) {
      if (PARTS_OF_RUNS.includes(name)) return true;
      if (await isThere(join(folder, name, META))) return true;
    }
    return false;
  }
}

/** True for what can be the name of a folder and leads nowhere else. */
export function isName(text: string): boolean {
  return text !== "" && text !== "." && text !== ".." && !/[/\\\0]/.test(text);
}

/** True for a folder, or a link to one. */
export function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** True for whatever can be reached. */
export function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function byAge(field: string): (one: StoreFolder, other: StoreFolder) => number {
  return (one, other) => compare(one.meta.integer(field) ?? 0, other.meta.integer(field) ?? 0) || compare(one.id, other.id);
}

function compare<T extends string | number | bigint>(one: T, other: T): number {
  return one < other ? -1 : Number(one > other);
}
