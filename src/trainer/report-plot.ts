/** A figure becomes a fact. Drawn at the call, because the caller may change its arrays as soon as it returns. */
import { figureProblem, type DrawnPlot } from "../records/figures/figure.js";
import { countProblem } from "./check.js";
import { nameProblem } from "./metric-values.js";
import { rejectedReceipt, type Receipt } from "./receipt.js";
import type { Run } from "./run.js";

/** @throws ValidationError as `draw` does. */
export function reportPlot(run: Run, verb: string, draw: () => DrawnPlot): Promise<Receipt> {
  // A silent rank does not pay for drawing.
  if (run.parts.outbox === undefined) return Promise.resolve(run.refusal(verb) ?? rejectedReceipt("there is no outbox"));
  const plot = draw();
  const { title, series, iteration, figure } = plot;
  const problem =
    countProblem(verb, "iteration", iteration) ??
    nameProblem(title) ??
    (series === "" ? undefined : nameProblem(series)) ??
    figureProblem(plot);
  const refusal = run.refusal(verb);
  if (refusal) return Promise.resolve(refusal);
  if (problem !== undefined) return Promise.resolve(run.reject(verb, problem));
  run.noteIteration(iteration);
  run.drawHealth();
  run.noteGaps(plot, "plot");
  return run.say(verb, { kind: "plot", title, series, iteration, figure }, { shed: "scalar" });
}
