/** `models.*`: registered models. The API knows no files; upload first, then register (`clearml-protocol`, 5). */
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import { STABLE_ORDER, allRows } from "./paging.js";
import type { CallOptions, ClearMLSession } from "./session.js";

/** Models. Methods are named as the endpoints; their errors are those of {@link ClearMLSession.call}. */
export class ModelsService {
  readonly #session: ClearMLSession;

  constructor(session: ClearMLSession) {
    this.#session = session;
  }

  /** Registers a model. Unlike the server's own default, it is not published unless `ready` says so. */
  create(request: RequestOf<"models.create">, options?: CallOptions): Promise<ResponseOf<"models.create">> {
    return this.#session.call("models.create", { ready: false, ...request }, options);
  }

  edit(request: RequestOf<"models.edit">, options?: CallOptions): Promise<ResponseOf<"models.edit">> {
    return this.#session.call("models.edit", request, options);
  }

  update(request: RequestOf<"models.update">, options?: CallOptions): Promise<ResponseOf<"models.update">> {
    return this.#session.call("models.update", request, options);
  }

  getById(request: RequestOf<"models.get_by_id">, options?: CallOptions): Promise<ResponseOf<"models.get_by_id">> {
    return this.#session.call("models.get_by_id", request, options);
  }

  /** All models that fit, page after page, oldest first unless `order_by` says otherwise. */
  getAll(request: RequestOf<"models.get_all"> = {}, options?: CallOptions): AsyncGenerator<ModelDocument, void, undefined> {
    return allRows(async (page, page_size) => {
      const { models } = await this.getPage({ order_by: [...STABLE_ORDER], ...request, page, page_size }, options);
      return models;
    });
  }

  /** One `models.get_all`: at most 500 rows, whatever is asked for. */
  getPage(request: RequestOf<"models.get_all">, options?: CallOptions): Promise<ResponseOf<"models.get_all">> {
    return this.#session.call("models.get_all", request, options);
  }

  setReady(request: RequestOf<"models.set_ready">, options?: CallOptions): Promise<ResponseOf<"models.set_ready">> {
    return this.#session.call("models.set_ready", request, options);
  }

  delete(request: RequestOf<"models.delete">, options?: CallOptions): Promise<ResponseOf<"models.delete">> {
    return this.#session.call("models.delete", request, options);
  }

  addOrUpdateMetadata(
    request: RequestOf<"models.add_or_update_metadata">,
    options?: CallOptions,
  ): Promise<ResponseOf<"models.add_or_update_metadata">> {
    return this.#session.call("models.add_or_update_metadata", request, options);
  }

  deleteMetadata(request: RequestOf<"models.delete_metadata">, options?: CallOptions): Promise<ResponseOf<"models.delete_metadata">> {
    return this.#session.call("models.delete_metadata", request, options);
  }

  /** The answer is a success even when every id failed: read `failed`. */
  archiveMany(request: RequestOf<"models.archive_many">, options?: CallOptions): Promise<ResponseOf<"models.archive_many">> {
    return this.#session.call("models.archive_many", request, options);
  }

  /** As {@link ModelsService.archiveMany}. */
  unarchiveMany(request: RequestOf<"models.unarchive_many">, options?: CallOptions): Promise<ResponseOf<"models.unarchive_many">> {
    return this.#session.call("models.unarchive_many", request, options);
  }

  move(request: RequestOf<"models.move">, options?: CallOptions): Promise<ResponseOf<"models.move">> {
    return this.#session.call("models.move", request, options);
  }

  updateTags(request: RequestOf<"models.update_tags">, options?: CallOptions): Promise<ResponseOf<"models.update_tags">> {
    return this.#session.call("models.update_tags", request, options);
  }
}
