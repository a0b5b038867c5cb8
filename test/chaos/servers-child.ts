/**
 * The servers, in a process of their own: the embedded ClearML with the callback receiver, or the S3 double. Beside the
 * fault switches they have a trap each, which holds one request before or after its work and says so, and counts of their
 * own: what they accepted, by event, line, key and object.
 */
import { createHash } from "node:crypto";
import { systemClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/logger.js";
import { createClearMLServer, type ClearMLServer } from "../../src/devserver/clearml-server.js";
import { FaultSwitches, type FaultMode } from "../../src/devserver/faults.js";
import { createMemoryFiles } from "../../src/devserver/files/memory-files.js";
import { listen } from "../../src/devserver/http-listener.js";
import { ownOrigins } from "../../src/devserver/request-guard.js";
import { readBytes, type WireHandler } from "../../src/protocol/handler.js";
import { createS3Double } from "../../src/testing/s3.js";
import type { Channel, FaultName, PlannedFault } from "./schedule.ts";

/** A request to hold. */
export interface Trap {
  readonly channel: Channel;
  /** One of these methods, and one of these in the path. */
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly when: "before" | "after";
}

export type ServersRequest =
  | { readonly t: "faults"; readonly faults: readonly PlannedFault[] }
  | { readonly t: "clear" }
  | { readonly t: "trap"; readonly trap: Trap }
  | { readonly t: "read"; readonly jobId: string; readonly projectId: string };

/** What the platform's servers hold of a job. */
export interface PlatformDump {
  readonly tasks: readonly {
    readonly id: string;
    readonly status: string;
    readonly tags: readonly string[];
    readonly artifacts: readonly { key: string; uri: string; hash: string }[];
    readonly hyperparameters: Readonly<Record<string, string>>;
    readonly configuration: Readonly<Record<string, string>>;
  }[];
  readonly projects: number;
  readonly models: readonly { readonly name: string; readonly uri: string }[];
  readonly scalars: readonly { readonly line: string; readonly iteration: number; readonly value: number }[];
  readonly plots: readonly { readonly iteration: number; readonly value: number }[];
  readonly samples: readonly { readonly iteration: number; readonly url: string }[];
  readonly console: readonly { readonly message: string; readonly record: number }[];
  readonly callbacks: readonly { readonly path: string; readonly key: string; readonly body: any }[];
  /** Points accepted, by identity: more than one means that it was sent again. */
  readonly acceptedPoints: Readonly<Record<string, number>>;
  /** Events accepted after the task's end was. */
  readonly eventsAfterEnd: number;
  readonly endsAccepted: number;
  readonly files: Readonly<Record<string, string>>;
}

export interface StorageDump {
  /** SHA-256 of every object by its address. */
  readonly files: Readonly<Record<string, string>>;
  readonly unfinishedUploads: number;
}

const HANG_MS = 400;
const BUCKET = "models";
const role = process.argv[2];
const hits: Record<string, number> = {};
let trap: Trap | undefined;
let release: (() => void) | undefined;

/** Outermost: a held request is answered by a reset once the trainer is dead. */
function trapped(channel: Channel, handler: WireHandler): WireHandler {
  return async (request) => {
    const mine = trap;
    if (
      mine?.channel !== channel ||
      !mine.methods.includes(request.method) ||
      !mine.paths.some((part) => request.url.pathname.includes(part))
    )
      return handler(request);
    if (mine.when === "after") {
      const answer = await handler(request);
      if (answer.destroy === true || answer.status >= 300 || trap !== mine) return answer;
    }
    trap = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    release = resolve;
    process.send?.({ t: "held" });
    await promise;
    return { status: 0, destroy: true };
  };
}

function modeOf(fault: FaultName): FaultMode {
  switch (fault) {
    case "500":
    case "503":
      return { mode: "status", status: Number(fault) };
    case "429":
      return { mode: "status", status: 429, retryAfter: "1" };
    case "slow":
      return { mode: "slow", ms: 60 };
    default:
      return { mode: fault };
  }
}

function setFault(switches: FaultSwitches, { channel, fault, skip, times }: PlannedFault): void {
  let toPass = skip;
  const clear = switches.set(channel, {
    ...modeOf(fault),
    times,
    match: () => {
      if (toPass-- > 0) return false;
      const name = `${channel}:${fault}`;
      hits[name] = (hits[name] ?? 0) + 1;
      if (fault === "hang") setTimeout(clear, HANG_MS);
      return true;
    },
  });
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Role {
  readonly ready: object;
  readonly faults: FaultSwitches;
  read(jobId: string, projectId: string): Promise<PlatformDump | StorageDump>;
}

async function serve(handlers: readonly WireHandler[]): Promise<string[]> {
  const listeners = await Promise.all(handlers.map(() => listen(0, silentLogger)));
  const own = ownOrigins(listeners.map(({ port }) => port));
  handlers.forEach((handler, at) => listeners[at]?.serve(handler, own));
  return listeners.map(({ port }) => `http://127.0.0.1:${String(port)}`);
}

async function storage(): Promise<Role> {
  const s3 = createS3Double({ buckets: [BUCKET] });
  const faults = new FaultSwitches({ clock: systemClock, expireTokens: () => undefined });
  const [url = ""] = await serve([trapped("s3", faults.wrap("s3", s3.handler))]);
  const host = url.slice("http://".length);
  return {
    ready: {
      INTERNAL_STORAGE_ENDPOINT: url,
      CHECKPOINT_URI: `s3://${host}/${BUCKET}`,
      INTERNAL_STORAGE_ACCESS_KEY: "chaos",
      INTERNAL_STORAGE_SECRET_KEY: "chaos-secret",
    },
    faults,
    read: async (jobId) => ({
      files: Object.fromEntries(
        s3
          .objects()
          .filter(({ key }) => key.includes(`/${jobId}/`))
          .map(({ key, body }) => [`s3://${host}/${BUCKET}/${key}`, digest(body)]),
      ),
      unfinishedUploads: s3.uploads().length,
    }),
  };
}

async function platform(): Promise<Role> {
  const files = createMemoryFiles(systemClock);
  const server = createClearMLServer({ files });
  const intake = new Intake();
  const [webUrl = "", apiUrl = "", filesUrl = ""] = await serve([
    trapped("callbacks", server.callbacks),
    trapped("api", intake.wrap(server.api)),
    trapped("files", server.files),
  ]);
  return {
    ready: {
      CLEARML_API_HOST: apiUrl,
      CLEARML_WEB_HOST: webUrl,
      CLEARML_FILES_HOST: filesUrl,
      CLEARML_API_ACCESS_KEY: server.accessKey,
      CLEARML_API_SECRET_KEY: server.secretKey,
      CALLBACK_URL: `${webUrl}/callbacks`,
    },
    faults: server.faults,
    read: (jobId, projectId) =>
      dump(server, intake, jobId, projectId, async (uri) => {
        if (!uri.startsWith(filesUrl)) return undefined;
        const file = await files.open(decodeURIComponent(new URL(uri).pathname).replace(/^\/+/, ""));
        return file && digest(await readBytes(file.read(0, file.sizeBytes - 1)));
      }),
  };
}

/** What the API accepted, counted before the store makes one of two. */
class Intake {
  readonly points = new Map<string, Record<string, number>>();
  readonly ends = new Map<string, number>();
  readonly afterEnd = new Map<string, number>();

  wrap(handler: WireHandler): WireHandler {
    return async (request) => {
      const path = request.url.pathname;
      const isEnd = /tasks\.(completed|failed|stopped)$/.test(path);
      if (!isEnd && !path.endsWith("events.add_batch")) return handler(request);
      // A fault may leave the body unread; then there is nothing to count.
      let read: Uint8Array | undefined;
      const body = request.body;
      const answer = await handler({
        ...request,
        body: (async function* () {
          read ??= await readBytes(body);
          yield read;
        })(),
      });
      const isJson = answer.headers?.["content-type"]?.includes("json") === true;
      if (answer.status !== 200 || !isJson || read === undefined) return answer;
      const text = Buffer.from(read).toString("utf8");
      if (isEnd) this.#count(this.ends, (JSON.parse(text) as { task: string }).task);
      else for (const line of text.split("\n")) if (line.trim() !== "") this.#event(JSON.parse(line) as Record<string, string | number>);
      return answer;
    };
  }

  #event(event: Record<string, string | number>): void {
    const task = String(event["task"]);
    // The figures of the end itself come again with an end whose answer was lost.
    if (this.ends.has(task) && event["metric"] !== "Summary") this.#count(this.afterEnd, task);
    if (event["type"] !== "training_stats_scalar") return;
    const points = this.points.get(task) ?? {};
    this.points.set(task, points);
    const name = `${String(event["metric"])}/${String(event["variant"])}@${String(event["iter"])}`;
    points[name] = (points[name] ?? 0) + 1;
  }

  #count(counts: Map<string, number>, key: string): void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
}

async function dump(
  server: ClearMLServer,
  intake: Intake,
  jobId: string,
  projectId: string,
  digestAt: (uri: string) => Promise<string | undefined>,
): Promise<PlatformDump> {
  const { store } = server;
  const tasks = [...store.tasks.values()].filter(({ name }) => name === `Training Job ${jobId}`);
  const ids = new Set(tasks.map(({ id }) => id));
  const models = [...store.models.values()].filter(({ task }) => task !== undefined && ids.has(task));
  const all = { order: "asc", limit: Number.MAX_SAFE_INTEGER } as const;
  const callbacks = store.callbacks.list({ jobId });
  const artifacts = tasks.flatMap(({ execution }) => execution.artifacts ?? []);
  const rows = (type: "plot" | "training_debug_image") =>
    tasks.flatMap(({ id }) => store.events.byIteration({ entity: id, types: [type] }, all));
  const plots = rows("plot").map(({ iteration, extra }) => ({
    iteration: iteration ?? Number.NaN,
    value: (JSON.parse(String(extra["plot_str"])) as { data: { y: number[] }[] }).data[0]?.y[0] ?? Number.NaN,
  }));
  const samples = rows("training_debug_image").map(({ iteration, extra }) => ({
    iteration: iteration ?? Number.NaN,
    url: String(extra["url"]),
  }));
  const uris = [
    ...artifacts.map(({ uri }) => String(uri)),
    ...models.map(({ uri }) => uri),
    ...callbacks.map(({ body }) => String((body as any).uri ?? "")),
    ...samples.map(({ url }) => url),
  ];
  const files: Record<string, string> = {};
  for (const uri of uris) {
    const found = await digestAt(uri);
    if (found !== undefined) files[uri] = found;
  }
  const sum = (counts: Map<string, number>): number => tasks.reduce((total, { id }) => total + (counts.get(id) ?? 0), 0);
  return {
    tasks: tasks.map(({ id, status, tags, execution, hyperparams, configuration }) => ({
      id,
      status,
      tags,
      artifacts: (execution.artifacts ?? []).map(({ key, uri, hash }: any) => ({ key, uri, hash })),
      hyperparameters: Object.fromEntries(Object.values(hyperparams["Chaos"] ?? {}).map(({ name, value }) => [name, value])),
      configuration: Object.fromEntries(Object.values(configuration).map(({ name, value }) => [name, value])),
    })),
    projects: [...store.projects.values()].filter(({ name }) => name === `Project ${projectId}`).length,
    models: models.map(({ name, uri }) => ({ name, uri })),
    scalars: tasks.flatMap(({ id }) =>
      store.events.byIteration({ entity: id, types: ["training_stats_scalar"] }, all).map(({ metric, variant, iteration, value }) => ({
        line: `${metric}/${variant}`,
        iteration: iteration ?? Number.NaN,
        value: value ?? Number.NaN,
      })),
    ),
    plots,
    samples,
    console: tasks.flatMap(({ id }) =>
      store.events
        .logs({ entity: id }, { earlier: false, limit: Number.MAX_SAFE_INTEGER })
        .toSorted((one, other) => one.sequence - other.sequence)
        .map(({ extra }) => ({ message: String(extra["msg"]), record: Number(extra["trainer_sdk_sequence"]) })),
    ),
    callbacks: callbacks.map(({ path, idempotency_key: key, body }) => ({ path, key: key ?? "", body })),
    acceptedPoints: Object.assign({}, ...tasks.map(({ id }) => intake.points.get(id) ?? {})) as Record<string, number>,
    eventsAfterEnd: sum(intake.afterEnd),
    endsAccepted: sum(intake.ends),
    files,
  };
}

const { ready, faults, read } = role === "storage" ? await storage() : await platform();
process.on("message", (message: ServersRequest) => {
  switch (message.t) {
    case "faults":
      for (const fault of message.faults) setFault(faults, fault);
      process.send?.({ t: "done" });
      return;
    case "trap":
      trap = message.trap;
      process.send?.({ t: "done" });
      return;
    case "clear":
      faults.clear();
      trap = undefined;
      release?.();
      release = undefined;
      process.send?.({ t: "done", hits });
      return;
    case "read":
      void read(message.jobId, message.projectId).then((dumped) => process.send?.({ t: "done", dump: dumped }));
  }
});
process.on("disconnect", () => process.exit(0));
process.send?.({ t: "ready", env: ready });
