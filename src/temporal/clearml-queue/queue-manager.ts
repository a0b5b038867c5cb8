/**
 * The manager behind `clearmlQueueManager`. The tasks themselves are the registry: any worker reads from them whose they
 * are, that somebody asked for the end, and how it ended. It never touches a task that does not bear our marks.
 */
import { systemClock, type Clock } from "../../base/clock.js";
import type { ResolvedClearMLConnection } from "../../clearml/options.js";
import { clearmlClient } from "../clearml-client.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import type { TrainingCalls } from "../lazy-manager.js";
import { specHash } from "../spec-hash.js";
import {
  ManagerError,
  type ManagedTraining,
  type StartRequest,
  type StopOptions,
  type TrainingEnd,
  type TrainingHandle,
  type TrainingState,
  type WaitOptions,
} from "../training-manager.js";
import type { ClearMLQueueManagerOptions } from "./clearml-queue-manager.js";
import { OutagePatience } from "../outage-patience.js";
import { logMarks } from "./launcher-script.js";
import { RunCalls } from "./run-calls.js";
import { RunEnding, vanished } from "./run-ending.js";
import { readState } from "./run-reading.js";
import { handleOf, isPristine, runRequest, wasMarkedQueued, type RunTask, type RunTemplate, type StopMark } from "./run-task.js";
import { RunWatch } from "./run-watch.js";

/** How long another worker's start may take from making the task to queueing it. */
const QUEUEING_MS = 5_000;
/** A stop is followed more closely than a training. */
const MAX_STOP_POLL_MS = 1_000;
const DEFAULT_PROJECT = "Trainer SDK/Trainers";

type Call = { readonly signal: AbortSignal };

/** With those times settled that others count on. */
export interface QueueManagerOptions extends ClearMLQueueManagerOptions {
  readonly agentTimeoutMs: number;
  readonly outageMs: number;
}

export class QueueManager implements TrainingCalls {
  readonly #options: ClearMLQueueManagerOptions;
  readonly #template: RunTemplate;
  readonly #calls: RunCalls;
  readonly #ending: RunEnding;
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #agentTimeoutMs: number;
  readonly #outageMs: number;

  constructor(options: QueueManagerOptions, connection: ResolvedClearMLConnection) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#calls = new RunCalls(clearmlClient(connection, options.env ?? process.env, { clock: this.#clock }));
    this.#ending = new RunEnding(this.#calls);
    this.#pollMs = options.pollIntervalMs ?? 10_000;
    this.#agentTimeoutMs = options.agentTimeoutMs;
    this.#outageMs = options.outageMs;
    this.#template = {
      image: options.image,
      dockerArguments: options.dockerArguments,
      setupShellScript: options.setupShellScript,
      memoryEventsFile: options.memoryEventsFile,
      launcherPollIntervalMs: options.launcherPollIntervalMs ?? 5_000,
      terminationGraceMs: options.terminationGraceMs ?? 60_000,
    };
  }

  async find(key: string, { signal }: Call): Promise<ManagedTraining | undefined> {
    const runs = await this.#patience().borne(() => this.#calls.runsOf(key, signal), signal);
    const newest = runs.find((run) => !isPristine(run));
    return newest && managed(newest);
  }

  async start(request: StartRequest, { signal }: Call): Promise<ManagedTraining> {
    refuseWhatNoTaskMayHold(request);
    const made: Made = { id: undefined };
    return this.#patience().borne(() => this.#startOrFind(request, made, signal), signal);
  }

  /** Repeated after an outage it goes on where that cut it off: the tasks say how far it had come. */
  async #startOrFind(request: StartRequest, made: Made, signal: AbortSignal): Promise<ManagedTraining> {
    const { key, fence, spec } = request;
    const queue = await this.#queueId(signal);
    let runs = await this.#calls.runsOf(key, signal);
    const known = runs.find((run) => run.fence >= fence && (run.fence === fence || !isPristine(run)));
    if (known && known.fence > fence) {
      if (made.id !== undefined) await this.#calls.delete(made.id, signal);
      return managed(known);
    }
    if (known && known.specHash !== specHash(spec))
      throw new ManagerError(
        TRAINING_FAILURES.invalidSpec,
        `ClearML task ${known.id} was started as number ${String(fence)} from another specification`,
      );
    await this.#supersede(runs, fence, signal);
    const { id, isOurs } = known
      ? { id: known.id, isOurs: known.id === made.id }
      : await this.#calls.create(
          request,
          (project) => runRequest(request, this.#template, project),
          this.#options.project ?? DEFAULT_PROJECT,
          signal,
        );
    if (isOurs) made.id = id;
    // Once more, now that whoever starts another number sees this one.
    runs = await this.#calls.runsOf(key, signal);
    const higher = runs.find((run) => run.fence > fence && !isPristine(run));
    if (higher) {
      if (isOurs) await this.#calls.delete(id, signal);
      return managed(higher);
    }
    await this.#supersede(runs, fence, signal);
    if (!isOurs) await this.#letTheOtherQueue(id, signal);
    const run = await this.#calls.run(id, signal);
    if (run === undefined)
      throw new ManagerError(TRAINING_FAILURES.backendUnavailable, `ClearML task ${id} was deleted before it could be queued`);
    if (isPristine(run)) await this.#calls.enqueue(run, queue, signal);
    if (!wasMarkedQueued(run)) await this.#calls.markQueued(run, signal);
    return managed((await this.#calls.run(id, signal)) ?? run);
  }

  async wait(handle: TrainingHandle, { signal, onState }: WaitOptions): Promise<TrainingEnd> {
    const patience = this.#patience();
    const watch = this.#watch();
    let told = "";
    const tell = (state: TrainingState): void => {
      if (state.phase !== told) onState?.(state);
      told = state.phase;
    };
    for (;;) {
      const step = await patience.tried(() => this.#followed(handle, watch, tell, signal), signal);
      if (step === undefined) watch.startAnew();
      else if (step.value !== undefined) return step.value;
      await this.#clock.sleep(this.#pollMs, { signal, keepAlive: true });
    }
  }

  async stop(handle: TrainingHandle, { signal, graceMs, reason }: StopOptions): Promise<TrainingEnd> {
    const patience = this.#patience();
    const mark: StopMark = { reason, graceMs };
    const limitMs = graceMs + this.#agentTimeoutMs;
    let heardSince: number | undefined;
    for (;;) {
      const hasTime = heardSince === undefined || this.#clock.monotonic() - heardSince < limitMs;
      const step = await patience.tried(() => this.#ending.urged(handle, mark, hasTime, signal), signal);
      if (step?.value !== undefined) return step.value;
      // While ClearML is away the agent hears of no stop: that is not held against it.
      heardSince = step === undefined ? undefined : (heardSince ?? this.#clock.monotonic());
      await this.#clock.sleep(Math.min(this.#pollMs, MAX_STOP_POLL_MS), { signal, keepAlive: true });
    }
  }

  async logTail({ id, fence }: TrainingHandle, { signal, maxBytes }: Call & { readonly maxBytes: number }): Promise<string> {
    return this.#calls.logTail(id, logMarks(fence), maxBytes, signal);
  }

  async *list({ signal }: Call): AsyncGenerator<ManagedTraining & { readonly labels: Readonly<Record<string, string>> }> {
    const newest = new Map<string, RunTask>();
    for (let page = 0, isLast = false; !isLast; page++) {
      const found = await this.#patience().borne(() => this.#calls.page(page, signal), signal);
      ({ isLast } = found);
      for (const run of found.runs) {
        const known = newest.get(run.key);
        if (!isPristine(run) && (known === undefined || known.fence < run.fence)) newest.set(run.key, run);
      }
    }
    for (const run of newest.values()) yield { ...managed(run), labels: run.labels };
  }

  async forget(handle: TrainingHandle, { signal }: Call): Promise<void> {
    await this.#patience().borne(() => this.#forgotten(handle, signal), signal);
  }

  async #forgotten(handle: TrainingHandle, signal: AbortSignal): Promise<void> {
    const runs = await this.#calls.runsOf(handle.key, signal);
    const run = runs.find(({ id }) => id === handle.id);
    if (run === undefined || readState(run).state.phase !== "ended") return;
    // The number is what later ones are counted from: the newest goes with all of its key.
    const isNewest = runs.every(({ fence }) => fence <= run.fence);
    for (const one of isNewest ? [...runs].reverse() : [run]) await this.#calls.forget(one, signal);
  }

  /** One look of a wait, and what has to be done about it; an end when there is one. */
  async #followed(
    handle: TrainingHandle,
    watch: RunWatch,
    tell: (state: TrainingState) => void,
    signal: AbortSignal,
  ): Promise<TrainingEnd | undefined> {
    const run = await this.#calls.run(handle.id, signal);
    if (run === undefined) return vanished(handle);
    const { state, pending } = readState(run);
    if (state.phase === "ended") return this.#ending.settled(run, state.end, signal);
    tell(state);
    // Whoever queued it died before it could say so.
    if (!isPristine(run) && !wasMarkedQueued(run)) await this.#calls.markQueued(run, signal);
    const end = watch.judge(run, pending);
    if (end === undefined) return undefined;
    if (run.status !== "queued") return this.#ending.close(run, end, signal);
    // Out of the queue first: an agent that has it meanwhile makes up for the wait.
    if (!(await this.#calls.takeFromQueue(run, signal)) && !watch.isNobodys(run)) return undefined;
    await this.#ending.noteLate(run, end.message, signal);
    return this.#ending.close(run, end, signal);
  }

  async #supersede(runs: readonly RunTask[], fence: number, signal: AbortSignal): Promise<void> {
    for (const run of runs) {
      if (run.fence >= fence || readState(run).state.phase === "ended") continue;
      await this.stop(handleOf(run), { signal, graceMs: this.#template.terminationGraceMs, reason: `superseded by ${String(fence)}` });
    }
  }

  /** Two that queue one task would have it run twice. */
  async #letTheOtherQueue(id: string, signal: AbortSignal): Promise<void> {
    const until = this.#clock.monotonic() + QUEUEING_MS;
    while (this.#clock.monotonic() < until) {
      const run = await this.#calls.run(id, signal);
      if (run === undefined || !isPristine(run)) return;
      await this.#clock.sleep(Math.min(this.#pollMs, MAX_STOP_POLL_MS), { signal, keepAlive: true });
    }
  }

  async #queueId(signal: AbortSignal): Promise<string> {
    const { queue } = this.#options;
    const id = await this.#calls.queueId(queue, signal);
    if (id === undefined)
      throw new ManagerError(
        TRAINING_FAILURES.invalidSpec,
        `ClearML has no queue called ${JSON.stringify(queue)}: make it, and start an agent for it (clearml-agent daemon --queue ${queue})`,
      );
    return id;
  }

  #watch(): RunWatch {
    const { lostAfterMs = 600_000, queueLimitMs = Infinity } = this.#options;
    const endingMs = this.#template.terminationGraceMs + this.#agentTimeoutMs;
    return new RunWatch(this.#clock, { lostAfterMs, queueLimitMs, endingMs, agentTimeoutMs: this.#agentTimeoutMs });
  }

  #patience(): OutagePatience {
    return new OutagePatience(this.#clock, { outageMs: this.#outageMs, pauseMs: Math.min(this.#pollMs, MAX_STOP_POLL_MS) });
  }
}

/** The task that a start has made, through all its repetitions. */
interface Made {
  id: string | undefined;
}

function refuseWhatNoTaskMayHold({ spec, secretEnv }: StartRequest): void {
  if (spec.command.length === 0)
    throw new ManagerError(
      TRAINING_FAILURES.invalidSpec,
      "a trainer in a ClearML queue needs a command, program and arguments: an agent does not run an image's own",
    );
  const names = Object.keys(secretEnv);
  if (names.length > 0)
    throw new ManagerError(
      TRAINING_FAILURES.invalidSpec,
      `a ClearML task would keep ${names.join(", ")} in plain text: put them into the environment of the agents (or agent.extra_docker_arguments of their clearml.conf), where trainers find them`,
    );
}

function managed(run: RunTask): ManagedTraining {
  return { handle: handleOf(run), state: readState(run).state };
}
