/** `projects.*`. A project's name is its whole path, `A/B/C`; missing parents are made by the server (`clearml-protocol`, 6). */
import { ValidationError } from "../base/errors.js";
import type { RequestOf, ResponseOf } from "../protocol/clearml/endpoints.js";
import { CLEARML_ERRORS } from "../protocol/clearml/error-kinds.js";
import { NAME_MIN_LENGTH, PROJECT_MAX_DEPTH } from "../protocol/clearml/limits.js";
import type { ProjectDocument } from "../protocol/clearml/project-document.js";
import { isClearMLError } from "./answers.js";
import { exactPattern } from "./exact-pattern.js";
import { STABLE_ORDER, allRows } from "./paging.js";
import type { CallOptions, ClearMLSession } from "./session.js";

/** Projects. Methods are named as the endpoints; their errors are those of {@link ClearMLSession.call}. */
export class ProjectsService {
  readonly #session: ClearMLSession;

  constructor(session: ClearMLSession) {
    this.#session = session;
  }

  /** All projects that fit, page after page, oldest first unless `order_by` says otherwise. `name` is a regular expression. */
  getAll(request: RequestOf<"projects.get_all"> = {}, options?: CallOptions): AsyncGenerator<ProjectDocument, void, undefined> {
    return allRows(async (page, page_size) => {
      const { projects } = await this.getPage({ order_by: [...STABLE_ORDER], ...request, page, page_size }, options);
      return projects;
    });
  }

  /** One `projects.get_all`: at most 500 rows, whatever is asked for. */
  getPage(request: RequestOf<"projects.get_all">, options?: CallOptions): Promise<ResponseOf<"projects.get_all">> {
    return this.#session.call("projects.get_all", request, options);
  }

  getById(request: RequestOf<"projects.get_by_id">, options?: CallOptions): Promise<ResponseOf<"projects.get_by_id">> {
    return this.#session.call("projects.get_by_id", request, options);
  }

  create(request: RequestOf<"projects.create">, options?: CallOptions): Promise<ResponseOf<"projects.create">> {
    return this.#session.call("projects.create", request, options);
  }

  update(request: RequestOf<"projects.update">, options?: CallOptions): Promise<ResponseOf<"projects.update">> {
    return this.#session.call("projects.update", request, options);
  }

  /** Under another parent, which is made where it is missing; what lies below moves along. */
  move(request: RequestOf<"projects.move">, options?: CallOptions): Promise<ResponseOf<"projects.move">> {
    return this.#session.call("projects.move", request, options);
  }

  /** How many tasks and models a deletion would meet. */
  validateDelete(request: RequestOf<"projects.validate_delete">, options?: CallOptions): Promise<ResponseOf<"projects.validate_delete">> {
    return this.#session.call("projects.validate_delete", request, options);
  }

  delete(request: RequestOf<"projects.delete">, options?: CallOptions): Promise<ResponseOf<"projects.delete">> {
    return this.#session.call("projects.delete", request, options);
  }

  /** One `projects.get_all_ex`: at most 500 rows, with figures of what they hold where `include_stats` asks for them. */
  getAllEx(request: RequestOf<"projects.get_all_ex">, options?: CallOptions): Promise<ResponseOf<"projects.get_all_ex">> {
    return this.#session.call("projects.get_all_ex", request, options);
  }

  /** The project of exactly this path, hidden ones too. */
  async find(name: string, options?: CallOptions): Promise<ProjectDocument | undefined> {
    const path = projectPath(name);
    for await (const project of this.getAll({ name: exactPattern(path), search_hidden: true }, options)) {
      if (project.name === path) return project;
    }
    return undefined;
  }

  /**
   * Id of the project of this path; it is made when it is missing. Any number of processes may do this at once: names
   * are unique at the server, and who comes second finds what the first one made. Description, tags and destination are
   * those of a project that is made here; one that is there keeps its own.
   *
   * @throws ValidationError for a path that the server would refuse; else as the other methods.
   */
  async findOrCreate(
    name: string,
    options: CallOptions & Omit<RequestOf<"projects.create">, "name"> = {},
  ): Promise<{ readonly id: string; readonly created: boolean }> {
    const { description, tags, system_tags, default_output_destination, ...callOptions } = options;
    const found = await this.find(name, callOptions);
    if (found) return { id: found.id, created: false };
    try {
      const request = { name: projectPath(name), description, tags, system_tags, default_output_destination };
      const { id } = await this.create(request, { ...callOptions, repeatable: true });
      return { id, created: true };
    } catch (error) {
      if (!isClearMLError(error, CLEARML_ERRORS.NOT_UNIQUE.status, CLEARML_ERRORS.NOT_UNIQUE.subcode)) throw error;
      const made = await this.find(name, callOptions);
      if (!made) throw error;
      return { id: made.id, created: false };
    }
  }
}

/**
 * A path as the server keeps it, each part without spaces around it.
 *
 * @throws ValidationError when a part has fewer than 3 characters or there are more than 10 parts.
 */
function projectPath(name: string): string {
  const parts = name.split("/").map((part) => part.trim());
  const short = parts.find((part) => part.length < NAME_MIN_LENGTH);
  const problem =
    short !== undefined
      ? `the part ${JSON.stringify(short)} has fewer than ${String(NAME_MIN_LENGTH)} characters`
      : parts.length > PROJECT_MAX_DEPTH
        ? `it has more than ${String(PROJECT_MAX_DEPTH)} parts`
        : undefined;
  if (problem !== undefined)
    throw new ValidationError(`The project name ${JSON.stringify(name)} cannot be used: ${problem}.`, [{ path: "name", message: problem }]);
  return parts.join("/");
}
