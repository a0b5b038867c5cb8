/**
 * The two other processes of the demo: the server, and the trainer with the server's environment. Each leads a process
 * group of its own, so that Ctrl-C reaches the demo alone, which then ends them in the right order.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How long the server may take to say where it listens. */
const SERVER_START_MS = 30_000;
/** How long a process may take to end after it was asked to. */
const GRACE_MS = 25_000;

/** The six variables that `trainer-sdk dev --json` prints. */
export interface ServerEnvironment {
  readonly CLEARML_API_HOST: string;
  readonly CLEARML_WEB_HOST: string;
  readonly CLEARML_FILES_HOST: string;
  readonly CLEARML_API_ACCESS_KEY: string;
  readonly CLEARML_API_SECRET_KEY: string;
  readonly CALLBACK_URL: string;
}

/** A process that was started. */
export interface RunningProcess {
  readonly child: ChildProcess;
  /** Resolves when it has ended, however it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Asks it to end, waits, and kills it when it does not. Harmless when it has ended. */
  stop(): Promise<void>;
}

/** Starts `trainer-sdk dev --json` with further arguments and waits until it listens. @throws Error with what it said when it does not. */
export async function startServer(...args: readonly string[]): Promise<RunningProcess & { readonly env: ServerEnvironment }> {
  const child = spawn(process.execPath, [await cliPath(), "dev", "--json", ...args], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const server = running(child);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)));
  const firstLine = once(createInterface({ input: child.stdout }), "line", { signal: AbortSignal.timeout(SERVER_START_MS) }) as Promise<
    [string]
  >;
  const died = server.ended.then(({ code }) =>
    Promise.reject(new Error(`trainer-sdk dev ended with exit code ${String(code)}: ${said.trim()}`)),
  );
  try {
    const [line] = await Promise.race([firstLine, died]);
    return { ...server, env: (JSON.parse(line) as { env: ServerEnvironment }).env };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** A step of the trainer, as it says over the channel to its parent. */
export interface StepMessage {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
}

/** Starts the trainer. It sees `env` and the path to programs, nothing else of this process's environment. */
export function startTrainer(options: {
  readonly env: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  readonly onStep?: (message: StepMessage) => void;
}): RunningProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL("train.ts", import.meta.url))], {
    env: { ...(process.env["PATH"] === undefined ? {} : { PATH: process.env["PATH"] }), ...options.env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on("line", (line) => options.onLine?.(line));
  child.on("message", (message) => options.onStep?.(message as StepMessage));
  return running(child);
}

/** The program, by the package's own word. */
async function cliPath(): Promise<string> {
  const manifestUrl = import.meta.resolve("trainer-sdk/package.json");
  const manifest = JSON.parse(await readFile(new URL(manifestUrl), "utf8")) as { bin: Record<string, string> };
  return fileURLToPath(new URL(manifest.bin["trainer-sdk"] ?? "", manifestUrl));
}

function running(child: ChildProcess): RunningProcess {
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
  return {
    child,
    ended,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
