/** The end of a verification in one sentence. Pure. */
import type { VerificationReport } from "./verify-migration.js";

/** What the report says, for somebody who reads no further. */
export function verdictOf(report: VerificationReport): string {
  const { interrupted, ok, compared, differencesTotal, runsInMlflow, skipped, troubles, uncomparedTotal, unread } = report;
  if (interrupted) return "INTERRUPTED: this proves nothing.";
  const links = compared.linkedFiles + compared.modelsWithoutFiles;
  const isDamaged = troubles.some(({ isLoss }) => isLoss);
  if (ok) {
    const exceptions = [
      ...(links === 0 ? [] : ["what ClearML has by its address alone, as accepted"]),
      ...(isDamaged ? ["what is damaged in MLflow, as accepted"] : []),
      ...(skipped.experiments + skipped.runs === 0 ? [] : ["what was deleted, left out as asked"]),
      ...(uncomparedTotal === 0 ? [] : ["what MLflow alone has of runs that a trainer wrote to both, as accepted"]),
      ...(unread.workspaces.length === 0 ? [] : ["workspaces that were not named, as accepted"]),
      ...(unread.limits.length === 0 ? [] : ["what MLflow may not have shown, as accepted"]),
    ];
    return `All of it is in ClearML, and equal${exceptions.length === 0 ? "" : `, but for ${exceptions.join("; ")}`}.`;
  }
  if (differencesTotal > 0) return `${String(differencesTotal)} difference${differencesTotal === 1 ? "" : "s"}.`;
  const isEvery = compared.runs === runsInMlflow && compared.reportedRuns === skipped.reported;
  if (links > 0) return "No difference, but files are in MLflow's store alone: that is not accepted.";
  if (uncomparedTotal > 0 && isEvery && !isDamaged)
    return "No difference, but some of what runs have that a trainer wrote to both is in MLflow alone: that is not accepted.";
  if (isEvery && compared.runs + compared.reportedRuns + compared.models > 0 && !isDamaged) {
    if (unread.workspaces.length > 0) return "No difference, but MLflow has workspaces that were not read: that is not accepted.";
    if (unread.limits.length > 0) return "No difference, but MLflow may hold more than it has shown: that is not accepted.";
  }
  if (isDamaged) return "What can be read of it is in ClearML, and equal; the rest is damaged in MLflow: that is not accepted.";
  return isEvery ? "Nothing was there to compare: this proves nothing." : "Not every run could be compared.";
}
