/**
 * The few verbs that a platform calls ClearML with, for code that is ported from a service of its own. Thin on purpose: each
 * method is one or two calls of the classes and services beside it, and whoever needs more goes there.
 */
import { basename } from "node:path";
import { ValidationError } from "../base/errors.js";
import { metricAddresses } from "../records/metric-addresses.js";
import type { EventInput } from "../protocol/clearml/event-document.js";
import type { TaskDocument, TaskType } from "../protocol/clearml/task-document.js";
import { taskWebUrl } from "../protocol/clearml/web-urls.js";
import { freeText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { OutputModel, type OutputModelInput } from "./output-model.js";
import { flattenParameters, type ParameterTree } from "./parameter-values.js";
import { Project, type ProjectFields } from "./project.js";
import type { TaskMetrics } from "./reading-metrics.js";
import type { CallOptions } from "./session.js";
import { TaskApi } from "./task-api.js";
import { taskIdOf, type TaskArgument } from "./task-argument.js";
import { uploadArtifact } from "./task-artifacts.js";
import { namedParameters } from "./task-edits.js";
import { createTask, findOrCreateTask } from "./task-start.js";

/** A new task. */
export interface CreateTaskInput {
  /** At least 3 characters. */
  readonly name: string;
  /** Path of its project, made where it is missing. Default: none. */
  readonly project?: string;
  /** Default `training`. */
  readonly type?: TaskType;
  readonly tags?: readonly string[];
  readonly comment?: string;
  /** Kept as hyperparameters, in the section `General`; nested objects flatten with `/`. */
  readonly config?: ParameterTree;
  /** Where its files go. Default: where its project's go, else ClearML's file server. */
  readonly outputUri?: string;
  /** A key of the caller's: a task that was made with it is found again instead of made a second time. */
  readonly key?: string;
}

/** A task that was made or found. */
export interface CreatedTask {
  readonly id: string;
  /** False when it was there. */
  readonly created: boolean;
  /** Undefined where the web application is not known. */
  readonly webUrl: string | undefined;
}

/** Values of one iteration. */
export interface LogMetricsInput {
  readonly iteration: number;
  /**
   * By name, `train_loss` or `val/accuracy`: chart and line follow from it (`metricAddress`). Two names of one call never share
   * a line; name a metric in one way in all of them, for from call to call nothing is remembered.
   */
  readonly metrics: Readonly<Record<string, number>>;
  /** Milliseconds since the epoch. Default: the server's time. */
  readonly timestampMs?: number;
}

/** What became of the values. */
export interface LoggedMetrics {
  readonly added: number;
  /** Names whose values are not finite: ClearML keeps no such points, and none is made up. */
  readonly nonFinite: readonly string[];
}

/** A file to attach. */
export interface UploadArtifactInput {
  /** A file. */
  readonly path: string;
  /** The artifact's name in the task; one of that name is replaced. Default: the file's name. */
  readonly name?: string;
  /** Shown beside it. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Default `application/octet-stream`. */
  readonly contentType?: string;
}

/** A model to register: weights from a file or folder, or an address of what is stored already. */
export type RegisterModelInput = OutputModelInput & {
  readonly path?: string;
  /** Publish it, which makes it read-only. Default false. */
  readonly publish?: boolean;
};

/** ClearML in the words of a platform. Errors are those of the classes and services that it stands on. */
export class ClearMLService {
  readonly #clearml: ClearML;

  constructor(clearml: ClearML) {
    this.#clearml = clearml;
  }

  /** The project of this path, made where it is missing with those above it. See {@link Project.findOrCreate}. */
  createProject(name: string, fields: ProjectFields & CallOptions = {}): Promise<Project> {
    return Project.findOrCreate(this.#clearml, name, fields);
  }

  /**
   * Makes a task, in status `created`. With `key` any number of processes get the same one.
   *
   * @throws ValidationError for a name that is too short; ApiError, ConnectionError; the signal's reason.
   */
  async createTask(input: CreateTaskInput, options: CallOptions = {}): Promise<CreatedTask> {
    const { session } = this.#clearml;
    const { key, config = {}, name, project, type, tags, comment, outputUri } = input;
    const parameters = namedParameters({ kind: "hyperparameters", section: "General", values: flattenParameters(config) });
    const task = {
      ...{ name, project, type, tags, comment, outputUri },
      ...(parameters.length === 0 ? {} : { hyperparams: { General: Object.fromEntries(parameters.map((item) => [item.name, item])) } }),
    };
    const { id, created } =
      key === undefined
        ? { id: await createTask(this.#clearml, task, [], options), created: true }
        : await findOrCreateTask(this.#clearml, key, () => task, { ...options, repeatable: true });
    const projectId = project === undefined ? undefined : (await this.#clearml.projects.findOrCreate(project, options)).id;
    const webUrl = session.webHost === undefined ? undefined : taskWebUrl(session.webHost, { taskId: id, projectId });
    return { id, created, webUrl };
  }

  /** @throws ApiError 400/101 when there is no such task. */
  async getTask(task: TaskArgument, options: CallOptions = {}): Promise<TaskDocument> {
    return (await this.#clearml.tasks.getById({ task: taskIdOf(task) }, options)).task;
  }

  /**
   * Adds the values of an iteration; one that was given before is replaced. For a training loop use `TrainerSDK`, which
   * neither waits nor loses anything.
   *
   * @throws ValidationError for an iteration that is not whole; ApiError when the task is published or gone.
   */
  async logMetrics(
    task: TaskArgument,
    { iteration, metrics, timestampMs }: LogMetricsInput,
    options: CallOptions = {},
  ): Promise<LoggedMetrics> {
    if (!Number.isSafeInteger(iteration)) {
      const message = `must be a whole number, not ${String(iteration)}`;
      throw new ValidationError(`logMetrics: iteration ${message}.`, [{ path: "iteration", message }]);
    }
    const addresses = metricAddresses(Object.keys(metrics));
    const points: EventInput[] = [];
    const nonFinite: string[] = [];
    for (const [name, { title, series }] of addresses) {
      const value = metrics[name] ?? Number.NaN;
      if (!Number.isFinite(value)) nonFinite.push(name);
      else
        points.push({
          type: "training_stats_scalar",
          task: taskIdOf(task),
          metric: title,
          variant: series,
          iter: iteration,
          value,
          ...(timestampMs === undefined ? {} : { timestamp: Math.trunc(timestampMs) }),
        });
    }
    const { added } = points.length === 0 ? { added: 0 } : await this.#clearml.events.addBatch(points, options);
    return { added, nonFinite };
  }

  /**
   * Stores a file and lists it among the task's artifacts, in that order: what is listed is there. Resolves with its address.
   *
   * @throws ValidationError when the file cannot be read; UploadError when it changed meanwhile; TaskStatusError when the task
   * has ended, NotFoundError when it is gone; ApiError, ConnectionError, ConfigError; the signal's reason.
   */
  async uploadArtifact(task: TaskArgument, input: UploadArtifactInput, options: CallOptions = {}): Promise<string> {
    const { path, name = basename(path), metadata, contentType } = input;
    const api = new TaskApi(this.#clearml, taskIdOf(task));
    return (await uploadArtifact(api, name, { path }, { ...options, metadata, contentType })).url ?? "";
  }

  /** Completes a task, from `created` too: a task must have been started before, so it is. Harmless when it is completed already. */
  async markCompleted(task: TaskArgument, { message, ...options }: CallOptions & { readonly message?: string } = {}): Promise<void> {
    const id = taskIdOf(task);
    if (await this.#startFor(id, "completed", options)) return;
    await this.#clearml.tasks.completed({ task: id, status_message: freeText(message ?? "") }, options);
  }

  /** Fails a task, as {@link ClearMLService.markCompleted} completes one. `reason` is what the web page shows. */
  async markFailed(
    task: TaskArgument,
    { reason, message, ...options }: CallOptions & { readonly reason: string; readonly message?: string },
  ): Promise<void> {
    const id = taskIdOf(task);
    if (await this.#startFor(id, "failed", options)) return;
    await this.#clearml.tasks.failed({ task: id, status_reason: freeText(reason), status_message: freeText(message ?? "") }, options);
  }

  /** Last values, extremes and single values. See `clearml.reading` for charts. */
  getTaskMetrics(task: TaskArgument, options: CallOptions = {}): Promise<TaskMetrics> {
    return this.#clearml.reading.metrics(task, options);
  }

  /** Makes an output model, stores its weights where `path` names them, and publishes it where that is asked for. See {@link OutputModel}. */
  async registerModel({ path, publish = false, ...input }: RegisterModelInput, options: CallOptions = {}): Promise<OutputModel> {
    if ((path === undefined) === (input.uri === undefined)) {
      const message = "needs either path or uri";
      throw new ValidationError(`registerModel ${message}.`, [{ path: "path", message }]);
    }
    const model = await OutputModel.create(this.#clearml, input, options);
    if (path !== undefined && !model.isPublished) await model.updateWeights({ path, signal: options.signal });
    if (publish) await model.publish(options);
    return model;
  }

  /** Starts a task that was never started; true when it has the wanted status already. */
  async #startFor(id: string, wanted: "completed" | "failed", options: CallOptions): Promise<boolean> {
    const { tasks } = await this.#clearml.tasks.getPage({ id: [id], only_fields: ["id", "status"] }, options);
    const status = tasks.find((task) => task.id === id)?.status;
    // Every call of a status stamps its time anew.
    if (status === wanted || (wanted === "completed" && status === "published")) return true;
    if (status === "created" || status === "queued") await this.#clearml.tasks.started({ task: id }, options);
    return false;
  }
}
