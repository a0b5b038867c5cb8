/** The steps of a close after the waiting is over. Each is bounded: whatever hangs is left behind. */
import type { Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Deadline } from "./deadline.js";
import type { Journal } from "./journal.js";

/** What the disk may take past a close's deadline, to write down what was appended last. */
export const LAST_WRITE_MS = 100;

/** Something that delivers. */
interface Delivering {
  /** Resolves when what is under way has come to its end. */
  stop(reason: Error): Promise<void>;
  /** Waits for it no longer. */
  abandon(): void;
}

/** Aborts what is under way and waits for it to come to its end. */
export async function endDelivery(parts: readonly Delivering[], deadline: Deadline): Promise<void> {
  const reason = new Error("the outbox is closing");
  await Promise.race([Promise.all(parts.map((part) => part.stop(reason))), deadline.passed]);
  for (const part of parts) part.abandon();
}

/** Closes sinks and uploader; what they throw is logged. */
export async function closeDestinations(
  parts: readonly ({ close?(): Promise<void> } | undefined)[],
  deadline: Deadline,
  logger: Logger,
): Promise<void> {
  const closing = parts.map(async (part) => {
    try {
      await part?.close?.();
    } catch (error) {
      logger.warn("A sink failed to close.", { reason: describeError(error) });
    }
  });
  await Promise.race([Promise.all(closing), deadline.passed]);
}

/** Until the deadline, but not without a moment for what was appended last. */
export async function closeJournal(journal: Journal, clock: Clock, deadline: Deadline): Promise<void> {
  const giveUp = new AbortController();
  const moment = clock.sleep(LAST_WRITE_MS, { signal: giveUp.signal, keepAlive: true }).catch(() => undefined);
  void Promise.all([deadline.passed, moment]).then(() => giveUp.abort());
  await journal.close(giveUp.signal);
  giveUp.abort();
}
