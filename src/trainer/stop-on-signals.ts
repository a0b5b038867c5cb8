/**
 * The machine is about to be taken away: a signal becomes a wish to stop, then an end that is told, written down and
 * delivered as far as the notice allows. Installed only by whoever asks for it; ends the process only when told to.
 */
import { constants } from "node:os";
import type { Clock } from "../base/clock.js";
import { within } from "../base/deadline.js";
import { describeError, ValidationError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";

/** What `sdk.stopOnSignals` can be told. */
export interface StopOnSignalsOptions {
  /** Default `["SIGTERM", "SIGINT"]`. */
  readonly signals?: readonly NodeJS.Signals[];
  /** From the signal to the end of `close`. Default 20,000 ms, which fits a notice of 30 s with room for the process's own end. */
  readonly deadlineMs?: number;
  /** What the training loop gets of that to save its state and to call `reportStopped` itself. Default a quarter of the deadline. */
  readonly graceMs?: number;
  /** End the process after `close`, with 128 + the signal's number (143 for SIGTERM). Default false. */
  readonly exit?: boolean;
}

/** Default of {@link StopOnSignalsOptions.deadlineMs}. */
export const DEFAULT_NOTICE_MS = 20_000;
const DEFAULT_GRACE_SHARE = 1 / 4;
/** For the end's own record and the token: the disk alone is asked. */
const MAX_WRITE_MS = 2_000;

/** The part of a process that is needed here. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): unknown;
}

/** The run that is to be ended. */
export interface Stoppable {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts `sdk.signal`, and bounds every close from now on; `endsAtMs` is on the clock's monotonic scale. */
  requestStop(reason: string, endsAtMs: number): void;
  /** Resolves once the end was reported, by whomever. */
  readonly whenEnded: Promise<void>;
  /** Reports the end; resolves when it is durable. Changes nothing when it was reported already. */
  reportEnd(reason: string): Promise<unknown>;
  /** Closes, or waits for the close that is under way, no longer than to the end of the notice. */
  close(deadlineMs: number): Promise<unknown>;
}

/**
 * Listens until the answer is called. Only the first signal counts: shells and process managers send it twice.
 *
 * @throws ValidationError for options that make no sense.
 */
export function stopOnSignals(run: Stoppable, options: StopOnSignalsOptions, source: SignalSource = process): () => void {
  const { signals = ["SIGTERM", "SIGINT"], deadlineMs = DEFAULT_NOTICE_MS, exit = false } = options;
  const graceMs = options.graceMs ?? deadlineMs * DEFAULT_GRACE_SHARE;
  checkMs("deadlineMs", deadlineMs, Number.POSITIVE_INFINITY);
  checkMs("graceMs", graceMs, deadlineMs);
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      run.logger.info(`${signal} again: the job is being stopped already.`);
      return;
    }
    isStopping = true;
    void stop(run, signal, deadlineMs, graceMs)
      .catch((error: unknown) => {
        run.logger.error(`stopping on ${signal} failed: ${describeError(error)}`);
      })
      .then(() => {
        remove();
        if (exit) source.exit(128 + constants.signals[signal]);
      });
  };
  const remove = (): void => {
    for (const signal of signals) source.off(signal, onSignal);
  };
  for (const signal of signals) source.on(signal, onSignal);
  return remove;
}

async function stop(run: Stoppable, signal: NodeJS.Signals, deadlineMs: number, graceMs: number): Promise<void> {
  const { clock, logger } = run;
  const endsAt = clock.monotonic() + deadlineMs;
  const remainingMs = (): number => Math.max(0, endsAt - clock.monotonic());
  logger.warn(`${signal}: the job is stopped; ${String(Math.round(deadlineMs / 1000))} s are left to say so.`);
  run.requestStop(`the process was sent ${signal}`, endsAt);
  await within(run.whenEnded, graceMs, clock, { keepAlive: true });
  // The end goes first: everything else can be had again from what is on the disk.
  await within(run.reportEnd(signal), Math.min(MAX_WRITE_MS, remainingMs()), clock, { keepAlive: true });
  await run.close(remainingMs());
}

function checkMs(name: string, value: number, max: number): void {
  if (typeof value === "number" && value >= 0 && value <= max) return;
  const bound = max === Number.POSITIVE_INFINITY ? "" : `, at most the deadline (${String(max)})`;
  const message = `must be a number of milliseconds of 0 or more${bound}, not ${String(value)}`;
  throw new ValidationError(`stopOnSignals: ${name} ${message}.`, [{ path: name, message }]);
}
