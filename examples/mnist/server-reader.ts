/**
 * Reads what the servers hold, by plain HTTP and without the SDK: a witness who has not heard the trainer's story.
 * Endpoints and their answers are ClearML's own, so the same calls read a production server.
 */
import { createHash } from "node:crypto";
import type { ServerEnvironment } from "./child-processes.ts";

const API_VERSION = "v2.34";
/** Of one answer; the local server answers in milliseconds. */
const TIMEOUT_MS = 30_000;

/** A task, as far as the demo looks. */
export interface TaskDocument {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly project?: string;
  readonly execution?: { readonly artifacts?: readonly ArtifactDocument[] };
  readonly hyperparams?: Readonly<Record<string, Readonly<Record<string, { readonly value?: string }>>>>;
}

export interface ArtifactDocument {
  readonly key: string;
  readonly uri?: string;
  readonly hash?: string;
  readonly content_size?: number;
}

export interface ModelDocument {
  readonly id: string;
  readonly name: string;
  readonly uri: string;
  readonly framework?: string;
  readonly tags?: readonly string[];
}

/** Points of one line of one chart. */
export interface Series {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface LogEvent {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A callback, as the receiver kept it. */
export interface ReceivedCallback {
  /** Last part of the path: `progress`, `checkpoint`, ... */
  readonly kind: string;
  readonly idempotencyKey: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Bytes that were downloaded, and what they are. */
export interface Download {
  readonly bytes: Buffer;
  readonly sha256: string;
}

export class ServerReader {
  readonly #env: ServerEnvironment;
  #token: string | undefined;

  constructor(env: ServerEnvironment) {
    this.#env = env;
  }

  /** Every task, the newest first. */
  async tasks(): Promise<readonly TaskDocument[]> {
    return (await this.#call<{ tasks: readonly TaskDocument[] }>("tasks.get_all", { order_by: ["-created"] })).tasks;
  }

  /** Every task of this exact name. */
  async tasksNamed(name: string): Promise<readonly TaskDocument[]> {
    const pattern = `^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
    const { tasks } = await this.#call<{ tasks: readonly TaskDocument[] }>("tasks.get_all", { name: pattern });
    return tasks;
  }

  /** Points by `<title>/<series>`. */
  async scalars(task: string): Promise<ReadonlyMap<string, Series>> {
    const charts = await this.#call<Record<string, Record<string, Series>>>("events.scalar_metrics_iter_histogram", {
      task,
      samples: 6000,
    });
    return new Map(
      Object.entries(charts).flatMap(([title, lines]) =>
        Object.entries(lines).map(([series, points]) => [`${title}/${series}`, points] as const),
      ),
    );
  }

  /** Values without an iteration, by name. */
  async singleValues(task: string): Promise<ReadonlyMap<string, number>> {
    const { tasks } = await this.#call<{ tasks: readonly { values: readonly { variant: string; value: number }[] }[] }>(
      "events.get_task_single_value_metrics",
      { tasks: [task] },
    );
    return new Map(tasks.flatMap(({ values }) => values.map(({ variant, value }) => [variant, value] as const)));
  }

  /** The console, oldest line first. */
  async log(task: string): Promise<readonly LogEvent[]> {
    const { events } = await this.#call<{ events: readonly LogEvent[] }>("events.get_task_log", {
      task,
      batch_size: 10_000,
      navigate_earlier: false,
    });
    return events;
  }

  async models(task: string): Promise<readonly ModelDocument[]> {
    const { models } = await this.#call<{ models: readonly ModelDocument[] }>("models.get_all", { task: [task] });
    return models;
  }

  /** What the backend was told about a job, in the order of arrival. */
  async callbacks(jobId: string): Promise<readonly ReceivedCallback[]> {
    const answer = await fetch(`${this.#env.CALLBACK_URL}?job_id=${encodeURIComponent(jobId)}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`The callback receiver answered ${String(answer.status)}: ${await answer.text()}`);
    const { callbacks } = (await answer.json()) as {
      callbacks: readonly { path: string; headers: Record<string, string>; body: Record<string, unknown> }[];
    };
    return callbacks.map(({ path, headers, body }) => ({
      kind: path.slice(path.lastIndexOf("/") + 1),
      idempotencyKey: headers["idempotency-key"] ?? "",
      body,
    }));
  }

  /** The bytes at an announced address. */
  async download(uri: string): Promise<Download> {
    const answer = await fetch(uri, {
      headers: { authorization: `Bearer ${await this.#login()}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`GET ${uri} was answered with ${String(answer.status)}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
  }

  async #call<T>(endpoint: string, request: object): Promise<T> {
    const headers = { authorization: `Bearer ${await this.#login()}`, "content-type": "application/json" };
    return this.#post<T>(endpoint, headers, request);
  }

  async #login(): Promise<string> {
    if (this.#token === undefined) {
      const credentials = Buffer.from(`${this.#env.CLEARML_API_ACCESS_KEY}:${this.#env.CLEARML_API_SECRET_KEY}`).toString("base64");
      const { token } = await this.#post<{ token: string }>("auth.login", { authorization: `Basic ${credentials}` });
      this.#token = token;
    }
    return this.#token;
  }

  async #post<T>(endpoint: string, headers: Readonly<Record<string, string>>, request?: object): Promise<T> {
    const answer = await fetch(`${this.#env.CLEARML_API_HOST}/${API_VERSION}/${endpoint}`, {
      method: "POST",
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(request === undefined ? {} : { body: JSON.stringify(request) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${endpoint} answered ${String(answer.status)}: ${text.slice(0, 300)}`);
    return (JSON.parse(text) as { data: T }).data;
  }
}
