/**
 * Runs a Python program that uses the official SDK, with a home, a cache and a configuration of its own: nothing of the
 * machine's leaks in, nothing stays. What the SDK complains of on its way counts as much as what the program answers.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { SdkLine } from "./sdk-lines.js";
import type { PeerServer } from "./server.js";
import { pythonOf } from "./tools.ts";

const PROGRAMS = fileURLToPath(new URL("programs/", import.meta.url));
/** Longest that a program may take; the slowest takes a fifth of it on an idle machine. */
const DEADLINE_MS = 80_000;

/**
 * Looks for a repository before it forks, and not beside it: a fork while another thread starts `git` keeps the pipe open
 * by which Python learns that the start went well, and the SDK then waits for ever.
 */
const PYTHON_CONFIGURATION = "sdk { development { vcs_repo_detect_async: false } }\n";

export interface PythonRun {
  /** What the program answered; undefined when it ended before it did. */
  readonly answer: any;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Everything it and the SDK printed. */
  readonly output: string;
  /** Lines of {@link output} in which the SDK, or Python, complains. */
  readonly complaints: readonly string[];
}

/** A Python at work in a folder of its own, which is gone after `close()`. */
export class PythonPeer {
  readonly line: SdkLine;
  readonly folder: string;
  readonly #python: string;
  readonly #server: PeerServer;

  private constructor(line: SdkLine, python: string, server: PeerServer, folder: string) {
    this.line = line;
    this.#python = python;
    this.#server = server;
    this.folder = folder;
  }

  static async open(line: SdkLine, server: PeerServer): Promise<PythonPeer> {
    const folder = await mkdtemp(path.join(tmpdir(), "interop-python-"));
    // Out of the checkout: the SDK reads every Python file of a script's repository, and ours holds whole environments.
    await cp(PROGRAMS, path.join(folder, "programs"), { recursive: true });
    return new PythonPeer(line, await pythonOf(line), server, folder);
  }

  /** Starts a program; its {@link PythonRun} comes when it has ended. `env` is added to the little that it gets. */
  start(
    program: string,
    order: object = {},
    env: Readonly<Record<string, string>> = {},
  ): { readonly pid: Promise<number>; readonly ended: Promise<PythonRun> } {
    const pid = Promise.withResolvers<number>();
    return { pid: pid.promise, ended: this.#run(program, order, env, pid.resolve) };
  }

  /**
   * Runs a program to its end. One that hangs while the server has answered all it was asked is run once more: the SDK
   * forks beside its own threads, and now and then its child waits for ever for a lock that no thread of it holds.
   */
  async run(program: string, order: object = {}, env: Readonly<Record<string, string>> = {}): Promise<PythonRun> {
    const run = await this.start(program, order, env).ended;
    if (run.signal !== "SIGKILL" || run.answer !== undefined) return run;
    console.warn(`Python SDK ${this.line.version}: ${program} hung and was ended; once more.`);
    return this.start(program, order, env).ended;
  }

  async #run(program: string, order: object, env: Readonly<Record<string, string>>, started: (pid: number) => void): Promise<PythonRun> {
    const place = await mkdtemp(path.join(this.folder, `${program}-`));
    const [orderFile, answerFile, home] = [path.join(place, "order.json"), path.join(place, "answer.json"), path.join(this.folder, "home")];
    await mkdir(home, { recursive: true });
    await writeFile(path.join(home, "clearml.conf"), PYTHON_CONFIGURATION);
    await writeFile(orderFile, JSON.stringify(order));
    const child = spawn(this.#python, [path.join(this.folder, "programs", `${program}.py`), orderFile], {
      cwd: place,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: home,
        TMPDIR: place,
        PYTHONUNBUFFERED: "1",
        PYTHONDONTWRITEBYTECODE: "1",
        CLEARML_CACHE_DIR: path.join(this.folder, "cache"),
        CLEARML_SUPPRESS_UPDATE_MESSAGE: "1",
        ...this.#server.env,
        INTEROP_ANSWER: answerFile,
        ...env,
      },
    });
    if (child.pid !== undefined) started(child.pid);
    let output = "";
    const listen = (chunk: Buffer): void => void (output += chunk.toString("utf8"));
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    const [exitCode, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    clearTimeout(deadline);
    const answer: unknown = await readFile(answerFile, "utf8").then(
      (text) => JSON.parse(text) as unknown,
      () => undefined,
    );
    return { answer, exitCode, signal, output, complaints: complaintsIn(output) };
  }

  /** Removes what the programs left. */
  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What the SDK says of the machine it runs on and not of the server. */
const ABOUT_THE_MACHINE = /Could not fetch GPU stats/;
/** Older lines leave the level out of what they print. */
const COMPLAINT =
  / - (?:ERROR|CRITICAL|WARNING) - |Action failed <|Failed reloading |Traceback \(most recent call last\)|^\w*(?:Error|Exception): |Retrying \(Retry/;

function complaintsIn(output: string): string[] {
  return output.split("\n").filter((line) => COMPLAINT.test(line) && !ABOUT_THE_MACHINE.test(line));
}
