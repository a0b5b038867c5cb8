/**
 * Where the files of a file store's runs and models lie now. The store has addresses of the machine that wrote it; the folder may
 * have been brought elsewhere since, or, with a deleted experiment, into the trash. What was recorded counts where it is there.
 */
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DownloadError, NotFoundError } from "../base/errors.js";
import { recordedPlace, type ArtifactPlaces } from "./artifact-places.js";
import type { FileModels } from "./file-models.js";
import { isThere, type FileTree } from "./file-tree.js";
import type { MlflowFilesOwner } from "./mlflow-source.js";
import { parseModelSource } from "./model-source.js";

const ARTIFACTS = "artifacts";

/** Finds the places of one store. */
export class FileArtifacts {
  readonly #tree: FileTree;
  readonly #models: FileModels;
  readonly #places: ArtifactPlaces;
  readonly #artifactsRoot: string | undefined;
  /** By recorded root: whether that was this store before it was moved. */
  readonly #moved = new Map<string, Promise<boolean>>();

  constructor(parts: {
    readonly tree: FileTree;
    readonly models: FileModels;
    readonly places: ArtifactPlaces;
    readonly artifactsRoot: string | undefined;
  }) {
    this.#tree = parts.tree;
    this.#models = parts.models;
    this.#places = parts.places;
    this.#artifactsRoot = parts.artifactsRoot;
  }

  /**
   * An address that can be read.
   *
   * @throws NotFoundError when nothing is said of where the files are; DownloadError when they were on another machine and are not in
   * the store.
   */
  async address(owner: MlflowFilesOwner, signal: AbortSignal): Promise<string> {
    const recorded = await this.#recorded(owner, signal);
    if (recorded === undefined)
      throw new NotFoundError(`The folder ${this.#tree.root} says nothing of where the files of ${JSON.stringify(owner)} are.`);
    const folder = this.#places.localFolder(recorded);
    return folder === undefined || (await isThere(folder)) ? recorded : this.#find(recorded, folder, signal);
  }

  async #recorded(owner: MlflowFilesOwner, signal: AbortSignal): Promise<string | undefined> {
    if (typeof owner === "string") return (await this.#tree.run(owner, signal))?.meta.text("artifact_uri") || undefined;
    if ("modelId" in owner) return this.#ofModel(owner.modelId, signal);
    const version = await this.#models.version(owner.name, owner.version, signal);
    const stored = version?.["storage_location"];
    const source = typeof stored === "string" && stored !== "" ? stored : (version?.source ?? "");
    const { modelId, runId, path } = parseModelSource(source);
    if (modelId !== undefined) return this.#ofModel(modelId, signal);
    if (runId === undefined) return source || undefined;
    const root = (await this.#tree.run(runId, signal))?.meta.text("artifact_uri");
    return root === undefined ? undefined : `${root}/${path}`;
  }

  async #ofModel(modelId: string, signal: AbortSignal): Promise<string | undefined> {
    const home = await this.#tree.modelFolder(modelId);
    return home === undefined ? undefined : (await this.#tree.meta(home, signal))?.text("artifact_location") || undefined;
  }

  /** The recorded folder is not on this machine. */
  async #find(recorded: string, folder: string, signal: AbortSignal): Promise<string> {
    const place = recordedPlace(folder);
    // Something of the user's own: what is said of it is for whoever reads it.
    if (place === undefined) return recorded;
    const { root, experimentId, owner, below } = place;
    const home = await this.#tree.experimentFolder(experimentId);
    const files = home === undefined ? undefined : join(home, ...owner.split("/"), ARTIFACTS);
    const own = files === undefined ? undefined : join(files, ...below.split("/"));
    if (own !== undefined && (await hasSomething(own))) return own;
    if (this.#artifactsRoot !== undefined)
      return `${this.#artifactsRoot.replace(/\/+$/, "")}/${experimentId}/${owner}/${ARTIFACTS}${below}`;
    // The root is there, and so it is the owner who stored nothing.
    if (await isThere(root)) return recorded;
    if (own !== undefined && files !== undefined && (await isThere(dirname(files))) && (await this.#isMoved(root, signal))) return own;
    throw new DownloadError(
      `The files at ${recorded} are not on this machine, and none are in the tracking folder. Bring ${root} here and name it with --artifacts-root; where there never were any, name the tracking folder itself.`,
      { uri: recorded, retryable: false },
    );
  }

  /** True once one run of that root is found to have its files here: then an empty folder of another is an empty folder. */
  #isMoved(root: string, signal: AbortSignal): Promise<boolean> {
    const known = this.#moved.get(root) ?? this.#lookForFiles(root, signal);
    this.#moved.set(root, known);
    known.catch(() => this.#moved.delete(root));
    return known;
  }

  async #lookForFiles(root: string, signal: AbortSignal): Promise<boolean> {
    for await (const experiment of this.#tree.experiments(signal)) {
      for (const id of await this.#tree.folders(experiment.folder)) {
        if (!(await hasSomething(join(experiment.folder, id, ARTIFACTS)))) continue;
        const run = await this.#tree.run(id, signal);
        const folder = this.#places.localFolder(run?.meta.text("artifact_uri") ?? "");
        if (folder !== undefined && recordedPlace(folder)?.root === root) return true;
      }
    }
    return false;
  }
}

async function hasSomething(folder: string): Promise<boolean> {
  return readdir(folder).then(
    (names) => names.length > 0,
    () => false,
  );
}
