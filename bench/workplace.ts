/**
 * Where the benchmark works: a folder of its own that is removed at the end, processes that end with it, and the tools
 * of others under `.cache/bench`. Everything it starts listens on loopback.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** A program of the benchmark that takes so long is ended: some of the others hang now and then. */
const MAX_PROGRAM_MS = 5 * 60_000;
const START_MS = 30_000;

export interface RunningProgram {
  readonly pid: number;
  /** Its first line of output, as JSON: where it listens. */
  readonly hello: unknown;
  stop(): Promise<void>;
}

export class Workplace implements AsyncDisposable {
  readonly folder: string;
  readonly root = root;
  /** Tools of others live here, outside the repository's files. */
  readonly tools = path.join(root, ".cache", "bench");
  readonly #running = new Set<ChildProcess>();
  #folders = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Workplace> {
    // Beside the project, not in the temporary folder: that may be memory, which would flatter every fsync.
    const parent = path.join(root, ".cache", "bench", "work");
    await mkdir(parent, { recursive: true });
    return new Workplace(await mkdtemp(path.join(parent, "run-")));
  }

  /** A fresh folder's path; the folder is made. */
  async freshFolder(name: string): Promise<string> {
    const folder = path.join(this.folder, `${name}-${String(++this.#folders)}`);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Runs a program to its end and parses the last line it printed as JSON. @throws Error with what it said when it fails. */
  async run<T>(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    limitMs: number = MAX_PROGRAM_MS,
  ): Promise<T> {
    const { stdout } = await this.exec(command, args, env, limitMs);
    const line = stdout.trim().split("\n").at(-1) ?? "";
    try {
      return JSON.parse(line) as T;
    } catch {
      throw new Error(
        `${path.basename(command)} ${args.map((arg) => path.basename(arg)).join(" ")} printed no JSON: ${stdout.slice(-500)}`,
      );
    }
  }

  /** Runs a program to its end. @throws Error when it exits with another code than 0, or does not end in time. */
  async exec(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    limitMs: number = MAX_PROGRAM_MS,
  ): Promise<{ readonly stdout: string }> {
    const child = this.#spawn(command, args, env);
    let [stdout, stderr] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-4000)));
    const timer = setTimeout(() => signalGroup(child, "SIGKILL"), limitMs);
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    clearTimeout(timer);
    if (signal === "SIGKILL") throw new Error(`${path.basename(command)} did not end within ${String(limitMs / 1000)} s`);
    if (code !== 0) throw new Error(`${path.basename(command)} ended with ${String(code ?? signal)}: ${stderr.trim().slice(-1500)}`);
    return { stdout };
  }

  /** Runs one of `bench/programs`. */
  program<T>(name: string, input: object, env: Readonly<Record<string, string>> = {}, limitMs?: number): Promise<T> {
    const args = ["--expose-gc", path.join(root, "bench", "programs", `${name}.ts`), JSON.stringify(input)];
    return this.run<T>(process.execPath, args, env, limitMs);
  }

  /** Starts a server of `bench/programs` and waits for its first line. */
  server(name: string, input: object = {}): Promise<RunningProgram> {
    return this.start(process.execPath, [path.join(root, "bench", "programs", `${name}.ts`), JSON.stringify(input)]);
  }

  /** Starts the embedded ClearML in a process of its own; answers its environment variables. */
  async clearml(): Promise<RunningProgram & { readonly env: Readonly<Record<string, string>> }> {
    const server = await this.start(process.execPath, [path.join(root, "dist", "cli", "bin.cjs"), "dev", "--json", "--port", "0"]);
    return { ...server, env: (server.hello as { env: Record<string, string> }).env };
  }

  /** Starts a program that runs until it is stopped. */
  async start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RunningProgram> {
    const child = this.#spawn(command, args, env);
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2000)));
    const ended = once(child, "exit");
    const line = once(createInterface({ input: child.stdout ?? process.stdin }), "line", { signal: AbortSignal.timeout(START_MS) });
    const first = await Promise.race([line, ended.then(() => undefined)]);
    if (first === undefined) throw new Error(`${path.basename(command)} ended at its start: ${said}`);
    return { pid: child.pid ?? 0, hello: JSON.parse(String(first[0])) as unknown, stop: () => end(child) };
  }

  /** Starts a server that prints nothing useful and waits until `isUp` says so. */
  async startQuiet(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    isUp: () => Promise<boolean>,
  ): Promise<{ stop(): Promise<void> }> {
    const child = this.#spawn(command, args, env);
    child.stdout?.resume();
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2000)));
    for (let waited = 0; !(await isUp()); waited += 100) {
      if (child.exitCode !== null || waited > START_MS) throw new Error(`${path.basename(command)} did not come up: ${said}`);
      await sleep(100);
    }
    return { stop: () => end(child) };
  }

  #spawn(command: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const { PATH = "", HOME = "" } = process.env;
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { PATH, HOME, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#running.add(child);
    child.once("close", () => this.#running.delete(child));
    child.once("error", () => this.#running.delete(child));
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running].map(end));
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "close");
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), 5000);
  await ended;
  clearTimeout(timer);
}

/** Each program leads a group: Python's client reports from a process of its own, which would live on. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}
