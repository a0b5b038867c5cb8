/**
 * The port of a place where trainers run: processes on this host, Kubernetes Jobs, a queue. The truth about a trainer is
 * kept there and not in a worker, so that any worker can find it again. Every method is safe to repeat; none knows Temporal.
 */
import type { TrainingFailureType } from "./failure-types.js";

/** The places that this package knows, by their names in handles. */
export const BACKENDS = { process: "subprocess", job: "kubernetes", queue: "clearml-queue" } as const;

/** What is to be run. Plain JSON; a secret never stands in it. */
export interface TrainingSpec {
  /** Program and arguments; no shell. Empty: the image's own. */
  readonly command: readonly string[];
  /** Container image, where the backend runs any. */
  readonly image?: string | undefined;
  readonly workingDirectory?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly resources?: TrainingResources | undefined;
}

/** What it needs. A backend takes what it knows. */
export interface TrainingResources {
  readonly cpus?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly gpus?: number | undefined;
}

export interface StartRequest {
  /** The same for every attempt: see `trainingKey`. */
  readonly key: string;
  /** The number of the trainer, higher than that of every earlier one of the key. */
  readonly fence: number;
  readonly spec: TrainingSpec;
  /** Values that must not be kept anywhere. A backend that cannot pass them without keeping them refuses. */
  readonly secretEnv: Readonly<Record<string, string>>;
  /** For a person: labels, annotations, the registry. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Enough to find a trainer again; goes into heartbeats, so it stays below 1 KiB. Another version's is as good as none. */
export interface TrainingHandle {
  readonly v: 1;
  readonly backend: string;
  readonly key: string;
  readonly fence: number;
  /** The backend's own name for it. */
  readonly id: string;
  /** The machine that it is bound to, where it is bound to one. */
  readonly host?: string | undefined;
}

/** How a trainer ended, as its backend tells it. */
export interface TrainingEnd {
  /** `stopped`: because `stop` asked for it. */
  readonly outcome: "completed" | "stopped" | "failed";
  /** Of a failed one. */
  readonly failure?: TrainingFailureType | undefined;
  /** One sentence for a person. */
  readonly message: string;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
}

/** What is known of a trainer right now. */
export type TrainingState =
  | { readonly phase: "queued" | "starting" | "running"; readonly message?: string | undefined }
  | { readonly phase: "ended"; readonly end: TrainingEnd };

/** A trainer and its state. */
export interface ManagedTraining {
  readonly handle: TrainingHandle;
  readonly state: TrainingState;
}

export interface WaitOptions {
  readonly signal: AbortSignal;
  /** Called with each state that differs from the one before, and never after the promise has settled. */
  readonly onState?: (state: TrainingState) => void;
}

export interface StopOptions {
  readonly signal: AbortSignal;
  /** From the polite request to the kill. */
  readonly graceMs: number;
  readonly reason: string;
}

/**
 * A place where trainers run. An outage of it is borne for a while that the manager's options say; then, and for the log at
 * once, the failure to reach it is thrown as ManagerError of type `BackendUnavailable`.
 */
export interface TrainingManager {
  /** Stands in handles: `subprocess`, `kubernetes`, `clearml-queue`. */
  readonly backend: string;
  /** True when a trainer is bound to one machine, so that another one must wait for its lease to lapse. */
  readonly hostBound: boolean;
  /** How long after the last sign of its worker a bound trainer is surely gone. Milliseconds; 0 where it is not bound. */
  readonly leaseMs: number;
  /**
   * How long beyond its grace a `stop` may take until nothing of the trainer runs any more: for the kill, and for an outage
   * that it bears. Milliseconds. Whoever gives a stop a deadline gives it this too. Default 60 s.
   */
  readonly stopMarginMs?: number | undefined;
  /** The machine that trainers started here are bound to. */
  readonly host?: string | undefined;
  /** The newest trainer of the key, running or ended. */
  find(key: string, options: { readonly signal: AbortSignal }): Promise<ManagedTraining | undefined>;
  /**
   * Starts a trainer, or answers with the one that another call has started meanwhile under this number or a higher one.
   * Trainers of lower numbers are stopped first.
   *
   * @throws ManagerError `InvalidSpec`, `BackendUnavailable`, `LostOwnership`.
   */
  start(request: StartRequest, options: { readonly signal: AbortSignal }): Promise<ManagedTraining>;
  /**
   * Waits for the end and keeps the trainer's lease meanwhile. An aborted wait leaves the trainer as it is: that is how a
   * worker lets go of it.
   *
   * @throws the signal's reason.
   */
  wait(handle: TrainingHandle, options: WaitOptions): Promise<TrainingEnd>;
  /** Ends it: politely, then after the grace not. Resolves when nothing of it runs any more, with how it ended. */
  stop(handle: TrainingHandle, options: StopOptions): Promise<TrainingEnd>;
  /** The end of what it printed, at most so many bytes; empty when there is none any more. */
  logTail(handle: TrainingHandle, options: { readonly signal: AbortSignal; readonly maxBytes: number }): Promise<string>;
  /** Every trainer that this backend knows, newest of each key alone: for the sweeper. */
  list(options: { readonly signal: AbortSignal }): AsyncIterable<ManagedTraining & { readonly labels: Readonly<Record<string, string>> }>;
  /** Forgets an ended trainer. Does nothing to one that runs. */
  forget(handle: TrainingHandle, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** A manager could not do as asked; `type` says what that means for the job. */
export class ManagerError extends Error {
  readonly type: TrainingFailureType;

  constructor(type: TrainingFailureType, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ManagerError";
    this.type = type;
  }
}
