/**
 * The few verbs that a platform calls ClearML with, for code that is ported from a service of its own. Thin on purpose: each
 * method is one or two calls of the classes and services beside it, and whoever needs more goes there.
 */
import { basename } from "node:path";
import { UploadError, ValidationError, describeError } from "../base/errors.js";
import { AddressBook, metricAddress, type MetricAddress } from "../records/metric-address.js";
import { describeFileError } from "../storage/file-errors.js";
import { hashFile } from "../storage/private-copy.js";
import type { EventInput } from "../protocol/clearml/event-document.js";
import { NAME_MIN_LENGTH } from "../protocol/clearml/limits.js";
import { artifactObjectPath } from "../protocol/clearml/object-path.js";
import type { TaskDocument, TaskType } from "../protocol/clearml/task-document.js";
import { taskWebUrl } from "../protocol/clearml/web-urls.js";
import { freeText, nameText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { findOrCreate } from "./find-or-create.js";
import { weightsOwner } from "./model-weights.js";
import { OutputModel, type OutputModelInput } from "./output-model.js";
import { flattenParameters, type ParameterTree } from "./parameter-values.js";
import { Project, type ProjectFields } from "./project.js";
import type { TaskMetrics } from "./reading-metrics.js";
import type { CallOptions } from "./session.js";
import { taskIdOf, type TaskArgument } from "./task-argument.js";
import { namedParameters, putArtifact } from "./task-edits.js";

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
  /** By name, `train_loss` or `val/accuracy`: chart and line follow from it (`metricAddress`). */
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
    const { tasks, projects, session, logger } = this.#clearml;
    const name = nameText(input.name).trim();
    if (name.length < NAME_MIN_LENGTH) {
      const message = `must have at least ${String(NAME_MIN_LENGTH)} characters, which ${JSON.stringify(input.name)} has not`;
      throw new ValidationError(`A task's name ${message}.`, [{ path: "name", message }]);
    }
    const project = input.project === undefined ? undefined : (await projects.findOrCreate(input.project, options)).id;
    const parameters = namedParameters({ kind: "hyperparameters", section: "General", values: flattenParameters(input.config ?? {}) });
    const fields = {
      name,
      type: input.type ?? "training",
      tags: (input.tags ?? []).map(nameText),
      comment: freeText(input.comment ?? ""),
      ...(project === undefined ? {} : { project }),
      ...(input.outputUri === undefined ? {} : { output_dest: input.outputUri }),
      ...(parameters.length === 0 ? {} : { hyperparams: { General: Object.fromEntries(parameters.map((item) => [item.name, item])) } }),
    };
    const tag = input.key === undefined ? undefined : `trainer-sdk:key:${encodeURIComponent(input.key.trim().toWellFormed())}`;
    const { found, created } =
      tag === undefined
        ? { found: await tasks.create(fields, options), created: true }
        : await findOrCreate({
            search: async () =>
              (await tasks.getPage({ system_tags: [tag], search_hidden: true, only_fields: ["id", "created"] }, options)).tasks,
            create: async () => (await tasks.create({ ...fields, system_tags: [tag] }, { ...options, repeatable: true })).id,
            remove: async (task) => {
              await tasks.delete({ task, force: true, delete_external_artifacts: false }, options);
            },
            onNotRemoved: (task, error) => {
              logger.warn(`ClearML task ${task} was made superfluous by another process; it stays: ${describeError(error)}`);
            },
          });
    const webUrl = session.webHost === undefined ? undefined : taskWebUrl(session.webHost, { taskId: found.id, projectId: project });
    return { id: found.id, created, webUrl };
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
    const book = new AddressBook();
    const points: EventInput[] = [];
    const nonFinite: string[] = [];
    for (const [name, value] of Object.entries(metrics)) {
      const { title, series }: MetricAddress = book.resolve(metricAddress(name));
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
   * @throws UploadError when the file cannot be read or changed meanwhile; ApiError when the task is published or gone;
   * ConnectionError, ConfigError; the signal's reason.
   */
  async uploadArtifact(task: TaskArgument, input: UploadArtifactInput, options: CallOptions = {}): Promise<string> {
    const signal = options.signal ?? new AbortController().signal;
    const { path, metadata, contentType = "application/octet-stream" } = input;
    const key = nameText(input.name ?? basename(path)).trim();
    const taskId = taskIdOf(task);
    const facts = await hashFile(path, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new UploadError(`The artifact ${path} cannot be read: ${describeFileError(error)}.`, { retryable: false, cause: error });
    });
    const { destination, ...owner } = await weightsOwner(this.#clearml, { id: taskId, name: "", taskId, projectId: undefined }, options);
    const file = { path, ...facts, contentType };
    const uri = await this.#clearml.objects.put(destination, artifactObjectPath(owner, key, basename(path)), file, { signal });
    await putArtifact(
      { port: this.#clearml.session, taskId, signal },
      {
        key,
        type: "custom",
        mode: "output",
        uri,
        hash: facts.sha256,
        content_size: facts.sizeBytes,
        // Seconds, where an event has milliseconds (trap 29).
        timestamp: Math.trunc(this.#clearml.clock.now() / 1000),
        type_data: { preview: `${basename(path)} - ${String(facts.sizeBytes)} bytes`, content_type: contentType },
        display_data: Object.entries(metadata ?? {}).map(([name, value]) => [nameText(name), freeText(value)]),
      },
    );
    return uri;
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
