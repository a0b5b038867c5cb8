/**
 * `TrainerSDK`: what a training loop holds. Each verb checks its arguments, writes one fact to the journal and returns;
 * the outbox behind it delivers. This file delegates and keeps the lifecycle, nothing else.
 */
import { within } from "../base/deadline.js";
import type { StopRequestedError } from "../base/errors.js";
import type { Issue } from "../base/errors.js";
import type { DeliveryReceipt, OutboxStats } from "../outbox/receipts.js";
import type { OperationType } from "../records/facts.js";
import { assemble, type Assembly } from "./assemble.js";
import { closeRun, MAX_OVERTIME_MS, NOTHING_TO_DELIVER, type CloseReceipt } from "./close-run.js";
import { TaskHandle } from "./current-task.js";
import { checkDownloadOptions, type DownloadOptions } from "./download-options.js";
import type { CheckpointExpectation, DatasetSource, DownloadedCheckpoint, DownloadedDataset } from "./download-dataset.js";
import type { TrainerEvents } from "./events.js";
import type { TrainerOptions } from "./options.js";
import type { Receipt, UploadReceipt } from "./receipt.js";
import { registerModel, type ModelInput } from "./register-model.js";
import {
  reportCompleted,
  reportFailed,
  reportInterrupted,
  reportStopped,
  type CompletedInput,
  type FailedInput,
  type StoppedInput,
} from "./report-final.js";
import {
  log,
  reportProgress,
  reportStarted,
  reportValidation,
  type LogLevelInput,
  type ProgressInput,
  type StartedInput,
  type ValidationInput,
} from "./report-progress.js";
import { earlierCheckpoint, readResumeToken, type ResumeToken } from "./resume-token.js";
import { stopOnSignals, type StopOnSignalsOptions } from "./stop-on-signals.js";
import type { TallyStats } from "./tally.js";
import { uploadCheckpoint, type CheckpointInput } from "./upload-checkpoint.js";

/** Bounds of `flush` and `close`. */
export interface DeadlineOptions {
  /** Default 30,000 ms. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** How things stand: what was taken, what is under way, what was given up, what is wrong. */
export interface TrainerStats extends TallyStats {
  /** The journal's own id. */
  readonly runId: string | undefined;
  /** Set when this process is silent because of its rank. */
  readonly silent: string | undefined;
  /** What was wrong with options and environment at the start; empty when all is well. */
  readonly issues: readonly Issue[];
  /** Journal, uploads and sinks. Absent for a silent rank. */
  readonly outbox: OutboxStats | undefined;
  readonly stopRequested: StopRequestedError | undefined;
}

/** Default of {@link DeadlineOptions.deadlineMs}: fits the 30 s notice of a preempted machine only with `close({ deadlineMs: 20_000 })`. */
const DEFAULT_DEADLINE_MS = 30_000;
/**
 * One job's voice. Three words for how far a fact has come: the call returns, it is *accepted*; its promise resolves, it
 * is *durable* (on disk, fsynced); `flush` resolves, it is *delivered* (or the receipt says what was not). No promise of
 * a verb ever rejects for an outage, a full disk or a bad value, so none has to be awaited.
 */
export class TrainerSDK<TConfig extends object = Record<string, unknown>> {
  /** The job's configuration (`CONFIG` or `TRAINER_CONFIG_FILE`), as `configSchema` made it; also connected to the task. */
  readonly config: Readonly<TConfig>;
  /** Aborts when somebody asks the job to stop: in ClearML, by the backend's answer, or the caller's own signal. Its reason is a StopRequestedError. */
  readonly signal: AbortSignal;
  readonly operation: OperationType;
  readonly #assembly: Assembly<TConfig>;
  readonly #task: TaskHandle;
  readonly #signalListeners = new Set<() => void>();
  #closing: Promise<CloseReceipt> | undefined;
  /** On the monotonic clock; set by a signal. */
  #closeByMs = Number.POSITIVE_INFINITY;

  private constructor(assembly: Assembly<TConfig>) {
    this.#assembly = assembly;
    this.#task = new TaskHandle(assembly.run);
    this.config = assembly.config;
    this.signal = assembly.signal;
    this.operation = assembly.run.parts.operation;
  }

  /**
   * Opens the journal and starts delivering. Touches the disk, never the network, so it returns at once even with every
   * server down; what is wrong with the environment is logged, listed in `stats().issues` and lived with.
   *
   * @throws ConfigError or JournalError, only with `strict: true`; ConfigError on a Node older than 22; ValidationError when two of
   * `extraSinks` share a name or one has that of a destination of ours.
   */
  static async init<TConfig extends object = Record<string, unknown>>(options: TrainerOptions<TConfig> = {}): Promise<TrainerSDK<TConfig>> {
    return new TrainerSDK(await assemble(options));
  }

  /** The local run id: known at once, kept over restarts on the same journal. `undefined` for a silent rank. */
  get runId(): string | undefined {
    return this.#assembly.run.parts.outbox?.runId;
  }

  /**
   * Where an earlier process of this journal stopped: the last epoch and the newest checkpoints. `undefined` for a fresh
   * job and for one that was completed.
   */
  get resume(): ResumeToken | undefined {
    return this.#assembly.previous;
  }

  /**
   * The same, from a journal's folder, before or without `init`. Changes nothing there.
   *
   * @throws JournalError `JOURNAL_VERSION` when a newer version of this package wrote the folder.
   */
  static readResumeToken(directory: string): Promise<ResumeToken | undefined> {
    return readResumeToken(directory);
  }

  /** Says that the job has begun. Promise: durable. @throws ValidationError for an argument of the wrong type. */
  reportStarted(input: StartedInput = {}): Promise<Receipt> {
    return reportStarted(this.#assembly.run, input);
  }

  /** One report of the loop: metrics at an epoch or iteration. Promise: durable. @throws ValidationError for an argument of the wrong type. */
  reportProgress(input: ProgressInput): Promise<Receipt> {
    return reportProgress(this.#assembly.run, input);
  }

  /** Metrics of a validation pass. Promise: durable. @throws ValidationError for an argument of the wrong type. */
  reportValidation(input: ValidationInput): Promise<Receipt> {
    return reportValidation(this.#assembly.run, input);
  }

  /**
   * Takes a file in and announces it once it is stored and verified. Promise: the bytes are pinned and the record is
   * durable, with the final `uri`; the file may then be overwritten. `delivered` of the receipt is for who wants to wait.
   *
   * @throws ValidationError for an argument of the wrong type; rejects only with the reason of the caller's own `signal`.
   */
  uploadCheckpoint(path: string, input: CheckpointInput = {}): Promise<UploadReceipt> {
    return uploadCheckpoint(this.#assembly.run, path, input);
  }

  /**
   * Fetches a data set, whole and verified, to the machine's shared cache or to `to`. To be waited for: it rejects when the
   * data cannot be had, and with a StopRequestedError when the job is asked to stop. A silent rank may call it too: of all
   * that ask for the same, one fetches and the others wait.
   *
   * @param source An address (`s3://bucket/prefix`, `file:///folder`, an http file) or a list of files. Default: what
   * `DATASET_S3_URI` and the platform's other variables name.
   * @throws (as rejections) as the function `downloadDataset`.
   */
  async downloadDataset(source?: DatasetSource, options: DownloadOptions = {}): Promise<DownloadedDataset> {
    checkDownloadOptions("downloadDataset", options);
    const { downloadDatasetWith } = await import("./download-dataset.js");
    return downloadDatasetWith(this.#assembly.downloads, source, options);
  }

  /**
   * Fetches one file, such as the weights to go on from: an address, or the newest checkpoint of a type, of this process or
   * an earlier one of this journal (`sdk.resume`), held against its digest.
   *
   * @throws (as rejections) as `downloadDataset`; DownloadError when there is no such checkpoint, or its bytes are still
   * waiting to be uploaded.
   */
  async downloadCheckpoint(
    source: string | { readonly type: string },
    options: DownloadOptions & CheckpointExpectation = {},
  ): Promise<DownloadedCheckpoint> {
    checkDownloadOptions("downloadCheckpoint", options);
    const { downloadCheckpointWith } = await import("./download-dataset.js");
    if (typeof source === "string") return downloadCheckpointWith(this.#assembly.downloads, source, options);
    const { uri, sha256 } = earlierCheckpoint(this.#assembly.run.parts.resume?.token(), source);
    return downloadCheckpointWith(this.#assembly.downloads, uri, { ...options, sha256 });
  }

  /** Registers a named model from a file or an existing address. Promise as for `uploadCheckpoint`. @throws ValidationError for an argument of the wrong type. */
  registerModel(input: ModelInput): Promise<UploadReceipt> {
    return registerModel(this.#assembly.run, input);
  }

  /** The ClearML task. Always there; its `id` is `undefined` until the server knows it. */
  currentTask(): TaskHandle {
    return this.#task;
  }

  /** A console line. Promise: durable. @throws ValidationError for an argument of the wrong type. */
  log(level: LogLevelInput, message: string): Promise<Receipt> {
    return log(this.#assembly.run, level, message);
  }

  /** The job has done its work. Delivered after everything that was called before it; nothing is taken after it. Promise: durable. */
  reportCompleted(input: CompletedInput = {}): Promise<Receipt> {
    return reportCompleted(this.#assembly.run, input);
  }

  /** The job has failed. Takes whatever was thrown. Promise: durable. */
  reportFailed(error: unknown, input: FailedInput = {}): Promise<Receipt> {
    return reportFailed(this.#assembly.run, error, input);
  }

  /**
   * The job was stopped, by a wish (`signal`) or by itself. After a signal that `stopOnSignals` heard it carries the resume
   * token, for whoever decides whether the job goes on. Promise: durable.
   */
  reportStopped(reason: string, input: StoppedInput = {}): Promise<Receipt> {
    const wish = this.signal.aborted ? (this.signal.reason as StopRequestedError) : undefined;
    return reportStopped(this.#assembly.run, reason, input, wish?.source === "signal");
  }

  /**
   * From now on a signal (default SIGTERM and SIGINT) ends the run in order, within a deadline: `signal` aborts; the loop
   * has a moment to save its state and call `reportStopped`; else the end is reported for it, with the resume token; then
   * `close`. The answer, and `close`, remove the listeners. Without this call no signal is ever touched.
   *
   * @throws ValidationError for options that make no sense.
   */
  stopOnSignals(options: StopOnSignalsOptions = {}): () => void {
    const { run, requestStop } = this.#assembly;
    const { clock, logger, resume } = run.parts;
    const remove = stopOnSignals(
      {
        clock,
        logger,
        requestStop: (reason, endsAtMs) => {
          this.#closeByMs = endsAtMs;
          requestStop("signal", reason);
        },
        whenEnded: run.whenShut,
        reportEnd: async (reason) => {
          if (run.shut === undefined) await reportInterrupted(run, reason, resume?.token());
          await resume?.save();
        },
        close: (deadlineMs) => within(this.close({ deadlineMs }), deadlineMs + MAX_OVERTIME_MS, clock, { keepAlive: true }),
      },
      options,
    );
    this.#signalListeners.add(remove);
    return remove;
  }

  /** Listens to `loss`, `stop`, `bound`, `uploadProgress` or `downloadProgress`; the answer ends it. */
  on<Name extends keyof TrainerEvents>(name: Name, listener: (...values: TrainerEvents[Name]) => void): () => void {
    return this.#assembly.run.parts.emitter.on(name, listener);
  }

  /** Delivers what is there now. Resolves when every sink has it or the deadline is over; the receipt says which. Never rejects. */
  async flush(options: DeadlineOptions = {}): Promise<DeliveryReceipt> {
    const { run } = this.#assembly;
    const { outbox, clock } = run.parts;
    if (outbox === undefined) return NOTHING_TO_DELIVER;
    const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    const startedAt = clock.monotonic();
    await within(run.allTaken(), deadlineMs, clock, { signal: options.signal });
    return outbox.flush({ ...options, deadlineMs: Math.max(0, deadlineMs - (clock.monotonic() - startedAt)) });
  }

  /** How things stand, now. Cheap enough for every epoch. */
  stats(): TrainerStats {
    const { run, issues } = this.#assembly;
    const { outbox, silentReason, tally } = run.parts;
    return {
      ...tally.stats(),
      runId: outbox?.runId,
      silent: outbox === undefined ? silentReason : undefined,
      issues,
      outbox: outbox?.stats(),
      stopRequested: this.signal.aborted ? (this.signal.reason as StopRequestedError) : undefined,
    };
  }

  /**
   * Takes nothing more, delivers what it can within the deadline, and frees everything. Never hangs, never rejects, never
   * ends the process; all callers share one promise. What is pending stays in the journal for the next start.
   */
  close(options: DeadlineOptions = {}): Promise<CloseReceipt> {
    return (this.#closing ??= closeRun(this.#assembly, {
      ...options,
      deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
      notAfterMs: this.#closeByMs,
      onClosed: () => {
        for (const remove of this.#signalListeners) remove();
      },
    }));
  }

  /** The same as `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
