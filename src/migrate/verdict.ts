/** The end of a verification in one sentence. Pure. */
import { counted } from "../base/counted.js";
import type { Shortfall, VerificationReport } from "./verify-migration.js";

/** Of what was not accepted, in the order of weight: the first one is told. */
const NOT_ACCEPTED: Readonly<Record<Shortfall, string>> = {
  links: "No difference, but files are in MLflow's store alone: that is not accepted.",
  damage: "What can be read of it is in ClearML, and equal; the rest is damaged in MLflow: that is not accepted.",
  reported: "No difference, but some of what runs have that a trainer wrote to both is in MLflow alone: that is not accepted.",
  workspaces: "No difference, but MLflow has workspaces that were not read: that is not accepted.",
  limits: "No difference, but MLflow may hold more than it has shown: that is not accepted.",
};

/** What the report says, for somebody who reads no further. */
export function verdictOf(report: VerificationReport): string {
  const { interrupted, ok, compared, differencesTotal, runsInMlflow, skipped, troubles, unaccepted, uncomparedTotal, unread } = report;
  if (interrupted) return "INTERRUPTED: this proves nothing.";
  if (ok) {
    const exceptions = [
      ...(compared.linkedFiles + compared.modelsWithoutFiles === 0 ? [] : ["what ClearML has by its address alone, as accepted"]),
      ...(troubles.some(({ isLoss }) => isLoss) ? ["what is damaged in MLflow, as accepted"] : []),
      ...(skipped.experiments + skipped.runs === 0 ? [] : ["what was deleted, left out as asked"]),
      ...(uncomparedTotal === 0 ? [] : ["what MLflow alone has of runs that a trainer wrote to both, as accepted"]),
      ...(unread.workspaces.length === 0 ? [] : ["workspaces that were not named, as accepted"]),
      ...(unread.limits.length === 0 ? [] : ["what MLflow may not have shown, as accepted"]),
    ];
    return `All of it is in ClearML, and equal${exceptions.length === 0 ? "" : `, but for ${exceptions.join("; ")}`}.`;
  }
  if (differencesTotal > 0) return `${counted(differencesTotal, "difference")}.`;
  const isEvery = compared.runs === runsInMlflow && compared.reportedRuns === skipped.reported;
  const isSomething = compared.runs + compared.reportedRuns + compared.models > 0;
  for (const [what, sentence] of Object.entries(NOT_ACCEPTED)) {
    // Where not all was compared, that is the news, unless links or damage are why.
    const counts = (isEvery && isSomething) || what === "links" || what === "damage";
    if (counts && unaccepted.some((shortfall) => shortfall === what)) return sentence;
  }
  return isEvery ? "Nothing was there to compare: this proves nothing." : "Not every run could be compared.";
}
