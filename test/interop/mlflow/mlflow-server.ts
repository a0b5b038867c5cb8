/**
 * Real MLflow: a server on a SQLite file with proxied artifacts, or its file store, a plain folder without a server. Both are
 * filled, and read for comparison, by MLflow's own client.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CORPUS = fileURLToPath(new URL("programs/corpus.py", import.meta.url));
const READ = fileURLToPath(new URL("programs/read_runs.py", import.meta.url));
const READ_MODELS = fileURLToPath(new URL("programs/read_models.py", import.meta.url));
const SERVE = fileURLToPath(new URL("programs/serve.py", import.meta.url));
const START_LIMIT_MS = 180_000;

/** An MLflow by its own client. */
export interface FilledMlflow {
  /** Of a server its address, of a file store its folder. */
  readonly trackingUri: string;
  /** Fills it; answers run ids by run name. */
  fill(longPoints: number, manyRuns: number): Promise<Readonly<Record<string, string>>>;
  /** What MLflow's own client says of these runs, asked of this MLflow or of a tracking folder. */
  read(runIds: readonly string[], folder?: string): Promise<MlflowReading>;
  /** What MLflow's own client says of all models, asked of this MLflow or of a tracking folder. */
  readModels(folder?: string): Promise<MlflowModelsReading>;
  close(): Promise<void>;
}

export interface MlflowServer extends FilledMlflow {
  /** Path of its database. */
  readonly database: string;
  /** Folder that its `mlflow-artifacts:` addresses mean. */
  readonly artifactsRoot: string;
  /** Leads the group of its processes. Another one after each start. */
  readonly pid: number;
  /** Ends it at once, as a machine that dies would. */
  kill(): Promise<void>;
  /** Starts it again at its address, on what it has, and waits until it answers. */
  start(): Promise<void>;
}

/** Models as MLflow's client says that they are; files by path, as digests. */
export interface MlflowModelsReading {
  readonly registered: readonly {
    readonly name: string;
    readonly description: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly aliases: Readonly<Record<string, string>>;
  }[];
  /** By run id: logged models that it has read, and those that it has made, with the step. */
  readonly links: Readonly<Record<string, readonly [readonly string[], readonly (readonly [string, number])[]]>>;
  readonly versions: readonly (ModelReading & {
    readonly version: string;
    readonly stage: string;
    readonly aliases: readonly string[];
    readonly description: string;
    readonly source: string;
  })[];
  readonly logged: readonly (ModelReading & {
    readonly id: string;
    readonly params: Readonly<Record<string, string>>;
    readonly type: string | null;
  })[];
}

interface ModelReading {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly runId: string;
  readonly files: Readonly<Record<string, string>>;
  readonly mlmodel: string | null;
}

export interface MlflowReading {
  readonly runs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly experiments: Readonly<Record<string, unknown>>;
}

/**
 * Starts one and waits until it answers.
 *
 * @param options `workers`: processes that answer requests, default 1; `parent`: folder in which it makes its own, default the
 * temporary one; `destination`: address of the store behind its artifact proxy, default a folder; `env`: what the server needs
 * besides; `more`: further arguments.
 */
export async function startMlflow(
  python: string,
  {
    workers = 1,
    parent = tmpdir(),
    destination,
    more = [],
    env = {},
  }: {
    readonly workers?: number;
    readonly parent?: string;
    readonly destination?: string;
    readonly more?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<MlflowServer> {
  const folder = await mkdtemp(join(parent, "interop-mlflow-"));
  const port = await freePort();
  const trackingUri = `http://127.0.0.1:${String(port)}`;
  let running: { readonly pid: number; readonly end: () => void; readonly exited: Promise<unknown> } | undefined;
  const start = async (): Promise<void> => {
    const server = spawn(
      python,
      [
        ...[SERVE, "--host", "127.0.0.1", "--port", String(port), "--workers", String(workers)],
        ...[
          "--backend-store-uri",
          `sqlite:///${join(folder, "mlflow.db")}`,
          "--artifacts-destination",
          destination ?? join(folder, "artifacts"),
        ],
        // Of several workers one that is slow to answer, on a busy machine, is ended after 5 s, in the middle of its requests.
        ...(workers > 1 ? ["--uvicorn-opts", `--timeout-worker-healthcheck ${String(START_LIMIT_MS / 1000)}`] : []),
        ...more,
      ],
      // A group of its own, which ends with its input: the server starts workers that outlive a signal to it alone.
      { cwd: folder, env: { ...environment(trackingUri), ...env }, stdio: ["pipe", "ignore", "ignore"], detached: true },
    );
    running = { pid: server.pid ?? 0, end: () => void server.stdin.end(), exited: once(server, "exit") };
    await answers(`${trackingUri}/health`, () => server.exitCode !== null);
  };
  const kill = async (): Promise<void> => {
    running?.end();
    await running?.exited;
    running = undefined;
  };
  const close = async (): Promise<void> => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...byClient(python, trackingUri),
    database: join(folder, "mlflow.db"),
    artifactsRoot: join(folder, "artifacts"),
    get pid() {
      return running?.pid ?? 0;
    },
    kill,
    start,
    close,
  };
}

/** Runs a program of MLflow's own client; answers the JSON of its last line. */
export async function byPython<Answer>(
  python: string,
  program: string,
  trackingUri: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const path = fileURLToPath(new URL(`programs/${program}`, import.meta.url));
  const { stdout } = await run(python, [path], { env: { ...environment(trackingUri), ...env }, maxBuffer: 64 * 1024 ** 2 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Answer;
}

/** A file store in a new folder. */
export async function newFileStore(python: string): Promise<FilledMlflow> {
  const folder = await mkdtemp(join(tmpdir(), "interop-mlruns-"));
  return { ...byClient(python, join(folder, "mlruns")), close: () => rm(folder, { recursive: true, force: true }) };
}

function byClient(python: string, trackingUri: string): Omit<FilledMlflow, "close"> {
  const env = environment(trackingUri);
  return {
    trackingUri,
    async fill(longPoints, manyRuns) {
      const { stdout } = await run(python, [CORPUS, String(longPoints), String(manyRuns)], { env, maxBuffer: 64 * 1024 ** 2 });
      return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, string>;
    },
    async read(runIds, folder = trackingUri) {
      const reading = run(python, [READ, folder], { env, maxBuffer: 256 * 1024 ** 2 });
      reading.child.stdin?.end(JSON.stringify(runIds));
      return JSON.parse((await reading).stdout.trim().split("\n").at(-1) ?? "") as MlflowReading;
    },
    async readModels(folder = trackingUri) {
      // Of some models the corpus has no files, which a server answers with 500: asking seven times takes a minute.
      const once = { ...env, MLFLOW_HTTP_REQUEST_MAX_RETRIES: "1" };
      const { stdout } = await run(python, [READ_MODELS, folder], { env: once, maxBuffer: 64 * 1024 ** 2 });
      return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as MlflowModelsReading;
    },
  };
}

function environment(trackingUri: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    MLFLOW_DISABLE_TELEMETRY: "true",
    DO_NOT_TRACK: "true",
    // Eight more processes a server, for scorers and the like, which nobody here asks for anything.
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
    MLFLOW_TRACKING_URI: trackingUri,
    // From 3.13 on a file store wants this.
    MLFLOW_ALLOW_FILE_STORE: "true",
    GIT_PYTHON_REFRESH: "quiet",
  };
}

async function answers(url: string, isOver: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(START_LIMIT_MS);
  for (;;) {
    deadline.throwIfAborted();
    if (isOver()) throw new Error("the MLflow server ended by itself");
    const isUp = await fetch(url, { signal: deadline }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** MLflow takes no port 0 and tells none; the gap between asking and using is small. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
