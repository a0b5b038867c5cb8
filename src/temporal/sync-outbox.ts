/** Delivers what a job's trainer left, whatever became of the job: from its folder, or from what it handed over. */
import type { ActivityEdge } from "./activity-edge.js";
import { trainingFailure } from "./activity-failure.js";
import type { SyncOutboxInput, SyncOutboxResult } from "./contract.js";
import { TRAINING_FAILURES } from "./failure-types.js";
import type { Settings } from "./settings.js";
import { journalPlace, settleJournal } from "./settle-journal.js";

export async function syncOutbox(
  settings: Settings,
  { job, journal }: SyncOutboxInput,
  { signal }: ActivityEdge,
): Promise<SyncOutboxResult> {
  const place = journal === undefined ? journalPlace(settings, job) : { ...journal, settled: false };
  const settlement = await settleJournal(settings, job, place, { fence: 0, signal });
  switch (settlement.status) {
    case "settled":
      return { status: "delivered" };
    case "absent":
      return { status: "nothing-pending" };
    case "unreachable":
      return { status: "unreachable" };
    case "pending":
      throw trainingFailure(TRAINING_FAILURES.recordsPending, `job ${job.jobId} still has records on their way: ${settlement.reason}`);
  }
}
