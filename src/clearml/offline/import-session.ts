/**
 * Brings a recorded session to a server: what the official client's `Task.import_offline_session` does, for sessions of
 * either client. Beyond it: a second import changes nothing, one that was cut off is begun again from an empty task, the
 * recorded end is kept, and weights are found inside the archive, wherever it was moved to.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { RequestOf } from "../../protocol/clearml/endpoints.js";
import { LOG_LEVELS, type EventInput } from "../../protocol/clearml/event-document.js";
import { modelObjectPath, quoteObjectUrl } from "../../protocol/clearml/object-path.js";
import type { ArtifactInput, TaskDocument, TaskType } from "../../protocol/clearml/task-document.js";
import { TASK_TYPES } from "../../protocol/clearml/task-document.js";
import { taskWebUrl } from "../../protocol/clearml/web-urls.js";
import type { ClearML } from "../create-clearml.js";
import { openSession, type SessionArchive } from "./session-archive.js";
import {
  DATA_FOLDER,
  dataPathOf,
  IMPORTED_KEY,
  IMPORT_TAG_PREFIX,
  LOG_FILE,
  METRICS_FILE,
  MODELS_FOLDER,
  parseSessionTask,
  sessionArtifacts,
  TASK_FILE,
  type OfflineModel,
  type SessionTask,
} from "./session-layout.js";

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
    const taskId = before?.id ?? (await this.#create());
    // What an import that was cut off left would be there twice: console lines have no identity.
    if (before) await tasks.reset({ task: taskId, force: true }, call);
    const artifacts = await this.#storeArtifacts(taskId);
    await this.#edit(taskId, artifacts);
    await tasks.started({ task: taskId, force: true }, call);
    const models = await this.#makeModels(taskId);
    await this.#send(LOG_FILE, (event) => this.#logEvent(event, taskId));
    await this.#send(METRICS_FILE, (event) => this.#metricEvent(event, taskId, models));
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

  async #storeArtifacts(taskId: string): Promise<readonly ArtifactInput[]> {
    const stored: ArtifactInput[] = [];
    for (const artifact of sessionArtifacts(this.#session)) {
      const path = artifact.uri == null ? undefined : dataPathOf(artifact.uri, this.#session.offline_folder);
      const uri = path === undefined ? artifact.uri : await this.#storeData(path, taskId);
      if (uri === undefined) this.#problems.push(`the artifact ${artifact.key} has no file in the archive: ${String(artifact.uri)}`);
      stored.push({ ...artifact, uri: uri ?? artifact.uri });
    }
    return stored;
  }

  /** Uploads `data/<path>`; undefined when the archive has no such file. */
  async #storeData(objectPath: string, taskId: string): Promise<string | undefined> {
    const name = [`${DATA_FOLDER}/${objectPath}`, `${DATA_FOLDER}/${decoded(objectPath)}`].find((candidate) =>
      this.#archive.has(candidate),
    );
    if (name === undefined) return undefined;
    return this.#upload(name, objectPath.replaceAll(this.#session.id, taskId));
  }

  async #upload(name: string, objectPath: string): Promise<string> {
    const sizeBytes = this.#archive.sizeOf(name);
    // From a file and not from the archive: what is sent again after a refused token must be the same bytes from the start.
    const folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-offline-"));
    try {
      const file = path.join(folder, "bytes");
      const { signal } = this.#options;
      await pipeline(await this.#archive.open(name), createWriteStream(file), signal === undefined ? {} : { signal });
      const uri = await this.#clearml.files.upload(objectPath, file, { sizeBytes, ...this.#call });
      this.#files++;
      this.#told();
      return uri;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #makeModels(taskId: string): Promise<ReadonlyMap<string, string>> {
    const made = new Map<string, string>();
    const { tasks, models } = this.#clearml;
    const recorded = (this.#session.offline_output_models ?? []) as unknown as readonly OfflineModel[];
    if (recorded.length === 0) return made;
    const { task } = await tasks.getById({ task: taskId }, this.#call);
    for (const { id, init, weights, trainer_sdk } of recorded) {
      const uri = await this.#weightsUri(task, weights ?? undefined);
      if (uri === undefined) this.#problems.push(`the model ${init.name ?? id} has no weights in the archive`);
      const name = init.name?.trim() ? init.name : (task.name ?? id);
      const created = await models.create(
        {
          name,
          uri: uri ?? "",
          task: taskId,
          ready: false,
          labels: { ...init.label_enumeration },
          ...(task.project == null ? {} : { project: task.project }),
          ...(init.tags ? { tags: [...init.tags] } : {}),
          ...(init.comment ? { comment: init.comment } : {}),
          ...(init.framework ? { framework: init.framework } : {}),
          ...(init.config_text ? { design: { design: init.config_text } } : {}),
        },
        this.#call,
      );
      made.set(id, created.id);
      await tasks.addOrUpdateModel({ task: taskId, name: trainer_sdk?.entry ?? name, model: created.id, type: "output" }, this.#call);
    }
    return made;
  }

  async #weightsUri(task: TaskDocument, weights: OfflineModel["weights"]): Promise<string | undefined> {
    if (weights?.register_uri) return weights.register_uri;
    const file = weights?.weights_filename ?? undefined;
    if (file === undefined) return undefined;
    const base = path.posix.basename(file.replaceAll("\\", "/"));
    const name = `${MODELS_FOLDER}/${base}`;
    if (!this.#archive.has(name)) return undefined;
    const projectName = this.#options.projectName ?? this.#session.project_name ?? DEFAULT_PROJECT;
    const owner = { projectName, projectId: task.project ?? undefined, taskName: task.name ?? task.id, taskId: task.id };
    return this.#upload(name, modelObjectPath(owner, weights?.target_filename ?? base));
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

  async #metricEvent(event: Record<string, unknown>, taskId: string, models: ReadonlyMap<string, string>): Promise<EventInput | undefined> {
    const owner = event["task"] === this.#session.id ? taskId : models.get(String(event["task"]));
    if (owner === undefined) return undefined;
    const { key, url } = event;
    let place = {};
    if (typeof key === "string" && typeof url === "string") {
      const stored = await this.#storeData(key, taskId);
      if (stored === undefined && dataPathOf(url, this.#session.offline_folder) !== undefined)
        this.#problems.push(`the sample ${key} has no file in the archive`);
      const objectPath = key.replaceAll(this.#session.id, taskId);
      place = { key: objectPath, url: stored ?? url.replaceAll(this.#session.id, taskId) };
    }
    const plot = event["plot_str"];
    const figure = typeof plot === "string" && plot.includes(this.#session.id) ? { plot_str: await this.#figure(plot, taskId) } : {};
    // The HTTP method that Python's client writes into each event is no part of it.
    return { ...without(event, "method"), ...place, ...figure, task: owner } as unknown as EventInput;
  }

  /** Images behind a figure's axes lie among the session's files, too. */
  async #figure(text: string, taskId: string): Promise<string> {
    const files = this.#clearml.session.filesHost ?? "";
    const figure = JSON.parse(text) as { layout?: { images?: { source?: unknown }[] } };
    for (const image of figure.layout?.images ?? []) {
      if (typeof image.source !== "string") continue;
      const inside = dataPathOf(image.source, this.#session.offline_folder);
      if (inside === undefined) continue;
      image.source = (await this.#storeData(inside, taskId)) ?? quoteObjectUrl(files, inside.replaceAll(this.#session.id, taskId));
    }
    return JSON.stringify(figure);
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

/** A path of an address may be percent-quoted where the archive's is not. */
function decoded(objectPath: string): string {
  try {
    return decodeURIComponent(objectPath);
  } catch {
    return objectPath;
  }
}
