/**
 * The manager behind `subprocessManager`. Each trainer has a supervisor that outlives the worker; everything that is known lies in a
 * registry of folders, so that any worker of the host finds a trainer again. POSIX alone: there are no process groups on
 * Windows. It never signals a process whose start it does not recognise.
 */
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import path from "node:path";
import { systemClock, type Clock } from "../../base/clock.js";
import { describeError } from "../../base/errors.js";
import type { ProcessTable } from "../../base/folder-lock.js";
import { readExit } from "../exit-reading.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import type { TrainingCalls } from "../lazy-manager.js";
import {
  BACKENDS,
  ManagerError,
  type ManagedTraining,
  type StartRequest,
  type StopOptions,
  type TrainingEnd,
  type TrainingHandle,
  type TrainingState,
  type WaitOptions,
} from "../training-manager.js";
import { RunFolder, type ExitRecord, type ProcessIdentity, type RunRecord } from "./run-folder.js";
import type { SubprocessManagerOptions } from "./subprocess-manager.js";
import { supervisorFile } from "./supervisor-file.js";

const INHERITED = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];
/** A folder without a supervisor after this long is a start that died on its way. */
const STARTING_MS = 15_000;
const LEASE_TOUCHES = 10;

/** With its times settled. */
interface ProcessManagerOptions extends SubprocessManagerOptions {
  readonly leaseMs: number;
  readonly leaseGraceMs: number;
  /** From a grace's end until the manager kills by itself. */
  readonly killMarginMs: number;
}

export class ProcessManager implements TrainingCalls {
  readonly #options: ProcessManagerOptions;
  readonly #table: ProcessTable;
  readonly #clock: Clock;

  constructor(options: ProcessManagerOptions, table: ProcessTable) {
    this.#options = options;
    this.#table = table;
    this.#clock = options.clock ?? systemClock;
  }

  async find(key: string): Promise<ManagedTraining | undefined> {
    const [newest] = await RunFolder.ofKey(this.#options.directory, key);
    return newest && this.#managed(key, newest);
  }

  async start(request: StartRequest, { signal }: { readonly signal: AbortSignal }): Promise<ManagedTraining> {
    signal.throwIfAborted();
    const { key, fence, spec, labels } = request;
    if (spec.command.length === 0)
      throw new ManagerError(TRAINING_FAILURES.invalidSpec, "a trainer that runs as a process needs a command: program and arguments");
    const earlier = await RunFolder.ofKey(this.#options.directory, key);
    const higher = earlier.find((folder) => folder.fence >= fence);
    if (higher) return this.#managed(key, higher);
    for (const folder of earlier)
      await this.stop(this.#handle(key, folder), { signal, graceMs: this.#options.leaseGraceMs, reason: `superseded by ${String(fence)}` });
    const folder = new RunFolder(this.#options.directory, key, fence);
    const run: RunRecord = {
      version: 1,
      key,
      command: [...spec.command],
      ...(spec.workingDirectory === undefined ? {} : { workingDirectory: spec.workingDirectory }),
      host: this.#table.host,
      bootId: this.#table.bootId,
      leaseMs: this.#options.leaseMs,
      leaseGraceMs: this.#options.leaseGraceMs,
      ...(this.#options.memoryEventsFile === undefined ? {} : { memoryEventsFile: this.#options.memoryEventsFile }),
      ...(spec.resources?.memoryBytes === undefined ? {} : { memoryBytes: spec.resources.memoryBytes }),
      labels: { ...labels },
    };
    try {
      if (await folder.create(run)) await this.#launch(folder, { ...spec.env, ...request.secretEnv });
    } catch (error) {
      throw new ManagerError(
        TRAINING_FAILURES.backendUnavailable,
        `a trainer could not be started in ${this.#options.directory}: ${describeError(error)}`,
        error,
      );
    }
    return this.#managed(key, folder);
  }

  async wait(handle: TrainingHandle, { signal, onState }: WaitOptions): Promise<TrainingEnd> {
    const folder = this.#folder(handle);
    const { pollIntervalMs = 500 } = this.#options;
    let told = "";
    let leaseAt = Number.NEGATIVE_INFINITY;
    for (;;) {
      signal.throwIfAborted();
      const state = await this.#state(folder);
      if (state.phase === "ended") return state.end;
      if (state.phase !== told) onState?.(state);
      told = state.phase;
      if (this.#clock.monotonic() - leaseAt > this.#options.leaseMs / LEASE_TOUCHES) {
        // Without the touch the lease lapses: the supervisor decides, which is the safe side.
        await folder.touchLease(this.#clock.now()).catch(() => undefined);
        leaseAt = this.#clock.monotonic();
      }
      await this.#clock.sleep(pollIntervalMs, { signal, keepAlive: true });
    }
  }

  async stop(handle: TrainingHandle, { signal, graceMs, reason }: StopOptions): Promise<TrainingEnd> {
    const folder = this.#folder(handle);
    const first = await this.#state(folder);
    if (first.phase === "ended") return this.#settled(folder, first.end);
    // A disk that takes no note costs the reason, and the grace where the supervisor's own is shorter; not the stop.
    if (!(await folder.wasToldToStop())) await folder.writeStop({ reason, graceMs }).catch(() => undefined);
    const endsAt = this.#clock.monotonic() + graceMs;
    let sent: string | undefined;
    for (;;) {
      signal.throwIfAborted();
      const state = await this.#state(folder);
      if (state.phase === "ended") return this.#settled(folder, state.end);
      const supervisor = this.#living(await folder.supervisor());
      const trainer = this.#living(await folder.trainer());
      const now = this.#clock.monotonic();
      if (supervisor && now < endsAt + this.#options.killMarginMs) {
        if (sent === undefined) process.kill(supervisor.pid, "SIGTERM");
        sent ??= "SIGTERM";
      } else if (trainer) {
        // Nobody else is there to end it, or the one who is does not.
        const due = now < endsAt ? "SIGTERM" : "SIGKILL";
        if (sent !== due || due === "SIGKILL") killGroup(trainer.pid, due);
        sent = due;
      } else if (supervisor) killQuietly(supervisor.pid, "SIGKILL");
      await this.#clock.sleep(Math.min(this.#options.pollIntervalMs ?? 500, 100), { signal, keepAlive: true });
    }
  }

  async logTail(handle: TrainingHandle, { maxBytes }: { readonly maxBytes: number }): Promise<string> {
    return this.#folder(handle).logTail(maxBytes);
  }

  async *list(): AsyncGenerator<ManagedTraining & { readonly labels: Readonly<Record<string, string>> }> {
    for (const { folder, run } of await RunFolder.newest(this.#options.directory))
      yield { ...(await this.#managed(run.key, folder)), labels: run.labels };
  }

  async forget(handle: TrainingHandle): Promise<void> {
    const folder = this.#folder(handle);
    if ((await this.#state(folder)).phase !== "ended") return;
    // The number is what later ones are counted from: the newest folder of a key goes with the key.
    const [newest] = await RunFolder.ofKey(this.#options.directory, handle.key);
    await rm(newest?.fence === folder.fence ? path.dirname(folder.path) : folder.path, { recursive: true, force: true });
  }

  async #launch(folder: RunFolder, env: Readonly<Record<string, string>>): Promise<void> {
    const inherited = (this.#options.inheritEnv ?? INHERITED).flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    // No pipe: whoever writes into a dead worker's pipe dies of it.
    const supervisor = spawn(process.execPath, ["--no-warnings", supervisorFile(), folder.path], {
      detached: true,
      stdio: "ignore",
      cwd: "/",
      env: { ...Object.fromEntries(inherited), ...env },
    });
    await new Promise<void>((resolve, reject) => {
      supervisor.once("spawn", resolve);
      supervisor.once("error", reject);
    });
    supervisor.unref();
  }

  /** A trainer without a supervisor left children behind, perhaps: none of its group may live on. */
  async #settled(folder: RunFolder, end: TrainingEnd): Promise<TrainingEnd> {
    const trainer = await folder.trainer();
    // While nobody has the leader's pid, the group of that number can be no other's.
    if (trainer?.host === this.#table.host && trainer.bootId === this.#table.bootId && this.#table.startedAt(trainer.pid) === undefined)
      killGroup(trainer.pid, "SIGKILL");
    if ((await folder.exit()) === undefined && (await folder.wasToldToStop())) {
      await folder.writeExit({ stopReason: "stopped", neverStarted: true }).catch(() => undefined);
      return { outcome: "stopped", message: "the trainer was stopped" };
    }
    return end;
  }

  async #managed(key: string, folder: RunFolder): Promise<ManagedTraining> {
    return { handle: this.#handle(key, folder), state: await this.#state(folder) };
  }

  async #state(folder: RunFolder): Promise<TrainingState> {
    const exit = await folder.exit();
    if (exit) return { phase: "ended", end: endOf(exit) };
    const supervisor = await folder.supervisor();
    const trainer = await folder.trainer();
    if (this.#living(trainer)) return { phase: "running", ...(this.#living(supervisor) ? {} : { message: "without its supervisor" }) };
    // With a trainer that is gone: its supervisor is about to write how it ended.
    if (this.#living(supervisor)) return { phase: trainer === undefined ? "starting" : "running" };
    const run = await folder.run();
    if (supervisor === undefined && this.#clock.now() - (await folder.leaseAtMs()) < STARTING_MS) return { phase: "starting" };
    // It may have written its last word between our two looks.
    const late = await folder.exit();
    if (late) return { phase: "ended", end: endOf(late) };
    if (run !== undefined && (run.host !== this.#table.host || run.bootId !== this.#table.bootId))
      return lost(TRAINING_FAILURES.nodeLost, `the machine ${run.host} was restarted or replaced`);
    if (supervisor === undefined) return lost(TRAINING_FAILURES.jobVanished, "the trainer was never started: its worker died on the way");
    return lost(TRAINING_FAILURES.jobVanished, "the trainer and its supervisor are gone without a word of how they ended");
  }

  /** The process, if it is the very one. */
  #living(identity: ProcessIdentity | undefined): ProcessIdentity | undefined {
    if (identity?.host !== this.#table.host || identity.bootId !== this.#table.bootId) return undefined;
    return this.#table.startedAt(identity.pid) === identity.startedAt ? identity : undefined;
  }

  #folder(handle: TrainingHandle): RunFolder {
    if (handle.backend !== BACKENDS.process)
      throw new ManagerError(TRAINING_FAILURES.lostOwnership, `${handle.id} is not a process of ours`);
    return new RunFolder(this.#options.directory, handle.key, handle.fence);
  }

  #handle(key: string, folder: RunFolder): TrainingHandle {
    return {
      v: 1,
      backend: BACKENDS.process,
      key,
      fence: folder.fence,
      id: path.basename(path.dirname(folder.path)),
      host: this.#table.host,
    };
  }
}

function endOf(exit: ExitRecord): TrainingEnd {
  if (exit.startError !== undefined)
    return {
      outcome: "failed",
      failure: TRAINING_FAILURES.imageUnavailable,
      message: `the trainer could not be started: ${exit.startError}`,
    };
  if (exit.superseded === true)
    return { outcome: "failed", failure: TRAINING_FAILURES.lostOwnership, message: "a later trainer of the job was started meanwhile" };
  if (exit.neverStarted === true) return { outcome: "stopped", message: "the trainer was stopped" };
  const lapsed = exit.stopReason === "lease-lapsed";
  if (lapsed)
    return {
      outcome: "failed",
      failure: TRAINING_FAILURES.nodeLost,
      message: "no worker had the trainer in view for the length of its lease",
    };
  return readExit({
    exitCode: exit.code ?? undefined,
    signal: exit.signal ?? undefined,
    stopRequested: exit.stopReason !== undefined,
    outOfMemory: exit.oom === true,
    ...(exit.heldBytes === undefined ? {} : { heldBytes: exit.heldBytes }),
  });
}

function lost(failure: TrainingEnd["failure"], message: string): TrainingState {
  return { phase: "ended", end: { outcome: "failed", failure, message } };
}

function killGroup(leader: number, signal: NodeJS.Signals): void {
  killQuietly(-leader, signal);
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone meanwhile.
  }
}
