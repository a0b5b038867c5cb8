/** Models in a file store: the registry in `models/`, and logged models (MLflow 3) beside the runs. Reads; decides nothing. */
import { basename, join } from "node:path";
import * as z from "zod/mini";
import { NotFoundError } from "../base/errors.js";
import { names, type FileRuns } from "./file-run.js";
import { isFolder, isName, MODELS, type FileTree } from "./file-tree.js";
import {
  isPrompt,
  loggedModelDocument,
  modelVersionDocument,
  registeredModelDocument,
  type MlflowLoggedModel,
  type MlflowModelVersion,
  type MlflowRegisteredModel,
  withoutNulls,
} from "./mlflow-documents.js";
import { LOGGED_MODEL_STATUS } from "./model-source.js";

const VERSION = "version-";

/** The models of one store, as documents of the REST API. */
export class FileModels {
  readonly #tree: FileTree;
  readonly #runs: FileRuns;

  constructor(tree: FileTree, runs: FileRuns) {
    this.#tree = tree;
    this.#runs = runs;
  }

  async *registeredModels(signal: AbortSignal): AsyncGenerator<MlflowRegisteredModel, void, undefined> {
    signal.throwIfAborted();
    for (const name of await this.#tree.folders(join(this.#tree.root, MODELS))) {
      const model = name.startsWith(".") ? undefined : await this.#registered(name, signal);
      if (model && !isPrompt(model)) yield model;
    }
  }

  /** @throws NotFoundError for a name that is not there. */
  async registeredModel(name: string, signal: AbortSignal): Promise<MlflowRegisteredModel> {
    const found = isName(name) && (await isFolder(this.#home(name))) ? await this.#registered(name, signal) : undefined;
    if (found) return found;
    throw new NotFoundError(`The folder ${this.#tree.root} has no registered model ${JSON.stringify(name)}.`);
  }

  async *versions(name: string, signal: AbortSignal): AsyncGenerator<MlflowModelVersion, void, undefined> {
    const numbers = (await this.#tree.folders(this.#home(name)))
      .filter((folder) => folder.startsWith(VERSION))
      .map((folder) => folder.slice(VERSION.length));
    for (const version of numbers.sort((one, other) => Number(one) - Number(other))) {
      const found = await this.version(name, version, signal);
      if (found) yield found;
    }
  }

  /** One version; undefined for one that is not there, or was deleted, which leaves its folder. */
  async version(name: string, version: string, signal: AbortSignal): Promise<MlflowModelVersion | undefined> {
    const folder = join(this.#home(name), `${VERSION}${version}`);
    if (!isName(name) || !isName(version) || !(await isFolder(folder))) return undefined;
    const meta = await this.#tree.meta(folder, signal);
    if (!meta || meta.text("current_stage") === "Deleted_Internal") return undefined;
    const texts = ["current_stage", "description", "source", "run_id", "user_id", "status", "status_message", "run_link", "model_id"];
    return z.parse(
      modelVersionDocument,
      withoutNulls({
        name,
        version,
        creation_timestamp: meta.integer("creation_timestamp"),
        last_updated_timestamp: meta.integer("last_updated_timestamp"),
        ...Object.fromEntries([...texts, "storage_location"].map((field) => [field, meta.text(field)])),
        tags: await this.#runs.pairs(join(folder, "tags"), signal),
      }),
    );
  }

  async *loggedModels(experimentId: string, signal: AbortSignal): AsyncGenerator<MlflowLoggedModel, void, undefined> {
    signal.throwIfAborted();
    const home = await this.#tree.experimentFolder(experimentId);
    if (home === undefined) return;
    const found: MlflowLoggedModel[] = [];
    for (const id of await this.#tree.folders(join(home, MODELS))) {
      const model = id.startsWith(".") ? undefined : await this.#logged(join(home, MODELS, id), experimentId, signal);
      if (model) found.push(model);
    }
    const age = ({ info }: MlflowLoggedModel): number => Number(info.creation_timestamp_ms ?? 0);
    yield* found.sort((one, other) => age(one) - age(other));
  }

  #home(name: string): string {
    return join(this.#tree.root, MODELS, name);
  }

  async #registered(name: string, signal: AbortSignal): Promise<MlflowRegisteredModel | undefined> {
    const folder = this.#home(name);
    const meta = await this.#tree.meta(folder, signal);
    if (!meta) return undefined;
    const aliases = (await this.#runs.pairs(join(folder, "aliases"), signal)).map(({ key, value }) => ({
      alias: key,
      version: value.trim(),
    }));
    return z.parse(
      registeredModelDocument,
      withoutNulls({
        name,
        creation_timestamp: meta.integer("creation_timestamp"),
        last_updated_timestamp: meta.integer("last_updated_timestamp"),
        description: meta.text("description"),
        tags: await this.#runs.pairs(join(folder, "tags"), signal),
        aliases,
      }),
    );
  }

  /** A deleted one stays in its place, and is no part of what is moved. */
  async #logged(folder: string, experimentId: string, signal: AbortSignal): Promise<MlflowLoggedModel | undefined> {
    const meta = await this.#tree.meta(folder, signal);
    if (!meta || meta.text("lifecycle_stage") === "deleted") return undefined;
    const status = meta.text("status") ?? "";
    const info = {
      model_id: basename(folder),
      experiment_id: experimentId,
      name: meta.text("name"),
      artifact_uri: meta.text("artifact_location"),
      creation_timestamp_ms: meta.integer("creation_timestamp"),
      last_updated_timestamp_ms: meta.integer("last_updated_timestamp"),
      status: LOGGED_MODEL_STATUS[status] ?? status,
      status_message: meta.text("status_message"),
      model_type: meta.text("model_type"),
      source_run_id: meta.text("source_run_id"),
      tags: await this.#runs.pairs(join(folder, "tags"), signal),
    };
    const metrics: object[] = [];
    for (const key of await names(join(folder, "metrics"), signal))
      for await (const page of this.#runs.pointsOf(join(folder, "metrics", ...key.split("/")), "model", folder, signal))
        metrics.push(...page.map((point) => ({ key, ...point })));
    const params = await this.#runs.pairs(join(folder, "params"), signal);
    return z.parse(loggedModelDocument, { info: withoutNulls(info), data: { params, metrics } });
  }
}
