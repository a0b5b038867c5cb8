/** Puts dead letters back in line without delivering anything: the folder is opened with destinations that take nothing. */
import { Outbox } from "../outbox/outbox.js";
import type { DeadLetter } from "../outbox/receipts.js";
import type { Delivery, Sink } from "../outbox/sink.js";
import { surveyJournal } from "../outbox/survey-journal.js";

const NOT_NOW: Delivery = { status: "retry", cause: "unreachable", reason: "nothing is delivered here" };

/**
 * Answers how many.
 *
 * @throws JournalError `JOURNAL_LOCKED` while a trainer holds the folder, `JOURNAL_UNWRITABLE`, `JOURNAL_VERSION`.
 */
export async function replayLetters(directory: string, isWanted: (letter: DeadLetter) => boolean): Promise<number> {
  const { pending } = await surveyJournal(directory);
  const sinks = Object.keys(pending).map((name): Sink => ({
    name,
    limits: { maxRecords: 1, maxBytes: 1 },
    accepts: () => true,
    open: () => Promise.resolve(NOT_NOW),
    deliver: () => Promise.resolve(NOT_NOW),
  }));
  const outbox = await Outbox.open({ directory, sinks, uploader: { upload: () => Promise.resolve(NOT_NOW) }, strict: true });
  try {
    return await outbox.replay(isWanted);
  } finally {
    await outbox.close({ deadlineMs: 0 });
  }
}
