/**
 * A model that is being made: created as a draft, filed under the task that makes it, given weights once or again and
 * again, published in the end. A published model is left alone; who has a better one makes it a model of its own.
 */
import { rm, stat } from "node:fs/promises";
import { basename } from "node:path";
import { describeError, ValidationError } from "../base/errors.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { NAME_MIN_LENGTH } from "../protocol/clearml/limits.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { freeText, nameText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { findOrCreate } from "../base/find-or-create.js";
import { frameworkOfFile } from "./model-framework.js";
import { linkModel, modelLinks } from "./model-links.js";
import { metadataEntry, type MetadataValue } from "./model-metadata.js";
import { packWeights } from "./model-package.js";
import { storeWeights, weightsOwner, weightsRecord, WEIGHTS_RECORD_KEYS, type WeightsUploadOptions } from "./model-weights.js";
import { Model, PACKAGE_TAG } from "./model.js";
import type { CallOptions } from "./session.js";
import { taskIdOf, type TaskArgument } from "./task-argument.js";

/** What a new model is. */
export interface OutputModelInput {
  /** At least 3 characters. */
  readonly name: string;
  /** The task that makes it: gives its project, its labels and, with an input model, its parent where they are not given. */
  readonly task?: TaskArgument;
  /** The task's own name for it: an output model of that name is replaced in the task's list. Default `name`. */
  readonly connectName?: string;
  /** Path of its project, made where it is missing. Default: the task's. */
  readonly project?: string;
  /** Spelled as in `MODEL_FRAMEWORKS`. Default: by the weights' file name. */
  readonly framework?: string;
  /** Class name to index. Default: the task's. */
  readonly labels?: Readonly<Record<string, number>>;
  /** Configuration of the network: a text, or an object that is kept as JSON. */
  readonly design?: string | object;
  readonly tags?: readonly string[];
  readonly comment?: string;
  readonly metadata?: Readonly<Record<string, MetadataValue>>;
  /** Id of the model that it is made from. Default: the task's input model of the same name. */
  readonly parent?: string;
  /** Weights that are stored already. Default: none yet. */
  readonly uri?: string;
  /**
   * A key of the caller's: a model that was made with it is found again instead of made a second time, whatever became
   * of the answer to the first call. Without it a call that fails unclearly may leave a draft behind.
   */
  readonly key?: string;
}

/** New weights: a file or a folder, or the address of what is stored already. */
export type WeightsInput = (
  { readonly path: string; readonly registerUri?: undefined } | { readonly registerUri: string; readonly path?: undefined }
) &
  WeightsUploadOptions & {
    /** Raises the last iteration of the task that makes it. */
    readonly iteration?: number;
    /** Removes the local file or folder once the weights are stored. Default false; Python's default is true. */
    readonly deleteAfterUpload?: boolean;
  };

/** A model that can be given weights. */
export class OutputModel extends Model {
  /**
   * Makes a draft, and lists it among the task's output models.
   *
   * @throws ValidationError for a name that is too short, ApiError when task, project or parent are not there or the task
   * is published, ConnectionError; the signal's reason.
   */
  static async create(clearml: ClearML, input: OutputModelInput, options: CallOptions = {}): Promise<OutputModel> {
    const name = checkedName(input.name);
    const task = input.task === undefined ? undefined : (await clearml.tasks.getById({ task: taskIdOf(input.task) }, options)).task;
    const connectName = input.connectName ?? name;
    const fields = await fieldsOf(clearml, name, connectName, input, task, options);
    const id =
      input.key === undefined ? (await clearml.models.create(fields, options)).id : await madeOnce(clearml, input.key, fields, options);
    if (task) {
      const signal = options.signal ?? new AbortController().signal;
      await linkModel({ port: clearml.session, taskId: task.id, signal }, { type: "output", name: connectName, modelId: id });
    }
    return new OutputModel(clearml, (await clearml.models.getById({ model: id }, options)).model);
  }

  /**
   * Stores a file as the weights, or a folder as a zip of it, and resolves with the address once the store has verified
   * it; or takes an address as it is. Goes to `destination`, else where the task's or the project's output goes, else to
   * ClearML's file server. The model names the new weights only when they are there.
   *
   * @throws ValidationError when the model is published; UploadError when the file cannot be read or changed meanwhile;
   * ApiError, ConnectionError, ConfigError; the signal's reason.
   */
  async updateWeights(input: WeightsInput): Promise<string> {
    const options: CallOptions = { signal: input.signal };
    await this.#mustBeDraft("its weights", options);
    const { iteration, registerUri, path } = input;
    if ((path === undefined) === (registerUri === undefined)) {
      const message = "needs either path or registerUri";
      throw new ValidationError(`OutputModel.updateWeights ${message}.`, [{ path: "path", message }]);
    }
    if (path === undefined) {
      await this.#setWeights(registerUri, {}, false, iteration, options);
      return registerUri;
    }
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
    const pack = isFolder ? await packWeights(path, input.signal) : undefined;
    try {
      const { destination, ...owner } = await weightsOwner(this.clearml, this, options);
      const upload = { ...input, destination: input.destination ?? destination };
      const stored = await storeWeights(this.clearml, owner, pack?.path ?? path, upload);
      await this.#setWeights(stored.uri, weightsRecord(stored), isFolder, iteration, options);
      if (input.deleteAfterUpload === true) await rm(path, { recursive: true, force: true });
      return stored.uri;
    } catch (error) {
      await this.#sayNotUploaded(options);
      throw error;
    } finally {
      await pack?.dispose();
    }
  }

  /** Sets the configuration of the network. @throws ValidationError when the model is published. */
  async updateDesign(design: string | object, options: CallOptions = {}): Promise<void> {
    await this.#mustBeDraft("its design", options);
    await this.update({ design: designOf(design) }, options);
  }

  /** Sets the labels; all others go. @throws ValidationError when the model is published, or an index is not whole. */
  async updateLabels(labels: Readonly<Record<string, number>>, options: CallOptions = {}): Promise<void> {
    await this.#mustBeDraft("its labels", options);
    await this.update({ labels: checkedLabels(labels) }, options);
  }

  /** Lists it among a task's output models, under `name` or its own. Throws as {@link OutputModel.create}. */
  async connect(task: TaskArgument, { name = this.name, ...options }: CallOptions & { readonly name?: string } = {}): Promise<void> {
    const signal = options.signal ?? new AbortController().signal;
    const calls = { port: this.clearml.session, taskId: taskIdOf(task), signal };
    await linkModel(calls, { type: "output", name, modelId: this.id });
  }

  async #setWeights(
    uri: string,
    record: Readonly<Record<string, string>>,
    isPackage: boolean,
    iteration: number | undefined,
    options: CallOptions,
  ): Promise<void> {
    // Read anew, and written together with the address, so that what is recorded is never about other weights.
    await this.reload(options);
    const kept = Object.entries(this.document.metadata ?? {}).filter(([key]) => !WEIGHTS_RECORD_KEYS.includes(key));
    const entries = [
      ...kept.map(([key, { type, value }]) => ({ key, type, value: freeText(value ?? "") })),
      ...Object.entries(record).map(([key, value]) => metadataEntry(key, value, "str")),
    ];
    const systemTags = [...this.systemTags.filter((tag) => tag !== PACKAGE_TAG), ...(isPackage ? [PACKAGE_TAG] : [])];
    const framework = this.framework === undefined ? frameworkOfFile(basename(uri)) : undefined;
    await this.update(
      {
        uri,
        metadata: Object.fromEntries(entries.map((entry) => [entry.key, entry])),
        system_tags: systemTags,
        ...(framework === undefined ? {} : { framework }),
        ...(iteration === undefined ? {} : { iteration }),
      },
      options,
    );
  }

  /** A model that never had weights says that they could not be stored, as with the official client; others keep what they have. */
  async #sayNotUploaded(options: CallOptions): Promise<void> {
    if (this.hasWeights || options.signal?.aborted === true) return;
    const uri = this.uri.replace(/uploading_file$/, "failed_uploading");
    // What went wrong is thrown by the caller; this is a note beside it.
    await this.update({ uri }, { ...options, retry: false }).catch(() => undefined);
  }

  async #mustBeDraft(what: string, options: CallOptions): Promise<void> {
    await this.reload(options);
    if (!this.isPublished) return;
    const message = `model ${this.id} (${JSON.stringify(this.name)}) is published, and ${what} cannot be changed any more`;
    throw new ValidationError(`${message}. Create a new model with parent: ${JSON.stringify(this.id)}.`, [{ path: "model", message }]);
  }
}

async function fieldsOf(
  clearml: ClearML,
  name: string,
  connectName: string,
  input: OutputModelInput,
  task: TaskDocument | undefined,
  options: CallOptions,
): Promise<RequestOf<"models.create">> {
  const project = input.project === undefined ? task?.project : (await clearml.projects.findOrCreate(input.project, options)).id;
  const parent = input.parent ?? modelLinks(task ?? {}).find((link) => link.type === "input" && link.name === connectName)?.modelId;
  const labels = input.labels ?? (task?.execution?.model_labels as Readonly<Record<string, number>> | null | undefined);
  const madeBy = task ? `Created by task id: ${task.id}` : undefined;
  const comment = [madeBy, input.comment].filter((line) => line !== undefined).join("\n");
  const metadata = Object.entries(input.metadata ?? {}).map(([key, value]) => metadataEntry(key, value));
  const destination = task?.output?.destination;
  return {
    name,
    // As the official client writes it until weights are there.
    uri: input.uri ?? `${destination == null || destination === "" ? "file://" : destination.replace(/\/+$/, "")}/uploading_file`,
    labels: checkedLabels(labels ?? {}),
    comment: freeText(comment),
    tags: (input.tags ?? []).map(nameText),
    metadata: Object.fromEntries(metadata.map((entry) => [entry.key, entry])),
    ready: false,
    ...(project == null ? {} : { project }),
    ...(task ? { task: task.id } : {}),
    ...(parent === undefined ? {} : { parent }),
    ...(input.framework === undefined ? {} : { framework: input.framework }),
    ...(input.design === undefined ? {} : { design: designOf(input.design) }),
  };
}

/** Id of the model with this key: found, or made and found again. */
async function madeOnce(clearml: ClearML, key: string, fields: RequestOf<"models.create">, options: CallOptions): Promise<string> {
  const tag = `trainer-sdk:model:key:${encodeURIComponent(key)}`;
  const { found } = await findOrCreate({
    search: async () => {
      const request = { system_tags: [tag], only_fields: ["id", "created"], order_by: ["created"], search_hidden: true };
      return (await clearml.models.getPage(request, options)).models;
    },
    create: async () => (await clearml.models.create({ ...fields, system_tags: [tag] }, { ...options, repeatable: true })).id,
    remove: async (model) => {
      await clearml.models.delete({ model, force: true, delete_external_artifacts: false }, options);
    },
    onNotRemoved: (model, error) => {
      clearml.logger.warn(`ClearML model ${model} is a draft that another process made superfluous; it stays: ${describeError(error)}`);
    },
  });
  return found.id;
}

function designOf(design: string | object): { design: string } {
  return { design: typeof design === "string" ? freeText(design) : JSON.stringify(design, undefined, 4) };
}

/** The name as it is sent. @throws ValidationError when the server would refuse it. */
export function checkedName(name: string): string {
  const text = nameText(name).trim();
  if (text.length >= NAME_MIN_LENGTH) return text;
  const message = `must have at least ${String(NAME_MIN_LENGTH)} characters, which ${JSON.stringify(name)} has not`;
  throw new ValidationError(`A model's name ${message}.`, [{ path: "name", message }]);
}

/** The labels as they are sent. @throws ValidationError for an index that is not whole. */
export function checkedLabels(labels: Readonly<Record<string, number>>): Record<string, number> {
  const issues = Object.entries(labels).flatMap(([label, index]) =>
    Number.isSafeInteger(index) ? [] : [{ path: `labels.${label}`, message: `must be a whole number, not ${String(index)}` }],
  );
  if (issues.length > 0)
    throw new ValidationError(`The labels cannot be used: ${issues.map(({ path, message }) => `${path} ${message}`).join("; ")}.`, issues);
  return { ...labels };
}
