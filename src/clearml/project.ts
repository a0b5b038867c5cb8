/** A project: a place in a tree of names, with what is filed there. An object of this class is the last reading of it. */
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import type { ProjectDocument } from "../protocol/clearml/project-document.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";
import { projectWebUrl } from "../protocol/clearml/web-urls.js";
import { ValidationError } from "../base/errors.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { freeText, nameText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { exactPattern } from "./exact-pattern.js";
import type { CallOptions } from "./session.js";

/** What a project is made with, and what can be changed of it. */
export interface ProjectFields {
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Where its tasks' files go unless a task says otherwise: `s3://bucket/prefix`, `s3://host:port/bucket/prefix`, ... */
  readonly defaultOutputDestination?: string;
}

/** Which projects. What is left out restricts nothing. */
export interface ProjectQuery {
  /** The whole path. */
  readonly name?: string;
  /** A regular expression in Python's syntax, searched for within the path. */
  readonly namePattern?: string;
  /** Path of a project: what lies directly below it. */
  readonly parent?: string;
  /** Any of these. */
  readonly tags?: readonly string[];
  /** Those of pipelines, data sets and reports too. Default false. */
  readonly includeHidden?: boolean;
}

/** How many tasks a project and those below it hold. */
export interface ProjectStats {
  readonly totalTasks: number;
  readonly archivedTasks: number;
  /** Live tasks by status. */
  readonly byStatus: Readonly<Record<string, number>>;
}

/** What a deletion would meet, in the project and below it. */
export interface ProjectContents {
  readonly tasks: number;
  /** Of `tasks`, those that are not archived: they stand in the way. */
  readonly liveTasks: number;
  readonly models: number;
  readonly liveModels: number;
}

/** What a deletion did. */
export interface ProjectDeletion {
  readonly deletedProjects: number;
  readonly deletedTasks: number;
  readonly deletedModels: number;
  /** Tasks that are still there and in no project. */
  readonly orphanedTasks: number;
}

/** A project. */
export class Project {
  readonly #clearml: ClearML;
  #document: ProjectDocument;

  /** Wraps a document that was read already; see {@link Project.get}. */
  constructor(clearml: ClearML, document: ProjectDocument) {
    this.#clearml = clearml;
    this.#document = document;
  }

  /**
   * One project: by id, or by its whole path, hidden or not.
   *
   * @throws ApiError 400/401 when there is none of that id; ValidationError when there is none of that path;
   * ConnectionError; the signal's reason.
   */
  static async get(
    clearml: ClearML,
    selector: { readonly id: string } | { readonly name: string },
    options: CallOptions = {},
  ): Promise<Project> {
    if ("id" in selector) return new Project(clearml, (await clearml.projects.getById({ project: selector.id }, options)).project);
    const found = await clearml.projects.find(selector.name, options);
    if (found) return new Project(clearml, found);
    const message = `there is no project ${JSON.stringify(selector.name)}`;
    throw new ValidationError(`Project.get: ${message}. Project.findOrCreate makes one.`, [{ path: "name", message }]);
  }

  /**
   * The project of this path, `a/b/c`; it and the missing ones above it are made. A project that is there keeps its own
   * description, tags and destination.
   *
   * @throws ValidationError for a path that the server would refuse; ApiError, ConnectionError; the signal's reason.
   */
  static async findOrCreate(clearml: ClearML, name: string, { signal, ...fields }: ProjectFields & CallOptions = {}): Promise<Project> {
    const { id } = await clearml.projects.findOrCreate(name, { ...requestOf(fields), signal });
    return Project.get(clearml, { id }, { signal });
  }

  /** All projects that fit, by path, however many. Throws while it is iterated, as {@link Project.get}. */
  static async *query(clearml: ClearML, query: ProjectQuery = {}, options: CallOptions = {}): AsyncGenerator<Project, void, undefined> {
    const parent = query.parent === undefined ? undefined : await clearml.projects.find(query.parent, options);
    if (query.parent !== undefined && !parent) return;
    const { name, namePattern, tags, includeHidden } = query;
    const pattern = name === undefined ? namePattern : exactPattern(name);
    const request: RequestOf<"projects.get_all"> = {
      order_by: ["name"],
      search_hidden: includeHidden ?? false,
      ...(pattern === undefined ? {} : { name: pattern }),
      ...(parent === undefined ? {} : { parent: [parent.id] }),
      ...(tags === undefined || tags.length === 0 ? {} : { tags: [...tags] }),
    };
    for await (const document of clearml.projects.getAll(request, options)) yield new Project(clearml, document);
  }

  /** The last reading, as the server gave it. */
  get document(): ProjectDocument {
    return this.#document;
  }

  get id(): string {
    return this.#document.id;
  }

  /** The whole path. */
  get name(): string {
    return this.#document.name ?? "";
  }

  /** The path's last part. */
  get baseName(): string {
    return this.#document.basename ?? this.name.split("/").at(-1) ?? "";
  }

  get description(): string {
    return this.#document.description ?? "";
  }

  get tags(): readonly string[] {
    return this.#document.tags ?? [];
  }

  get parentId(): string | undefined {
    return this.#document.parent ?? undefined;
  }

  /** Undefined where nobody said. */
  get defaultOutputDestination(): string | undefined {
    const destination = this.#document.default_output_destination;
    return destination == null || destination === "" ? undefined : destination;
  }

  /** The table of its tasks in the web application; undefined where that is not known. */
  get webUrl(): string | undefined {
    const { webHost } = this.#clearml.session;
    return webHost === undefined ? undefined : projectWebUrl(webHost, this.id);
  }

  /** Reads it again. @throws ApiError 400/401 when it was deleted meanwhile; ConnectionError; the signal's reason. */
  async reload(options: CallOptions = {}): Promise<this> {
    this.#document = (await this.#clearml.projects.getById({ project: this.id }, options)).project;
    return this;
  }

  /** Changes what is given. */
  async update(fields: ProjectFields, options: CallOptions = {}): Promise<void> {
    await this.#clearml.projects.update({ project: this.id, ...requestOf(fields) }, options);
    await this.reload(options);
  }

  /** Changes the path's last part. What lies below is renamed with it. @throws ApiError 400/801 when the name is taken. */
  async rename(baseName: string, options: CallOptions = {}): Promise<void> {
    const name = [...this.name.split("/").slice(0, -1), nameText(baseName)].join("/");
    await this.#clearml.projects.update({ project: this.id, name }, options);
    await this.reload(options);
  }

  /** Moves it, with what lies below, under another path, which is made where it is missing; empty: to the top. */
  async move(newParent: string, options: CallOptions = {}): Promise<void> {
    await this.#clearml.projects.move({ project: this.id, ...(newParent === "" ? {} : { new_location: newParent }) }, options);
    await this.reload(options);
  }

  /** Its tasks, newest first, however many; archived ones left aside. */
  tasks(options: CallOptions & ProjectListing = {}): AsyncGenerator<TaskDocument, void, undefined> {
    return this.#clearml.tasks.getAll(this.#listing(options), options);
  }

  /** Its models, newest first, however many; archived ones left aside. */
  models(options: CallOptions & ProjectListing = {}): AsyncGenerator<ModelDocument, void, undefined> {
    return this.#clearml.models.getAll(this.#listing(options), options);
  }

  /** How many tasks it and those below it hold. */
  async stats(options: CallOptions = {}): Promise<ProjectStats> {
    const { projects } = await this.#clearml.projects.getAllEx(
      { id: [this.id], include_stats: true, stats_with_children: true, search_hidden: true },
      options,
    );
    const { active, archived } = projects.find(({ id }) => id === this.id)?.stats ?? {};
    const byStatus = Object.entries(active?.status_count ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === "number");
    return { totalTasks: active?.total_tasks ?? 0, archivedTasks: archived?.total_tasks ?? 0, byStatus: Object.fromEntries(byStatus) };
  }

  /** What a deletion would meet. */
  async contents(options: CallOptions = {}): Promise<ProjectContents> {
    const answer = await this.#clearml.projects.validateDelete({ project: this.id }, options);
    return {
      tasks: answer.tasks ?? 0,
      liveTasks: answer.non_archived_tasks ?? 0,
      models: answer.models ?? 0,
      liveModels: answer.non_archived_models ?? 0,
    };
  }

  /**
   * Deletes it and what lies below.
   *
   * @param options `force` also when live tasks or models are in it: they stay, in no project. `deleteContents` deletes
   * them too, which is not taken back; files that they name stay.
   * @throws ApiError 400/402 and 400/405 without `force`, when live tasks or models are in it.
   */
  async delete({
    force = false,
    deleteContents = false,
    ...options
  }: CallOptions & { readonly force?: boolean; readonly deleteContents?: boolean } = {}): Promise<ProjectDeletion> {
    const answer = await this.#clearml.projects.delete(
      { project: this.id, force, delete_contents: deleteContents, delete_external_artifacts: false },
      options,
    );
    return {
      deletedProjects: answer.deleted ?? 0,
      deletedTasks: answer.deleted_tasks ?? 0,
      deletedModels: answer.deleted_models ?? 0,
      orphanedTasks: answer.disassociated_tasks ?? 0,
    };
  }

  #listing({ includeSubprojects, includeArchived }: ProjectListing): {
    project: string[];
    include_subprojects: boolean;
    order_by: string[];
    system_tags?: string[];
  } {
    return {
      project: [this.id],
      include_subprojects: includeSubprojects ?? false,
      order_by: ["-created"],
      ...(includeArchived === true ? {} : { system_tags: ["-archived"] }),
    };
  }
}

/** What a listing takes in. */
export interface ProjectListing {
  /** What lies in projects below it too. Default false. */
  readonly includeSubprojects?: boolean;
  /** Default false. */
  readonly includeArchived?: boolean;
}

function requestOf({ description, tags, defaultOutputDestination }: ProjectFields): Omit<RequestOf<"projects.create">, "name"> {
  return {
    ...(description === undefined ? {} : { description: freeText(description) }),
    ...(tags === undefined ? {} : { tags: tags.map(nameText) }),
    ...(defaultOutputDestination === undefined ? {} : { default_output_destination: defaultOutputDestination }),
  };
}
