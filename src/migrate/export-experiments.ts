/** Experiments of an exported folder: each is written once, by whichever of its runs or models comes first. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { writeExperiment } from "./tracking-folder.js";

const TRASH = ".trash";

/** Experiments of one folder. */
export class ExportExperiments {
  readonly #folder: string;
  readonly #written = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes an experiment as it was kept; answers its folder. The id must be one that can be a folder. */
  async place(experiment: Readonly<Record<string, unknown>>): Promise<string> {
    const id = String(experiment["experiment_id"]);
    const folder = join(this.#folder, ...(experiment["lifecycle_stage"] === "deleted" ? [TRASH] : []), id);
    const known = this.#written.get(id) ?? writeExperiment(folder, experiment);
    this.#written.set(id, known);
    await known;
    return folder;
  }

  /** The folder of an experiment that is there, written now or by an earlier export; undefined for none. */
  async find(id: string): Promise<string | undefined> {
    await this.#written.get(id);
    for (const folder of [join(this.#folder, id), join(this.#folder, TRASH, id)]) {
      const isThere = await stat(join(folder, "meta.yaml")).then(
        () => true,
        () => false,
      );
      if (isThere) return folder;
    }
    return undefined;
  }
}

/** True for an id of a run, an experiment or a model that can be the name of a folder. */
export function isFolderId(id: unknown): id is string {
  return typeof id === "string" && /^[\w-]+$/.test(id);
}
