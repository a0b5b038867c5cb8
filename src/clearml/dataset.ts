/**
 * References to data sets of ClearML: finding a version, and saying that a task was made from it. The data themselves,
 * their files and their making, are the Python SDK's business (`clearml-protocol`, 9).
 */
import { ValidationError } from "../base/errors.js";
import type { TaskDocument, TaskStatus } from "../protocol/clearml/task-document.js";
import { datasetWebUrl } from "../protocol/clearml/web-urls.js";
import type { OpenEnum } from "../protocol/clearml/field-types.js";
import { nameText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { newestVersion } from "./dataset-version.js";
import { exactPattern } from "./exact-pattern.js";
import type { CallOptions } from "./session.js";
import { taskIdOf, type TaskArgument } from "./task-argument.js";
import { setParameters } from "./task-edits.js";

const DATASET_TAG = "dataset";
/** Hyperparameter section in which data sets are listed by their aliases (3.11). */
export const DATASETS_SECTION = "Datasets";
/** Part of a project's path below which data sets lie, hidden. */
const HIDDEN_PART = "/.datasets/";
const FIELDS = ["id", "name", "project", "parent", "tags", "status", "runtime", "created", "comment"];

/** Which data sets. What is left out restricts nothing. */
export interface DatasetQuery {
  /** Path of the project as a person sees it, without its hidden part. */
  readonly project?: string;
  readonly name?: string;
  readonly version?: string;
  /** Any of these. */
  readonly tags?: readonly string[];
  /** Only versions that are complete. Default false. */
  readonly onlyCompleted?: boolean;
  /** Default false. */
  readonly includeArchived?: boolean;
}

/** A version of a data set, as it was last read. */
export class Dataset {
  readonly #clearml: ClearML;
  readonly #document: TaskDocument;
  readonly #projectName: string;

  private constructor(clearml: ClearML, document: TaskDocument, projectName: string) {
    this.#clearml = clearml;
    this.#document = document;
    this.#projectName = projectName;
  }

  /**
   * One version: by its id, or by project and name; without `version` the highest one.
   *
   * @throws ApiError 400/101 when there is none of that id; ValidationError when none fits; ConnectionError; the signal's reason.
   */
  static async get(clearml: ClearML, selector: { readonly id: string } | DatasetQuery, options: CallOptions = {}): Promise<Dataset> {
    if ("id" in selector) {
      const { task } = await clearml.tasks.getById({ task: selector.id }, options);
      if (task.system_tags?.includes(DATASET_TAG) !== true) throw noDataset(`task ${selector.id} is no data set`);
      return new Dataset(clearml, task, await projectNameOf(clearml, task.project, options));
    }
    const found: Dataset[] = [];
    for await (const dataset of Dataset.query(clearml, selector, options)) found.push(dataset);
    const best = newestVersion(found);
    if (!best) throw noDataset(`no data set fits ${JSON.stringify(selector)}`);
    return best;
  }

  /** All versions that fit, newest first, hidden as their projects are. Throws while it is iterated, as {@link Dataset.get}. */
  static async *query(clearml: ClearML, query: DatasetQuery = {}, options: CallOptions = {}): AsyncGenerator<Dataset, void, undefined> {
    const projects = new Map<string, string>();
    if (query.project !== undefined) {
      // A data set is found by its hidden project, which carries its name, or by the project where it was put in the open.
      const path = query.project;
      for await (const project of clearml.projects.getAll(
        { name: `^${exactPattern(path).slice(1, -1)}(/\\.datasets/.*)?$`, search_hidden: true },
        options,
      ))
        projects.set(project.id, project.name ?? "");
      if (projects.size === 0) return;
    }
    const tasks = clearml.tasks.getAll(
      {
        type: ["data_processing"],
        system_tags: query.includeArchived === true ? [DATASET_TAG] : ["__$all", DATASET_TAG, "__$not", "archived"],
        search_hidden: true,
        only_fields: FIELDS,
        order_by: ["-created"],
        ...(projects.size > 0 ? { project: [...projects.keys()] } : {}),
        ...(query.name === undefined ? {} : { name: exactPattern(query.name) }),
        ...(query.tags === undefined || query.tags.length === 0 ? {} : { tags: [...query.tags] }),
        ...(query.onlyCompleted === true ? { status: ["completed", "published", "closed"] } : {}),
      },
      options,
    );
    for await (const task of tasks) {
      if (query.version !== undefined && versionOf(task) !== query.version) continue;
      const projectId = task.project ?? "";
      let projectName = projects.get(projectId);
      if (projectName === undefined) projects.set(projectId, (projectName = await projectNameOf(clearml, task.project, options)));
      yield new Dataset(clearml, task, projectName);
    }
  }

  get id(): string {
    return this.#document.id;
  }

  get name(): string {
    return this.#document.name ?? "";
  }

  /** Path of the project as a person sees it. */
  get project(): string {
    const hidden = this.#projectName.indexOf(HIDDEN_PART);
    return hidden < 0 ? this.#projectName : this.#projectName.slice(0, hidden);
  }

  get version(): string | undefined {
    return versionOf(this.#document);
  }

  get status(): OpenEnum<TaskStatus> | undefined {
    return this.#document.status ?? undefined;
  }

  get tags(): readonly string[] {
    return this.#document.tags ?? [];
  }

  /** Id of the version that it was made from. */
  get parentId(): string | undefined {
    return this.#document.parent ?? undefined;
  }

  /** Files in it, as its maker counted them. */
  get fileCount(): number | undefined {
    return countOf(this.#document, "ds_file_count");
  }

  /** Bytes of its files, as its maker counted them. */
  get sizeBytes(): number | undefined {
    return countOf(this.#document, "ds_total_size");
  }

  /** Its page in the web application; undefined where that is not known. */
  get webUrl(): string | undefined {
    const { webHost } = this.#clearml.session;
    return webHost === undefined ? undefined : datasetWebUrl(webHost, { datasetId: this.id, projectId: this.#document.project ?? "*" });
  }

  /**
   * Says that a task was made from it, as the official client does: the hyperparameter `Datasets/<alias>`, and the task's
   * runtime. The runtime can only be written whole: what another process writes there at the same moment may be lost.
   *
   * @param options `alias` is the data set's name in the task; default its own.
   * @throws ApiError when the task is published or gone; ConnectionError; the signal's reason.
   */
  async connect(task: TaskArgument, { alias = this.name, ...options }: CallOptions & { readonly alias?: string } = {}): Promise<void> {
    const taskId = taskIdOf(task);
    const signal = options.signal ?? new AbortController().signal;
    await setParameters({ port: this.#clearml.session, taskId, signal }, [
      { section: DATASETS_SECTION, name: nameText(alias), value: this.id, type: "str" },
    ]);
    const { task: document } = await this.#clearml.tasks.getById({ task: taskId }, options);
    const used = runtimeDatasets(document);
    if (used.includes(this.id)) return;
    const original = `orig_datasets.${this.name}${this.version === undefined ? "" : `/${this.version}`}`;
    const runtime = { ...document.runtime, datasets: [...used, this.id], [original]: this.id };
    await this.#clearml.tasks.edit({ task: taskId, force: true, runtime }, options);
  }
}

/** A data set that a task names. */
export interface DatasetUse {
  /** The data set's name in the task; undefined where only the runtime lists it. */
  readonly alias: string | undefined;
  /** What the task names: a data set's id, or any text that a trainer gave for one. */
  readonly id: string;
}

/** The data sets that a task's document names. */
export function datasetsOfTask(task: Pick<TaskDocument, "hyperparams" | "runtime">): readonly DatasetUse[] {
  const named = Object.entries(task.hyperparams?.[DATASETS_SECTION] ?? {}).map(([name, { value }]): DatasetUse => ({
    alias: name,
    id: (value ?? "").trim(),
  }));
  const ids = new Set(named.map(({ id }) => id));
  return [...named, ...runtimeDatasets(task).flatMap((id): DatasetUse[] => (ids.has(id) ? [] : [{ alias: undefined, id }]))];
}

function runtimeDatasets({ runtime }: Pick<TaskDocument, "runtime">): string[] {
  const datasets = runtime?.["datasets"];
  return Array.isArray(datasets) ? datasets.filter((id): id is string => typeof id === "string") : [];
}

function versionOf({ runtime }: TaskDocument): string | undefined {
  const version = runtime?.["version"];
  return typeof version === "string" && version !== "" ? version : undefined;
}

function countOf({ runtime }: TaskDocument, key: string): number | undefined {
  const count = Number(runtime?.[key] ?? Number.NaN);
  return Number.isFinite(count) ? count : undefined;
}

async function projectNameOf(clearml: ClearML, id: string | null | undefined, options: CallOptions): Promise<string> {
  return id == null ? "" : ((await clearml.projects.getById({ project: id }, options)).project.name ?? "");
}

function noDataset(message: string): ValidationError {
  return new ValidationError(`Dataset.get: ${message}.`, [{ path: "selector", message }]);
}
