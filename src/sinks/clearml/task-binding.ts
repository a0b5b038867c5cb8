/**
 * Finds the job's task or creates it, once for all processes that ever report this job: by the id that was given, by
 * the sink's memory, by the external key in the task's system tags. It never changes a status.
 */
import { describeError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import type { SinkMemory } from "../../outbox/sink.js";
import { NAME_MIN_LENGTH } from "../../protocol/clearml/limits.js";
import type { TaskDocument } from "../../protocol/clearml/task-document.js";
import type { OperationType } from "../../records/facts.js";
import { rememberId, rememberedId } from "../remembered-id.js";
import type { ClearMLPort } from "./clearml-port.js";
import { freeText, nameText } from "../../clearml/clearml-text.js";
import { findOrCreate } from "../../base/find-or-create.js";
import { IMPORT_TAG_PREFIX } from "../../clearml/offline/session-layout.js";

/** Which task is meant, and what it is like should it have to be made. */
export interface TaskWish {
  readonly operation: OperationType;
  /** Kept as a system tag; the same for every process of the job. */
  readonly externalKey: string;
  /** The journal that the task is made for; kept in its runtime, so that a person can tell whose it is. */
  readonly runId: string;
  /** An existing task, made by somebody else (`CLEARML_TASK_ID`). */
  readonly taskId?: string | undefined;
  /** Full path, parts divided by `/`. */
  readonly projectName: string;
  readonly taskName: string;
  /** Where artifacts and models of the task go, shown by ClearML and used by its own client. */
  readonly outputUri?: string | undefined;
}

/** A task that exists. */
export interface BoundTask {
  readonly taskId: string;
  readonly projectId: string | undefined;
  readonly name: string;
  readonly status: string;
}

/** `refused`: there is nothing to wait for; a person must change the settings. */
export type Binding = { readonly task: BoundTask } | { readonly refused: string };

/**
 * ClearML's type of a job (3.1). It has none for an export: `data_processing` is what a conversion of weights is nearest
 * to, and unlike `custom` it has a place of its own in the web UI's filters.
 */
const TASK_TYPES = {
  training: "training",
  inference: "inference",
  evaluation: "testing",
  export: "data_processing",
} as const satisfies Record<OperationType, string>;

const MEMORY_KEY = "task";
/** Of the task's runtime: the journal that it was made for. */
const RUN_KEY = "trainer_sdk_run";
const TASK_FIELDS = ["id", "name", "status", "project", "created"];

/** What is read of a task. */
type TaskFields = Pick<TaskDocument, "id" | "name" | "status" | "project" | "created" | "system_tags" | "runtime">;

export class TaskBinding {
  readonly #port: ClearMLPort;
  readonly #wish: TaskWish;
  readonly #logger: Logger;

  constructor(port: ClearMLPort, wish: TaskWish, logger: Logger) {
    this.#port = port;
    this.#wish = wish;
    this.#logger = logger;
  }

  /**
   * @throws ApiError, ConnectionError when ClearML did not do as asked; trying again is safe.
   */
  async bind(memory: SinkMemory, signal: AbortSignal): Promise<Binding> {
    const { taskId, externalKey } = this.#wish;
    if (taskId !== undefined) {
      const task = await this.read(taskId, signal);
      if (task) return { task: await this.#remember(task, memory) };
      return {
        refused: `ClearML has no task ${taskId} that these credentials can see. Check CLEARML_TASK_ID, CLEARML_API_HOST and the access key.`,
      };
    }
    const known = rememberedId(memory, MEMORY_KEY, externalKey);
    if (known !== undefined) {
      const task = await this.read(known, signal);
      if (task) return { task };
      this.#logger.error(
        `ClearML task ${known} of this job was deleted; what was delivered to it is lost there. The job goes on with another task.`,
      );
    }
    const made = await this.#findOrCreate(signal, known);
    return this.#isImported(made.found)
      ? {
          refused: `this journal is at ClearML already, as task ${made.found.id}: its export was imported there. Delivered once more, every console line would be there twice. To deliver the journal instead, delete that task first.`,
        }
      : { task: await this.#take(made, memory) };
  }

  /** Another task in the place of one that was deleted under us: the job's own by its key, never the id that was given. */
  async rebind(deletedTaskId: string, memory: SinkMemory, signal: AbortSignal): Promise<BoundTask> {
    return this.#take(await this.#findOrCreate(signal, deletedTaskId), memory);
  }

  /** The task, or `undefined` when there is none of this id. */
  async read(taskId: string, signal: AbortSignal): Promise<BoundTask | undefined> {
    const { tasks } = await this.#port.call("tasks.get_all", { id: [taskId], only_fields: TASK_FIELDS }, { signal });
    const task = tasks.find(({ id }) => id === taskId);
    return task && boundTask(task);
  }

  /** True for what an import made of this very journal. A later run of the job has a journal of its own, and goes on with that task. */
  #isImported({ system_tags, runtime }: Partial<TaskFields>): boolean {
    const run = runtime?.[RUN_KEY];
    return system_tags?.some((tag) => tag.startsWith(IMPORT_TAG_PREFIX)) === true && (run === undefined || run === this.#wish.runId);
  }

  #findOrCreate(
    signal: AbortSignal,
    replaces: string | undefined,
  ): Promise<{ readonly found: TaskFields | { readonly id: string }; readonly created: boolean }> {
    const { externalKey } = this.#wish;
    return findOrCreate<TaskFields>({
      search: async () => {
        const { tasks } = await this.#port.call(
          "tasks.get_all",
          {
            system_tags: [externalKey],
            search_hidden: true,
            only_fields: [...TASK_FIELDS, "system_tags", "runtime"],
            order_by: ["created"],
          },
          { signal },
        );
        return tasks;
      },
      create: () => this.#create(signal, replaces),
      remove: async (task) => {
        await this.#port.call("tasks.delete", { task, force: true }, { signal });
      },
      onNotRemoved: (task, error) =>
        this.#logger.warn(
          `ClearML task ${task} is an extra that another process's start made superfluous; it could not be deleted: ${describeError(error)}`,
        ),
    });
  }

  async #take(
    { found, created }: { readonly found: TaskFields | { readonly id: string }; readonly created: boolean },
    memory: SinkMemory,
  ): Promise<BoundTask> {
    if (created) this.#logger.info(`created ClearML task ${found.id}`, { project: this.#wish.projectName, task: this.#wish.taskName });
    return this.#remember(
      "status" in found ? boundTask(found) : { taskId: found.id, projectId: undefined, name: this.#wish.taskName, status: "created" },
      memory,
    );
  }

  async #create(signal: AbortSignal, replaces: string | undefined): Promise<string> {
    const { operation, externalKey, runId, outputUri } = this.#wish;
    const project = await this.#port.findOrCreateProject(projectPath(this.#wish.projectName), { signal });
    const { id } = await this.#port.call(
      "tasks.create",
      {
        name: taskName(this.#wish.taskName),
        type: TASK_TYPES[operation],
        project,
        // Not `development`: a stop asked for in the web UI would then end the task at once instead of asking us (3.4).
        system_tags: [externalKey],
        runtime: { [RUN_KEY]: runId },
        comment:
          replaces === undefined
            ? "Reported by trainer-sdk."
            : `Reported by trainer-sdk. Goes on in the place of task ${replaces}, which was deleted; what it held is lost.`,
        ...(outputUri === undefined ? {} : { output_dest: freeText(outputUri) }),
      },
      { signal },
    );
    return id;
  }

  async #remember(task: BoundTask, memory: SinkMemory): Promise<BoundTask> {
    await rememberId(memory, MEMORY_KEY, task.taskId, this.#wish.externalKey);
    return task;
  }
}

function boundTask(task: {
  id: string;
  name?: string | null | undefined;
  status?: string | null | undefined;
  project?: string | null | undefined;
}): BoundTask {
  return { taskId: task.id, projectId: task.project ?? undefined, name: task.name ?? task.id, status: task.status ?? "unknown" };
}

/** The server strips names and refuses those of fewer than 3 characters (3.1). */
function taskName(name: string): string {
  const stripped = nameText(name.trim());
  return stripped.length >= NAME_MIN_LENGTH ? stripped : `Task ${stripped}`.trim();
}

/** The path without empty parts, and those filled up that the server would refuse as too short: a project called `AI` must not keep a job from being reported. */
function projectPath(name: string): string {
  const parts = name.split("/").flatMap((part) => {
    const stripped = nameText(part.trim());
    return stripped === "" ? [] : [stripped.padEnd(NAME_MIN_LENGTH, "_")];
  });
  return parts.length > 0 ? parts.join("/") : "Trainer SDK";
}
