/** A job's results as a text, the same wherever they are shown: what one place has can be compared with what another has. Pure. */
import type { FinalFact } from "./facts.js";

/** Name of the configuration object of ClearML that holds them. */
export const RESULTS_CONFIGURATION = "Results";

/** As JSON, two spaces a level, without an end of line. */
export function resultsText(results: NonNullable<FinalFact["results"]>): string {
  return JSON.stringify(results, undefined, 2);
}
