/** The end of a verification in one sentence. Pure. */
import type { VerificationReport } from "./verify-migration.js";

/** What the report says, for somebody who reads no further. */
export function verdictOf({ interrupted, ok, compared, differencesTotal, runsInMlflow }: VerificationReport): string {
  if (interrupted) return "INTERRUPTED: this proves nothing.";
  const links = compared.linkedFiles + compared.modelsWithoutFiles;
  if (ok)
    return links === 0
      ? "All of it is in ClearML, and equal."
      : "All of it is in ClearML, and equal, but for what ClearML has by its address alone, as accepted.";
  if (differencesTotal > 0) return `${String(differencesTotal)} difference${differencesTotal === 1 ? "" : "s"}.`;
  if (links > 0) return "No difference, but files are in MLflow's store alone: that is not accepted.";
  return compared.runs === runsInMlflow ? "Nothing was there to compare: this proves nothing." : "Not every run could be compared.";
}
