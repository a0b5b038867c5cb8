/**
 * Writes a task as an offline session, which `Task.import_offline_session` of the official client and this package's own
 * import read: its documents, every event, and the files that lie on ClearML's file server or on this machine. What
 * lies in object storage stays there and is named by its address.
 */
import { createWriteStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { EventDocument } from "../../protocol/clearml/event-document.js";
import type { ModelDocument } from "../../protocol/clearml/model-document.js";
import type { ArtifactDocument, TaskDocument } from "../../protocol/clearml/task-document.js";
import type { ClearML } from "../create-clearml.js";
import {
  DATA_FOLDER,
  eventLines,
  IMPORT_TAG_PREFIX,
  LOG_FILE,
  MAX_EVENTS_A_LINE,
  METRICS_FILE,
  MODELS_FOLDER,
  TASK_FILE,
  type OfflineModel,
} from "./session-layout.js";

export interface ExportSessionOptions {
  /** Where the zip goes: a path that ends in `.zip`. What is there is replaced, once the new one is whole. */
  readonly file: string;
  readonly signal?: AbortSignal;
  /** Told after each part. */
  readonly onProgress?: (progress: { readonly files: number; readonly events: number }) => void;
}

/** What was written. */
export interface ExportedSession {
  readonly file: string;
  /** `offline-` and the task's id: the same task is the same session, however often it is written. */
  readonly offlineId: string;
  readonly files: number;
  readonly events: number;
  readonly models: number;
}

/** Kinds of event besides console lines, which the server pages by their time. */
const EVENT_TYPES = ["training_stats_scalar", "training_stats_vector", "training_debug_image", "plot"] as const;
/** The most that the server gives at once. */
const PAGE_EVENTS = 10_000;

/**
 * Exports a task.
 *
 * @throws what the client's calls throw (a task that is not there: ApiError); UploadError when a file of the file server
 * cannot be read whole; Node's own error when the zip cannot be written. Nothing is left of a zip that was not finished.
 */
export async function exportOfflineSession(clearml: ClearML, taskId: string, options: ExportSessionOptions): Promise<ExportedSession> {
  const target = path.resolve(options.file);
  await mkdir(path.dirname(target), { recursive: true });
  const work = await mkdtemp(`${target}.part-`);
  try {
    return await new SessionExport(clearml, taskId, options, target, work).run();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

class SessionExport {
  readonly #clearml: ClearML;
  readonly #taskId: string;
  readonly #options: ExportSessionOptions;
  readonly #target: string;
  readonly #work: string;
  /** Names the session's files as they would lie if the zip were unpacked beside itself. */
  readonly #folder: string;
  /** Files of the archive by their name in it. */
  readonly #entries = new Map<string, string>();
  #events = 0;
  #files = 0;

  constructor(clearml: ClearML, taskId: string, options: ExportSessionOptions, target: string, work: string) {
    this.#clearml = clearml;
    this.#taskId = taskId;
    this.#options = options;
    this.#target = target;
    this.#work = work;
    this.#folder = target
      .replace(/\.zip$/i, "")
      .split(path.sep)
      .join("/");
  }

  async run(): Promise<ExportedSession> {
    const { task } = await this.#clearml.tasks.getById({ task: this.#taskId }, this.#call);
    const artifacts = await this.#artifacts(task);
    const models = await this.#models(task);
    await this.#writeLog();
    await this.#writeEvents();
    await this.#write(TASK_FILE, [JSON.stringify(await this.#taskJson(task, artifacts, models), undefined, 1)]);
    await this.#zip();
    return { file: this.#target, offlineId: this.#offlineId, files: this.#files, events: this.#events, models: models.length };
  }

  get #offlineId(): string {
    return `offline-${this.#taskId}`;
  }

  get #call(): { readonly signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }

  async #taskJson(task: TaskDocument, artifacts: readonly ArtifactDocument[], models: readonly OfflineModel[]): Promise<object> {
    const projectName =
      task.project == null ? undefined : (await this.#clearml.projects.getById({ project: task.project }, this.#call)).project.name;
    const { name, type, tags, system_tags, comment, script, hyperparams, configuration, container, runtime, output } = task;
    return {
      id: this.#offlineId,
      name,
      type,
      project_name: projectName ?? null,
      offline_folder: this.#folder,
      offline_output_models: models,
      tags: tags ?? [],
      system_tags: (system_tags ?? []).filter((tag) => !tag.startsWith(IMPORT_TAG_PREFIX)),
      comment: comment ?? "",
      script: script ?? {},
      hyperparams: hyperparams ?? {},
      configuration: configuration ?? {},
      container: container ?? {},
      runtime: runtime ?? {},
      execution: { ...task.execution, artifacts },
      ...(output?.destination ? { output_dest: output.destination } : {}),
      created: task.created,
      started: task.started,
      completed: task.completed,
      status: task.status,
      // The official importer completes every task; ours reads here how this one ended.
      trainer_sdk: { status: task.status, status_reason: task.status_reason, status_message: task.status_message },
    };
  }

  async #artifacts(task: TaskDocument): Promise<readonly ArtifactDocument[]> {
    const kept: ArtifactDocument[] = [];
    for (const artifact of task.execution?.artifacts ?? []) {
      const inside = artifact.uri == null ? undefined : await this.#takeData(artifact.uri);
      kept.push(inside === undefined ? artifact : { ...artifact, uri: `${this.#folder}/${DATA_FOLDER}/${inside}` });
    }
    return kept;
  }

  /** Puts a file into `data/`, when it is one that only this server or this machine has; its path there. */
  async #takeData(uri: string): Promise<string | undefined> {
    const objectPath = this.#clearml.session.filesHost === undefined ? undefined : this.#clearml.files.pathOf(uri);
    if (objectPath !== undefined) {
      const inside = objectPath.replaceAll(this.#taskId, this.#offlineId);
      await this.#take(`${DATA_FOLDER}/${inside}`, uri);
      return inside;
    }
    const local = await localFile(uri);
    if (local === undefined) return undefined;
    const inside = `${this.#offlineId}/${path.basename(local)}`;
    const name = `${DATA_FOLDER}/${inside}`;
    if (!this.#entries.has(name)) this.#files++;
    this.#entries.set(name, local);
    return inside;
  }

  async #take(name: string, url: string): Promise<void> {
    if (this.#entries.has(name)) return;
    const file = path.join(this.#work, `file-${String(this.#entries.size)}`);
    await this.#clearml.files.download(url, file, this.#call);
    this.#entries.set(name, file);
    this.#files++;
    this.#told();
  }

  async #models(task: TaskDocument): Promise<readonly OfflineModel[]> {
    const kept: OfflineModel[] = [];
    for (const entry of task.models?.output ?? []) {
      if (entry.model == null) continue;
      const { model } = await this.#clearml.models.getById({ model: entry.model }, this.#call);
      kept.push({
        id: `offline-${model.id}`,
        init: {
          name: model.name ?? entry.name ?? null,
          tags: model.tags ?? [],
          comment: model.comment ?? null,
          framework: model.framework ?? null,
          label_enumeration: model.labels as Record<string, number> | null,
          config_text: typeof model.design?.["design"] === "string" ? model.design["design"] : null,
        },
        weights: await this.#weights(model),
        ...(entry.name == null ? {} : { trainer_sdk: { entry: entry.name } }),
      });
    }
    return kept;
  }

  async #weights(model: ModelDocument): Promise<NonNullable<OfflineModel["weights"]> | null> {
    const { uri } = model;
    if (uri == null || uri === "") return null;
    const isOnFileServer = this.#clearml.session.filesHost !== undefined && this.#clearml.files.pathOf(uri) !== undefined;
    const local = isOnFileServer ? undefined : await localFile(uri);
    if (!isOnFileServer && local === undefined) return { register_uri: uri };
    const base = path.posix.basename(decodeURIComponent(new URL(uri).pathname));
    const name = `${MODELS_FOLDER}/${model.id}-${base}`;
    if (local === undefined) await this.#take(name, uri);
    else {
      this.#entries.set(name, local);
      this.#files++;
    }
    return { weights_filename: `${this.#folder}/${name}`, target_filename: base, iteration: model.last_iteration ?? null };
  }

  async #writeLog(): Promise<void> {
    const lines = this.#clearml.events.iterateLog({ task: this.#taskId }, this.#call);
    const events = async function* (): AsyncGenerator<object> {
      for await (const { timestamp, level, worker, msg } of lines) yield { type: "log", timestamp, level, worker, msg };
    };
    await this.#writeGroups(LOG_FILE, events());
  }

  async #writeEvents(): Promise<void> {
    await this.#writeGroups(METRICS_FILE, this.#allEvents());
  }

  async *#allEvents(): AsyncGenerator<object> {
    for (const type of EVENT_TYPES)
      for await (const event of this.#clearml.events.iterateEvents({ task: this.#taskId, type, pageSize: PAGE_EVENTS }, this.#call))
        yield await this.#recorded(event);
  }

  /** An event as a session holds it: under the session's id, its sample among the data. */
  async #recorded(event: EventDocument): Promise<object> {
    const { type, timestamp, iter, metric, variant, worker, value, values, plot_str, x_axis_label } = event as EventDocument & {
      values?: unknown;
      x_axis_label?: unknown;
    };
    const common = defined({
      type,
      task: this.#offlineId,
      timestamp,
      iter,
      metric,
      variant,
      worker,
      value,
      values,
      plot_str,
      x_axis_label,
    });
    if (event.url == null) return common;
    const inside = await this.#takeData(event.url);
    if (inside === undefined) return { ...common, ...defined({ url: event.url, key: event.key }) };
    return { ...common, key: inside, url: `${this.#folder}/${DATA_FOLDER}/${inside}` };
  }

  async #writeGroups(name: string, events: AsyncIterable<object>): Promise<void> {
    const file = path.join(this.#work, name);
    const handle = await open(file, "w");
    try {
      let group: object[] = [];
      const flush = async (): Promise<void> => {
        for (const line of eventLines(group)) await handle.write(line);
        this.#events += group.length;
        group = [];
        this.#told();
      };
      for await (const event of events) if (group.push(event) === MAX_EVENTS_A_LINE) await flush();
      await flush();
    } finally {
      await handle.close();
    }
    this.#entries.set(name, file);
  }

  async #write(name: string, parts: readonly string[]): Promise<void> {
    const file = path.join(this.#work, name);
    const handle = await open(file, "w");
    for (const part of parts) await handle.write(part);
    await handle.close();
    this.#entries.set(name, file);
  }

  async #zip(): Promise<void> {
    const { ZipFile } = await import("yazl");
    const zip = new ZipFile();
    for (const [name, file] of this.#entries) zip.addFile(file, name, { compress: !name.startsWith(`${MODELS_FOLDER}/`) });
    zip.end();
    const finished = path.join(this.#work, "session.zip");
    const { signal } = this.#options;
    await pipeline(zip.outputStream, createWriteStream(finished, { flush: true }), signal === undefined ? {} : { signal });
    await rename(finished, this.#target);
    await this.#leaveWeights();
  }

  /** The official importer looks for weights at the path that the session names, never in the zip. Its own recorder leaves the folder, too. */
  async #leaveWeights(): Promise<void> {
    const weights = [...this.#entries].filter(([name]) => name.startsWith(`${MODELS_FOLDER}/`));
    if (weights.length === 0) return;
    await mkdir(path.join(this.#folder, MODELS_FOLDER), { recursive: true });
    for (const [name, file] of weights) await copyFile(file, path.join(this.#folder, name));
  }

  #told(): void {
    this.#options.onProgress?.({ files: this.#files, events: this.#events });
  }
}

/** The path of a file on this machine that an address means, when it is there. */
async function localFile(uri: string): Promise<string | undefined> {
  if (!uri.startsWith("file:///")) return undefined;
  const file = fileURLToPath(uri);
  return (await stat(file).catch(() => undefined))?.isFile() === true ? file : undefined;
}

function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}
