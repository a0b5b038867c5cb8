/**
 * Reads a tracking folder of MLflow (`mlruns`, its file store), 1.x to 3.x, without MLflow. Documents have the form of the REST
 * API. Metrics of any length are read line by line. What is not as MLflow leaves it is told by `troubles`. Writes nothing.
 */
import { dirname, join, resolve } from "node:path";
import * as z from "zod/mini";
import { systemClock, type Clock } from "../base/clock.js";
import { NotFoundError } from "../base/errors.js";
import { ArtifactPlaces } from "./artifact-places.js";
import { FileArtifacts } from "./file-artifacts.js";
import { FileModels } from "./file-models.js";
import { FileRuns } from "./file-run.js";
import { FileTree } from "./file-tree.js";
import {
  experimentDocument,
  type MlflowExperiment,
  type MlflowFile,
  type MlflowLoggedModel,
  type MlflowModelVersion,
  type MlflowPoint,
  type MlflowRegisteredModel,
  type MlflowRun,
  withoutNulls,
} from "./mlflow-documents.js";
import type { MlflowCall, MlflowDownload, MlflowDownloadCall, MlflowFilesOwner, MlflowSource, MlflowTrouble } from "./mlflow-source.js";
import { SourceTroubles } from "./source-troubles.js";

/** What a folder does not say by itself. */
export interface FileSourceOptions {
  /**
   * Folder or `s3://` address for files that are neither where they were recorded nor in the tracking folder: it stands for the root
   * that was recorded, and for that of `mlflow-artifacts:`.
   */
  readonly artifactsRoot?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** A reader of one folder. Its methods are those of {@link MlflowSource}. */
export class MlflowFileSource implements MlflowSource {
  readonly address: string;
  readonly #tree: FileTree;
  readonly #runs: FileRuns;
  readonly #models: FileModels;
  readonly #places: ArtifactPlaces;
  readonly #artifacts: FileArtifacts;
  readonly #troubles: SourceTroubles;

  private constructor(tree: FileTree, troubles: SourceTroubles, places: ArtifactPlaces, artifactsRoot: string | undefined) {
    this.address = tree.root;
    this.#tree = tree;
    this.#troubles = troubles;
    this.#places = places;
    this.#runs = new FileRuns(tree);
    this.#models = new FileModels(tree, this.#runs);
    this.#artifacts = new FileArtifacts({ tree, models: this.#models, places, artifactsRoot });
  }

  /** Opens a folder for reading. @throws ConfigError when it cannot be read or holds no experiment. */
  static async open(
    path: string,
    options: FileSourceOptions = {},
    env: Readonly<Record<string, string | undefined>> = process.env,
  ): Promise<MlflowFileSource> {
    const { artifactsRoot, clock = systemClock } = options;
    const root = resolve(path);
    const troubles = new SourceTroubles();
    const tree = await FileTree.open(root, troubles, clock);
    // Old releases recorded `./mlruns/...`, relative to where they were started.
    return new MlflowFileSource(tree, troubles, new ArtifactPlaces({ base: dirname(root), artifactsRoot, env }), artifactsRoot);
  }

  /** The absolute path. */
  get defaultSourceId(): string {
    return this.address;
  }

  /** A folder does not say which release wrote it. */
  async version({ signal }: MlflowCall): Promise<string> {
    signal.throwIfAborted();
    return "tracking folder";
  }

  async *experiments({ signal }: MlflowCall): AsyncGenerator<MlflowExperiment, void, undefined> {
    for await (const { id, folder, meta } of this.#tree.experiments(signal)) {
      const text = {
        experiment_id: id,
        name: meta.text("name") ?? id,
        artifact_location: meta.text("artifact_location"),
        lifecycle_stage: meta.text("lifecycle_stage") ?? "active",
        last_update_time: meta.integer("last_update_time"),
        creation_time: meta.integer("creation_time"),
        tags: await this.#runs.pairs(join(folder, "tags"), signal),
      };
      yield z.parse(experimentDocument, withoutNulls(text));
    }
  }

  /** Without inputs, outputs and the values of metrics, for which every file would have to be read. */
  async *runs(experimentId: string, { signal }: MlflowCall): AsyncGenerator<MlflowRun, void, undefined> {
    for await (const run of this.#tree.runs(experimentId, signal)) yield await this.#runs.document(run, false, signal);
  }

  async run(runId: string, { signal }: MlflowCall): Promise<MlflowRun> {
    const found = await this.#tree.run(runId, signal);
    if (!found) throw new NotFoundError(`The folder ${this.address} has no run ${runId}, or none that can be read.`);
    return this.#runs.document(found, true, signal);
  }

  async *history(runId: string, key: string, { signal }: MlflowCall): AsyncGenerator<readonly MlflowPoint[], void, undefined> {
    const found = await this.#tree.run(runId, signal);
    if (found) yield* this.#runs.points(found, key, signal);
  }

  async *artifacts(owner: MlflowFilesOwner, call: MlflowCall): AsyncGenerator<MlflowFile, void, undefined> {
    yield* this.#places.list(await this.#artifacts.address(owner, call.signal), call);
  }

  async download(owner: MlflowFilesOwner, path: string, target: string, options: MlflowDownloadCall): Promise<MlflowDownload> {
    return this.#places.download(await this.#artifacts.address(owner, options.signal), path, target, options);
  }

  async *registeredModels({ signal }: MlflowCall): AsyncGenerator<MlflowRegisteredModel, void, undefined> {
    yield* this.#models.registeredModels(signal);
  }

  async registeredModel(name: string, { signal }: MlflowCall): Promise<MlflowRegisteredModel> {
    return this.#models.registeredModel(name, signal);
  }

  async *modelVersions(name: string, { signal }: MlflowCall): AsyncGenerator<MlflowModelVersion, void, undefined> {
    yield* this.#models.versions(name, signal);
  }

  async *loggedModels(experimentId: string, { signal }: MlflowCall): AsyncGenerator<MlflowLoggedModel, void, undefined> {
    yield* this.#models.loggedModels(experimentId, signal);
  }

  /** What of the folder was in no order, as far as it was read. */
  troubles(): readonly MlflowTrouble[] {
    return this.#troubles.all();
  }

  /** Nothing is held open. */
  async close(): Promise<void> {
    // For the port's sake.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
