/**
 * Experiments of an exported folder: each is written once, by whichever of its runs or models comes first. Those that were moved before
 * it was deleted and those that were moved after tell otherwise of it; all of them lie where the first one, or an earlier export, has put it.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { writeExperiment } from "./tracking-folder.js";

/** MLflow's folder of deleted experiments. */
const TRASH = ".trash";

/** Experiments of one folder. */
export class ExportExperiments {
  readonly #folder: string;
  readonly #written = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes an experiment as it was kept; answers its folder. The id must be one that can be a folder. */
  place(experiment: Readonly<Record<string, unknown>>): Promise<string> {
    const id = String(experiment["experiment_id"]);
    const written = this.#written.get(id) ?? this.#write(id, experiment);
    this.#written.set(id, written);
    return written;
  }

  /** The folder of an experiment that is there, written now or by an earlier export; undefined for none. */
  async find(id: string): Promise<string | undefined> {
    return (await this.#written.get(id)) ?? this.#earlier(id);
  }

  async #write(id: string, experiment: Readonly<Record<string, unknown>>): Promise<string> {
    const [active, deleted] = this.#places(id);
    const folder = (await this.#earlier(id)) ?? (experiment["lifecycle_stage"] === "deleted" ? deleted : active);
    await writeExperiment(folder, { ...experiment, lifecycle_stage: folder === deleted ? "deleted" : "active" });
    return folder;
  }

  async #earlier(id: string): Promise<string | undefined> {
    for (const folder of this.#places(id)) {
      const isThere = await stat(join(folder, "meta.yaml")).then(
        () => true,
        () => false,
      );
      if (isThere) return folder;
    }
    return undefined;
  }

  #places(id: string): readonly [active: string, deleted: string] {
    return [join(this.#folder, id), join(this.#folder, TRASH, id)];
  }
}

/** True for an id of a run, an experiment or a model that can be the name of a folder. */
export function isFolderId(id: unknown): id is string {
  return typeof id === "string" && /^[\w-]+$/.test(id);
}
