/**
 * A registered model: where its weights lie, what it is, where it comes from. An object of this class is the last
 * reading of it; nothing is read again behind the caller's back. It reports no metrics and trains nothing.
 */
import { ApiError, ValidationError } from "../base/errors.js";
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import { modelWebUrl } from "../protocol/clearml/web-urls.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { isAnswer } from "./is-answer.js";
import { freeText, nameText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import type { DownloadedFile } from "./file-server.js";
import { castMetadata, metadataEntries, metadataEntry, type MetadataEntry, type MetadataValue } from "./model-metadata.js";
import { readLineage, type ModelLineage } from "./model-lineage.js";
import { ARCHIVED_TAG, findModels, type ModelQuery } from "./model-query.js";
import { fetchLocalCopy, fetchWeights, type LocalCopyOptions, type WeightsFetchOptions } from "./model-download.js";
import type { CallOptions } from "./session.js";

/** System tag of weights that are a zipped folder (`clearml-protocol`, 5.2). */
export const PACKAGE_TAG = "package";

/** One model: by its id, or by what it is called; of several the newest. */
export type ModelSelector =
  | { readonly id: string }
  | Pick<ModelQuery, "name" | "project" | "tags" | "framework" | "task" | "uri" | "metadata" | "onlyPublished" | "includeArchived">;

/** A class whose objects wrap a model's document. */
export type ModelClass<T extends Model> = new (clearml: ClearML, document: ModelDocument) => T;

/** A model. */
export class Model {
  /** The client that it is read and written with. */
  protected readonly clearml: ClearML;
  #document: ModelDocument;

  /** Wraps a document that was read already; see {@link Model.get}. */
  constructor(clearml: ClearML, document: ModelDocument) {
    this.clearml = clearml;
    this.#document = document;
  }

  /**
   * Reads one model.
   *
   * @throws ApiError 400/201 when there is none of that id; ValidationError when none fits; ConnectionError; the signal's reason.
   */
  static async get<T extends Model>(this: ModelClass<T>, clearml: ClearML, selector: ModelSelector, options: CallOptions = {}): Promise<T> {
    if ("id" in selector) return new this(clearml, (await clearml.models.getById({ model: selector.id }, options)).model);
    if (Object.keys(selector).length === 0) {
      const message = "must name the model: by id, or by name, project, tags or uri";
      throw new ValidationError(`Model.get: the selector ${message}.`, [{ path: "selector", message }]);
    }
    for await (const model of findModels(clearml, { ...selector, maxResults: 1 }, options)) return new this(clearml, model);
    const message = `no model fits ${JSON.stringify(selector)}`;
    throw new ValidationError(`Model.get: ${message}. Archived ones are found with includeArchived.`, [{ path: "selector", message }]);
  }

  /** All models that fit, newest first, however many. Throws while it is iterated, as {@link Model.get}. */
  static async *query<T extends Model>(
    this: ModelClass<T>,
    clearml: ClearML,
    query: ModelQuery = {},
    options: CallOptions = {},
  ): AsyncGenerator<T, void, undefined> {
    for await (const document of findModels(clearml, query, options)) yield new this(clearml, document);
  }

  /** The last reading, as the server gave it. */
  get document(): ModelDocument {
    return this.#document;
  }

  get id(): string {
    return this.#document.id;
  }

  get name(): string {
    return this.#document.name ?? "";
  }

  /** Where the weights lie; empty where no one said. */
  get uri(): string {
    return this.#document.uri ?? "";
  }

  /** False for an output model whose weights were not stored yet, or could not be. */
  get hasWeights(): boolean {
    return this.uri !== "" && !/\/(?:uploading_file|failed_uploading)$/.test(this.uri);
  }

  get framework(): string | undefined {
    return this.#document.framework ?? undefined;
  }

  get comment(): string {
    return this.#document.comment ?? "";
  }

  get tags(): readonly string[] {
    return this.#document.tags ?? [];
  }

  get systemTags(): readonly string[] {
    return this.#document.system_tags ?? [];
  }

  /** Class name to index. */
  get labels(): Readonly<Record<string, number>> {
    return (this.#document.labels ?? {}) as Record<string, number>;
  }

  /** The configuration of the network, as a text; empty for none. */
  get design(): string {
    const design = this.#document.design ?? {};
    const text = "design" in design ? design["design"] : Object.values(design)[0];
    return typeof text === "string" ? text : text === undefined || text === null ? "" : JSON.stringify(text);
  }

  /** Id of the task that made it. */
  get taskId(): string | undefined {
    return this.#document.task ?? undefined;
  }

  get projectId(): string | undefined {
    return this.#document.project ?? undefined;
  }

  /** Id of the model that it was made from. */
  get parentId(): string | undefined {
    return this.#document.parent ?? undefined;
  }

  /** A published model is not to be changed any more. */
  get isPublished(): boolean {
    return this.#document.ready === true;
  }

  get isArchived(): boolean {
    return this.systemTags.includes(ARCHIVED_TAG);
  }

  /** True when the weights are a zipped folder. */
  get isPackage(): boolean {
    return this.systemTags.includes(PACKAGE_TAG);
  }

  /** Its page in the web application; undefined where that is not known. */
  get webUrl(): string | undefined {
    const { webHost } = this.clearml.session;
    return webHost === undefined ? undefined : modelWebUrl(webHost, { modelId: this.id, projectId: this.projectId });
  }

  /** Reads it again. @throws ApiError 400/201 when it was deleted meanwhile; ConnectionError; the signal's reason. */
  async reload(options: CallOptions = {}): Promise<this> {
    this.#document = (await this.clearml.models.getById({ model: this.id }, options)).model;
    return this;
  }

  async setName(name: string, options: CallOptions = {}): Promise<void> {
    await this.update({ name: nameText(name) }, options);
  }

  async setComment(comment: string, options: CallOptions = {}): Promise<void> {
    await this.update({ comment: freeText(comment) }, options);
  }

  /** Files it under another project, which is made where it is missing. */
  async setProject(path: string, options: CallOptions = {}): Promise<void> {
    const { id } = await this.clearml.projects.findOrCreate(path, options);
    await this.update({ project: id }, options);
  }

  async setTags(tags: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.update({ tags: tags.map(nameText) }, options);
  }

  /** Atomic: tags that others add at the same time stay. */
  async addTags(tags: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.clearml.models.updateTags({ ids: [this.id], add_tags: tags.map(nameText) }, options);
    await this.reload(options);
  }

  /** As {@link Model.addTags}. */
  async removeTags(tags: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.clearml.models.updateTags({ ids: [this.id], remove_tags: tags.map(nameText) }, options);
    await this.reload(options);
  }

  /** The text of one entry; undefined where there is none. */
  getMetadata(key: string): string | undefined {
    return this.getAllMetadata()[key]?.value;
  }

  /** One entry with its type restored; undefined where there is none. */
  getMetadataCasted(key: string): unknown {
    const entry = this.getAllMetadata()[key];
    return entry && castMetadata(entry);
  }

  getAllMetadata(): Readonly<Record<string, MetadataEntry>> {
    return metadataEntries(this.#document);
  }

  getAllMetadataCasted(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(Object.entries(this.getAllMetadata()).map(([key, entry]) => [key, castMetadata(entry)]));
  }

  /**
   * Sets one entry; others stay.
   *
   * @param type Python's name of the type. Default: the value's own.
   */
  async setMetadata(key: string, value: MetadataValue, type?: string, options: CallOptions = {}): Promise<void> {
    await this.#writeMetadata([metadataEntry(key, value, type)], false, options);
  }

  /** Sets entries. With `replace` (the default, as in Python) all others go. */
  async setAllMetadata(
    values: Readonly<Record<string, MetadataValue>>,
    { replace = true, ...options }: CallOptions & { readonly replace?: boolean } = {},
  ): Promise<void> {
    await this.#writeMetadata(
      Object.entries(values).map(([key, value]) => metadataEntry(key, value)),
      replace,
      options,
    );
  }

  async deleteMetadata(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.clearml.models.deleteMetadata({ model: this.id, keys: [...keys] }, options);
    await this.reload(options);
  }

  /**
   * Publishes it, which is not taken back. Harmless when it is published already.
   *
   * @param options `publishTask` publishes the task that made it too, which must have ended. Default false, as in Python.
   */
  async publish({ publishTask = false, ...options }: CallOptions & { readonly publishTask?: boolean } = {}): Promise<void> {
    try {
      await this.clearml.models.setReady({ model: this.id, publish_task: publishTask }, options);
    } catch (error) {
      if (!isAnswer(error, CLEARML_ERRORS.MODEL_ALREADY_READY)) throw error;
    }
    await this.reload(options);
  }

  /** Takes it off the lists. */
  async archive(options: CallOptions = {}): Promise<void> {
    await this.#setArchived(true, options);
  }

  async unarchive(options: CallOptions = {}): Promise<void> {
    await this.#setArchived(false, options);
  }

  /**
   * Deletes it. Weights stay where they are.
   *
   * @param options `force` deletes it although tasks use it.
   * @throws ApiError 400/205 when tasks use it, 400/206 when the task that made it is published.
   */
  async delete({ force = false, ...options }: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
    await this.clearml.models.delete({ model: this.id, force, delete_external_artifacts: false }, options);
  }

  /**
   * Fetches the weights into `targetPath`, which then holds the whole file or what was there before. Size and digest are
   * compared with what was recorded when the weights were stored by this package.
   *
   * @throws ValidationError when it has no weights; UploadError when they are not what was recorded; else as
   * `clearml.objects.fetch`.
   */
  getWeights(targetPath: string, options: WeightsFetchOptions = {}): Promise<DownloadedFile> {
    return fetchWeights(this.clearml, this, targetPath, options);
  }

  /**
   * A local path to the weights, fetched where they are not here yet. Weights on this machine's disk are not copied: their
   * own path comes back. Throws as {@link Model.getWeights}.
   */
  getLocalCopy(options: LocalCopyOptions = {}): Promise<string> {
    return fetchLocalCopy(this.clearml, this, options);
  }

  /** Where it comes from and what came of it. Throws as {@link Model.reload}. */
  lineage(options: CallOptions = {}): Promise<ModelLineage> {
    return readLineage(this.clearml, this, options);
  }

  /** Writes fields, published or not, and reads them back. */
  protected async update(fields: Omit<RequestOf<"models.edit">, "model">, options: CallOptions): Promise<void> {
    await this.clearml.models.edit({ ...fields, model: this.id }, options);
    await this.reload(options);
  }

  async #writeMetadata(
    metadata: RequestOf<"models.add_or_update_metadata">["metadata"],
    replace: boolean,
    options: CallOptions,
  ): Promise<void> {
    await this.clearml.models.addOrUpdateMetadata({ model: this.id, metadata, replace_metadata: replace }, options);
    await this.reload(options);
  }

  async #setArchived(archived: boolean, options: CallOptions): Promise<void> {
    const { models } = this.clearml;
    const { failed } = await (archived
      ? models.archiveMany({ ids: [this.id] }, options)
      : models.unarchiveMany({ ids: [this.id] }, options));
    const failure = failed?.find(({ id }) => id === this.id);
    if (failure) {
      const [status = 400, subcode] = failure.error?.codes ?? [];
      const action = archived ? "archived" : "unarchived";
      throw new ApiError(`Model ${this.id} was not ${action}: ${failure.error?.msg ?? "ClearML does not say why"}.`, {
        service: "clearml",
        method: "POST",
        url: archived ? "models.archive_many" : "models.unarchive_many",
        status,
        ...(subcode === undefined ? {} : { subcode }),
        retryable: false,
      });
    }
    await this.reload(options);
  }
}
