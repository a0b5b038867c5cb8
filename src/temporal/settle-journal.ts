/** What a trainer left undelivered, from its folder or from the archives it handed over. Delivers; decides nothing. */
import { JournalError, describeError } from "../base/errors.js";
import { machineProcessTable } from "../base/folder-lock.js";
import { drainJournal, type DrainReport } from "../trainer/drain-journal.js";
import { openArchives } from "../trainer/open-archive.js";
import { folderName } from "../trainer/options.js";
import type { JournalPlace, TrainingJob } from "./contract.js";
import type { Settings } from "./settings.js";

/**
 * `settled`: nothing waits for anybody. `pending`: something does, or could not be sent yet. `unreachable`: nobody here
 * can see what was left, so nobody knows. `absent`: the place can be seen, and there is no journal in it.
 */
export type Settlement =
  { readonly status: "settled" | "absent" | "unreachable" } | { readonly status: "pending"; readonly reason: string };

/** Where the journal of a job is, before anything was looked at. */
export function journalPlace(settings: Settings, job: TrainingJob): JournalPlace {
  const folder = settings.journal(job)?.worker;
  return {
    ...(folder === undefined ? {} : { directory: folder }),
    ...(folder !== undefined && settings.manager.hostBound && settings.manager.host !== undefined ? { host: settings.manager.host } : {}),
    ...(settings.handoverUri === undefined ? {} : { handoverUri: settings.handoverUri }),
    settled: false,
  };
}

/** @param fence Number of the trainer whose words these are. */
export async function settleJournal(
  settings: Settings,
  job: TrainingJob,
  place: JournalPlace,
  options: { readonly fence: number; readonly signal: AbortSignal; readonly deadlineMs?: number },
): Promise<Settlement> {
  if (place.settled) return { status: "settled" };
  const { signal, fence, deadlineMs = settings.drainMs } = options;
  const drain = {
    env: { ...settings.env, ...(fence > 0 ? { TRAINER_FENCE: String(fence) } : {}) },
    callbackUrl: settings.callback(job)?.url,
    deadlineMs,
    signal,
    logger: settings.logger,
  };
  if (place.directory !== undefined && (place.host === undefined || place.host === machineProcessTable().host)) {
    const found = await guarded(signal, async () => judge(await drainJournal({ ...drain, directory: place.directory ?? "" })));
    // A folder that is not there yet says nothing: the trainer may have had another disk, and handed over.
    if (found.status !== "absent" || place.handoverUri === undefined) return found;
  }
  if (place.handoverUri === undefined) return { status: "unreachable" };
  const uri = place.handoverUri;
  return guarded(signal, () => settleArchives(`${uri.replace(/\/+$/, "")}/handover/${folderName(job.jobId)}`, drain, settings, signal));
}

async function settleArchives(
  uri: string,
  drain: Omit<Parameters<typeof drainJournal>[0], "directory">,
  settings: Settings,
  signal: AbortSignal,
): Promise<Settlement> {
  const place = await openArchives(uri, settings.env, settings.logger, signal);
  try {
    let last: Settlement = { status: place.done > 0 ? "settled" : "absent" };
    for (const archive of place.archives) {
      const unpacked = await archive.unpack(signal);
      try {
        last = judge(await drainJournal({ ...drain, directory: unpacked.directory, moved: unpacked.moved }));
        if (last.status === "pending") return last;
        await archive.markDone({ delivered_by: "the worker" }, signal);
      } finally {
        await unpacked.remove();
      }
    }
    return last;
  } finally {
    await place.close();
  }
}

function judge(report: DrainReport): Settlement {
  if (report.survey.runId === undefined) return { status: "absent" };
  const { receipt, unreachable, lastErrors } = report;
  const pending = receipt !== undefined && Object.values(receipt.sinks).some((sink) => sink.pending > 0);
  if (!pending && Object.keys(unreachable).length === 0) return { status: "settled" };
  const why = Object.entries({ ...unreachable, ...lastErrors }).map(([name, reason]) => `${name}: ${reason}`);
  return { status: "pending", reason: why.join("; ") || "some of it is still on its way" };
}

async function guarded(signal: AbortSignal, work: () => Promise<Settlement>): Promise<Settlement> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || isNothingThere(error)) return { status: "absent" };
    if (JournalError.isInstance(error) && error.code === "JOURNAL_LOCKED")
      return { status: "pending", reason: "its trainer has not let go of it yet" };
    return { status: "pending", reason: describeError(error) };
  }
}

/** A folder of archives that nobody wrote into does not exist. */
function isNothingThere(error: unknown): boolean {
  const cause = (error as { cause?: NodeJS.ErrnoException } | undefined)?.cause;
  return cause?.code === "ENOENT";
}
