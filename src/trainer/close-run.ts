/**
 * The end of a run in this process: nothing more is taken, what can be delivered is, the rest is left where somebody finds
 * it. Bounded whatever hangs; each step has its part of the deadline.
 */
import { within } from "../base/deadline.js";
import { describeError } from "../base/errors.js";
import type { DeliveryReceipt } from "../outbox/receipts.js";
import type { Assembly } from "./assemble.js";
import { handOver } from "./hand-over.js";
import { retireHandOvers } from "./retire-hand-overs.js";

/** What `close` answers. */
export interface CloseReceipt extends DeliveryReceipt {
  /** Address of the archive with what is pending (`TRAINER_HANDOVER_URI`), for `trainer-sdk sync`. */
  readonly handedOverTo?: string;
}

export interface CloseRunOptions {
  readonly deadlineMs: number;
  /** On the monotonic clock: no later, whatever the deadline is. */
  readonly notAfterMs: number;
  readonly signal?: AbortSignal;
  /** Everything is delivered or left; what remains is to free what was held. */
  readonly onClosed: () => void;
}

/** The receipt of a silent rank. */
export const NOTHING_TO_DELIVER: DeliveryReceipt = { complete: true, sinks: {}, journalPath: undefined };

/** For freeing what is left after the deadline. */
const MAX_RELEASE_MS = 500;
/** How long past its deadline a close may end, with the disk's last write and the release. */
export const MAX_OVERTIME_MS = 2 * MAX_RELEASE_MS;
/** For the resume token: a small file. */
const MAX_TOKEN_MS = 1_000;
/** Part of a deadline that is kept for a hand-over, and the most of it. */
const HANDOVER_SHARE = 0.4;
const MAX_HANDOVER_MS = 10_000;
/** For the marks beside archives that are not needed any more. */
const MAX_RETIRE_MS = 5_000;

/** Never rejects. */
export async function closeRun(assembly: Assembly<object>, options: CloseRunOptions): Promise<CloseReceipt> {
  const { run, handover } = assembly;
  const { outbox, clock, resume } = run.parts;
  run.shutFor("the SDK is closed");
  const startedAt = clock.monotonic();
  const deadlineMs = Math.max(0, Math.min(options.deadlineMs, options.notAfterMs - startedAt));
  const reserveMs = handover === undefined ? 0 : Math.min(MAX_HANDOVER_MS, deadlineMs * HANDOVER_SHARE);
  const untilMs = (ms: number): number => Math.max(0, ms - (clock.monotonic() - startedAt));
  await within(run.allTaken(), untilMs(deadlineMs - reserveMs), clock, { keepAlive: true, signal: options.signal });
  run.drawHealth({ now: true });
  // Never begun without time to end: a write that outlives the lock could meet the next process's.
  const tokenMs = Math.min(MAX_TOKEN_MS, untilMs(deadlineMs));
  if (resume && tokenMs > 0) await within(resume.save(), tokenMs, clock, { keepAlive: true });
  const receipt = (await outbox?.close({ signal: options.signal, deadlineMs: untilMs(deadlineMs - reserveMs) })) ?? NOTHING_TO_DELIVER;
  const handedOverTo = receipt.complete ? undefined : await leave(assembly, receipt.journalPath, untilMs(deadlineMs));
  if (receipt.complete) await retire(assembly, receipt.journalPath, Math.min(MAX_RETIRE_MS, untilMs(deadlineMs)));
  options.onClosed();
  // Sockets and timers: local work, but what it is made of is not ours.
  const released = assembly.release().catch((error: unknown) => {
    run.parts.logger.warn(`something could not be freed at the end: ${describeError(error)}`);
  });
  await within(released, MAX_RELEASE_MS, clock, { keepAlive: true });
  return handedOverTo === undefined ? receipt : { ...receipt, handedOverTo };
}

/** Never rejects: what cannot be handed over is still in the folder. */
async function leave({ run, handover }: Assembly<object>, directory: string | undefined, deadlineMs: number): Promise<string | undefined> {
  const { jobId, clock, logger } = run.parts;
  if (handover === undefined) return undefined;
  try {
    if (directory === undefined) throw new Error("there is no journal on the disk");
    const uri = await handOver({ directory, store: handover, jobId, clock, logger, deadlineMs });
    logger.warn(`what is pending was handed over to ${uri}; deliver it with: trainer-sdk sync ${uri}`);
    return uri;
  } catch (error) {
    logger.error(`what is pending could not be handed over: ${describeError(error)}`);
    return undefined;
  }
}

/** What an earlier process handed over is delivered now, from the folder. Never rejects: the next sync marks it too. */
async function retire({ run, handover }: Assembly<object>, directory: string | undefined, deadlineMs: number): Promise<void> {
  const { clock, logger } = run.parts;
  if (handover === undefined || directory === undefined) return;
  const enough = new AbortController();
  const work = retireHandOvers(directory, handover, enough.signal).catch((error: unknown) => {
    logger.warn(`a hand-over that was delivered could not be marked so: ${describeError(error)}`);
  });
  await within(work, deadlineMs, clock, { keepAlive: true });
  enough.abort(new Error("there was no more time for it"));
}
