/**
 * Brings a recorded session to a server: what the official client's `Task.import_offline_session` does, for sessions of
 * either client. Beyond it: a second import changes nothing, one that was cut off is begun again from an empty task, the
 * recorded end is kept, and weights are found inside the archive, wherever it was moved to.
 */
import { createInterface } from "node:readline";
import { ValidationError } from "../../base/errors.js";
import type { RequestOf } from "../../protocol/clearml/endpoints.js";
import { LOG_LEVELS, type EventInput } from "../../protocol/clearml/event-document.js";
import type { ArtifactInput, TaskDocument, TaskType } from "../../protocol/clearml/task-document.js";
import { TASK_TYPES } from "../../protocol/clearml/task-document.js";
import { taskWebUrl } from "../../protocol/clearml/web-urls.js";
import type { ClearML } from "../create-clearml.js";
import { makeSessionModels } from "./session-models.js";
import { openSession, type SessionArchive } from "./session-archive.js";
import {
  dataPathOf,
  IMPORTED_KEY,
  IMPORT_TAG_PREFIX,
  LOG_FILE,
  METRICS_FILE,
  parseSessionTask,
  sessionArtifacts,
  TASK_FILE,
  type SessionTask,
} from "./session-layout.js";
import { SessionUploads } from "./session-uploads.js";

export interface ImportSessionOptions {
  /** Default: the project that the session names, else `Offline sessions`. */
  readonly projectName?: string;
  /** Default: the session's. */
  readonly taskName?: string;
  readonly signal?: AbortSignal;
  /** Told after each part: a file that was stored, a group of events that was sent. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportProgress {
  readonly files: number;
  readonly events: number;
}

/** What an import did. */
export interface ImportedSession {
  readonly taskId: string;
  readonly webUrl: string | undefined;
  /** True when it had been imported before: nothing was sent. */
  readonly wasThere: boolean;
  readonly files: number;
  readonly events: number;
  readonly models: number;
  /** What could not be brought over, in words: a file that is missing in the archive, a line that is no JSON. */
  readonly problems: readonly string[];
}

/** Begins the key of a trainer's job. */
const TASK_TAG_PREFIX = "trainer-sdk:";
const DEFAULT_PROJECT = "Offline sessions";
/** Levels by their names in Python's logging. */
const LEVELS: ReadonlySet<string> = new Set(LOG_LEVELS);

/**
 * Imports a session, a zip or a folder.
 *
 * @throws ValidationError for what is no session; what the client's calls throw. After an error the same import may be
 * called again.
 */
export async function importOfflineSession(clearml: ClearML, source: string, options: ImportSessionOptions = {}): Promise<ImportedSession> {
  await using archive = await openSession(source);
  const session = parseSessionTask(await archive.text(TASK_FILE), source);
  return await new SessionImport(clearml, archive, session, options).run();
}

class SessionImport {
  readonly #clearml: ClearML;
  readonly #archive: SessionArchive;
  readonly #session: SessionTask;
  readonly #options: ImportSessionOptions;
  readonly #problems: string[] = [];
  #files = 0;
  #events = 0;

  constructor(clearml: ClearML, archive: SessionArchive, session: SessionTask, options: ImportSessionOptions) {
    this.#clearml = clearml;
    this.#archive = archive;
    this.#session = session;
    this.#options = options;
  }

  async run(): Promise<ImportedSession> {
    const { tasks } = this.#clearml;
    const call = this.#call;
    const before = await this.#imported();
    if (before && IMPORTED_KEY in (before.runtime ?? {})) {
      if (before.status === "in_progress") await this.#end(before.id);
      return this.#result(before, 0, true);
    }
    if (!before) await this.#refuseDelivered();
    const taskId = before?.id ?? (await this.#create());
    // What an import that was cut off left would be there twice: console lines have no identity.
    if (before) await tasks.reset({ task: taskId, force: true }, call);
    const uploads = this.#uploads(taskId);
    const artifacts = await this.#storeArtifacts(uploads);
    await this.#edit(taskId, artifacts);
    await tasks.started({ task: taskId, force: true }, call);
    const models = await this.#models(taskId, uploads);
    await this.#send(LOG_FILE, (event) => this.#logEvent(event, taskId));
    await this.#send(METRICS_FILE, (event) => this.#metricEvent(event, taskId, models, uploads));
    // Before the end, for the runtime of an ended task cannot be edited.
    await tasks.editRuntime({ task: taskId, force: true, add_or_update: { [IMPORTED_KEY]: this.#session.id } }, call);
    await this.#end(taskId);
    const { task } = await tasks.getById({ task: taskId }, call);
    return this.#result(task, models.size, false);
  }

  get #call(): { readonly signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }

  #result(task: Pick<TaskDocument, "id" | "project">, models: number, wasThere: boolean): ImportedSession {
    const { webHost } = this.#clearml.session;
    return {
      taskId: task.id,
      webUrl: webHost === undefined ? undefined : taskWebUrl(webHost, { taskId: task.id, projectId: task.project }),
      wasThere,
      files: this.#files,
      events: this.#events,
      models,
      problems: this.#problems,
    };
  }

  get #tag(): string {
    return IMPORT_TAG_PREFIX + this.#session.id;
  }

  async #imported(): Promise<TaskDocument | undefined> {
    const request = { system_tags: [this.#tag], search_hidden: true, only_fields: ["id", "status", "project", "runtime", "created"] };
    for await (const task of this.#clearml.tasks.getAll(request, this.#call)) return task;
    return undefined;
  }

  /** A trainer's job is at the server under its own key once its journal was delivered: a second story of it would double every line. */
  async #refuseDelivered(): Promise<void> {
    const key = this.#session.system_tags?.find((tag) => tag.startsWith(TASK_TAG_PREFIX) && !tag.startsWith(IMPORT_TAG_PREFIX));
    if (key === undefined) return;
    const request = { system_tags: [key], search_hidden: true, only_fields: ["id", "created"] };
    for await (const { id } of this.#clearml.tasks.getAll(request, this.#call)) {
      const message = `the job of this session is at the server already, as task ${id}: its journal was delivered`;
      throw new ValidationError(`${this.#archive.source}: ${message}.`, [{ path: "system_tags", message }]);
    }
  }

  async #create(): Promise<string> {
    const { name, type, project_name, system_tags } = this.#session;
    const projectName = this.#options.projectName ?? (project_name?.trim() ? project_name : DEFAULT_PROJECT);
    const { id: project } = await this.#clearml.projects.findOrCreate(projectName, this.#call);
    const kept = (system_tags ?? []).filter((tag) => tag !== "offline" && !tag.startsWith(IMPORT_TAG_PREFIX));
    const { id } = await this.#clearml.tasks.create(
      {
        name: this.#options.taskName ?? (name?.trim() ? name : this.#session.id),
        type: (TASK_TYPES as readonly string[]).includes(type ?? "") ? (type as TaskType) : "training",
        project,
        system_tags: [...kept, this.#tag],
      },
      this.#call,
    );
    return id;
  }

  async #edit(taskId: string, artifacts: readonly ArtifactInput[]): Promise<void> {
    const { execution, script, hyperparams, configuration, container, runtime, comment, tags, output_dest } = this.#session;
    const fields = {
      ...(comment ? { comment } : {}),
      ...(tags ? { tags } : {}),
      ...(script ? { script: known(script, SCRIPT_FIELDS) } : {}),
      ...(hyperparams ? { hyperparams } : {}),
      ...(configuration ? { configuration } : {}),
      ...(container ? { container } : {}),
      ...(runtime ? { runtime: without(runtime, IMPORTED_KEY) } : {}),
      ...(output_dest ? { output_dest } : {}),
      execution: { ...known(execution ?? {}, EXECUTION_FIELDS), artifacts: [...artifacts] },
    };
    // The documents are another program's: the server's own schema is what holds here.
    await this.#clearml.tasks.edit({ task: taskId, force: true, ...fields } as RequestOf<"tasks.edit">, this.#call);
  }

  #uploads(taskId: string): SessionUploads {
    return new SessionUploads({
      clearml: this.#clearml,
      archive: this.#archive,
      session: this.#session,
      taskId,
      signal: this.#options.signal,
      onFile: () => {
        this.#files++;
        this.#told();
      },
    });
  }

  async #storeArtifacts(uploads: SessionUploads): Promise<readonly ArtifactInput[]> {
    const stored: ArtifactInput[] = [];
    for (const artifact of sessionArtifacts(this.#session)) {
      const path = artifact.uri == null ? undefined : dataPathOf(artifact.uri, this.#session.offline_folder);
      const uri = path === undefined ? artifact.uri : await uploads.data(path);
      if (uri === undefined) this.#problems.push(`the artifact ${artifact.key} has no file in the archive: ${String(artifact.uri)}`);
      stored.push({ ...artifact, uri: uri ?? artifact.uri });
    }
    return stored;
  }

  #models(taskId: string, uploads: SessionUploads): Promise<ReadonlyMap<string, string>> {
    const { projectName } = this.#options;
    return makeSessionModels({
      clearml: this.#clearml,
      archive: this.#archive,
      session: this.#session,
      taskId,
      projectName: projectName ?? this.#session.project_name ?? DEFAULT_PROJECT,
      uploads,
      call: this.#call,
      onProblem: (problem) => this.#problems.push(problem),
    });
  }

  /** Sends a file of events, line by line; a line that is none is a problem and nothing else. */
  async #send(name: string, eventOf: (event: Record<string, unknown>) => Promise<EventInput | undefined>): Promise<void> {
    if (!this.#archive.has(name)) return;
    let number = 0;
    for await (const line of createInterface({ input: await this.#archive.open(name), crlfDelay: Number.POSITIVE_INFINITY })) {
      this.#options.signal?.throwIfAborted();
      number++;
      if (line.trim() === "") continue;
      const recorded = arrayIn(line);
      if (recorded === undefined) {
        this.#problems.push(`line ${String(number)} of ${name} is damaged`);
        continue;
      }
      const events: EventInput[] = [];
      for (const event of recorded) {
        const mapped = await eventOf(event);
        if (mapped) events.push(mapped);
      }
      if (events.length === 0) continue;
      const { errors, errorsInfo } = await this.#clearml.events.addBatch(events, this.#call);
      if (errors > 0)
        this.#problems.push(
          `${String(errors)} events of line ${String(number)} of ${name} were refused: ${Object.keys(errorsInfo).join("; ")}`,
        );
      this.#events += events.length - errors;
      this.#told();
    }
  }

  #logEvent(event: Record<string, unknown>, taskId: string): Promise<EventInput | undefined> {
    const { timestamp, level, worker, msg } = event;
    if (typeof msg !== "string") return Promise.resolve(undefined);
    const name = typeof level === "string" ? level.toLowerCase() : "";
    const log = { type: "log", task: taskId, timestamp, level: LEVELS.has(name) ? name : "info", worker, msg };
    return Promise.resolve(log as EventInput);
  }

  async #metricEvent(
    event: Record<string, unknown>,
    taskId: string,
    models: ReadonlyMap<string, string>,
    uploads: SessionUploads,
  ): Promise<EventInput | undefined> {
    const owner = event["task"] === this.#session.id ? taskId : models.get(String(event["task"]));
    if (owner === undefined) return undefined;
    const { key, url } = event;
    let place = {};
    if (typeof key === "string" && typeof url === "string") {
      const stored = await uploads.data(key);
      if (stored === undefined && dataPathOf(url, this.#session.offline_folder) !== undefined)
        this.#problems.push(`the sample ${key} has no file in the archive`);
      place = { key: uploads.renamed(key), url: stored ?? uploads.renamed(url) };
    }
    const plot = event["plot_str"];
    const figure = typeof plot === "string" && plot.includes(this.#session.id) ? { plot_str: await uploads.figure(plot) } : {};
    // The HTTP method that Python's client writes into each event is no part of it.
    return { ...without(event, "method"), ...place, ...figure, task: owner } as unknown as EventInput;
  }

  async #end(taskId: string): Promise<void> {
    const { tasks } = this.#clearml;
    const recorded = this.#session.trainer_sdk;
    const reason = {
      ...(recorded?.status_reason ? { status_reason: recorded.status_reason } : {}),
      ...(recorded?.status_message ? { status_message: recorded.status_message } : {}),
    };
    if (recorded?.status === "failed") await tasks.failed({ task: taskId, force: true, ...reason }, this.#call);
    else if (recorded?.status === "stopped") await tasks.stopped({ task: taskId, force: true, ...reason }, this.#call);
    else await tasks.completed({ task: taskId, force: true, ...reason }, this.#call);
  }

  #told(): void {
    this.#options.onProgress?.({ files: this.#files, events: this.#events });
  }
}

const SCRIPT_FIELDS = ["binary", "repository", "tag", "branch", "version_num", "entry_point", "working_dir", "requirements", "diff"];
const EXECUTION_FIELDS = ["framework", "model_desc", "model_labels", "parameters"];

function known(document: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).filter(([name, value]) => fields.includes(name) && value != null));
}

function without(document: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).filter(([key]) => key !== name));
}

function arrayIn(line: string): readonly Record<string, unknown>[] | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? (value as Record<string, unknown>[]) : undefined;
  } catch {
    return undefined;
  }
}
