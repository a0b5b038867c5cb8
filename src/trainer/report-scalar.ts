/** Numbers under ClearML's own names: a point of a line, or a row of the task's summary table. */
import { checkObject, checkText, countProblem, wrongType } from "./check.js";
import { metricValue, nameProblem } from "./metric-values.js";
import type { Receipt } from "./receipt.js";
import type { Run } from "./run.js";

/** One point of one line of one chart. */
export interface ScalarInput {
  /** The chart. */
  readonly title: string;
  /** The line in it. */
  readonly series: string;
  readonly value: number;
  /** A whole number of 0 or more, absolute. */
  readonly iteration: number;
}

/** A number of the task's summary table. */
export interface SingleValueInput {
  readonly name: string;
  readonly value: number;
}

export function reportScalar(run: Run, input: ScalarInput): Promise<Receipt> {
  const verb = "reportScalar";
  checkObject(verb, "input", input);
  checkText(verb, "title", input.title);
  checkText(verb, "series", input.series);
  if (typeof input.value !== "number") wrongType(verb, "value", "a number", input.value);
  if (typeof input.iteration !== "number") wrongType(verb, "iteration", "a number", input.iteration);
  const problem = countProblem(verb, "iteration", input.iteration) ?? nameProblem(input.title) ?? nameProblem(input.series);
  const refusal = run.refusal(verb);
  if (refusal) return Promise.resolve(refusal);
  if (problem !== undefined) return Promise.resolve(run.reject(verb, problem));
  const { title, series, iteration } = input;
  run.noteIteration(iteration);
  run.drawHealth();
  const value = run.metricValues.note("scalar", `${title}/${series}`, input.value, iteration);
  return run.say(verb, { kind: "scalar", title, series, value, iteration }, { shed: "scalar" });
}

export function reportSingleValue(run: Run, input: SingleValueInput): Promise<Receipt> {
  const verb = "reportSingleValue";
  checkObject(verb, "input", input);
  checkText(verb, "name", input.name);
  if (typeof input.value !== "number") wrongType(verb, "value", "a number", input.value);
  const problem = nameProblem(input.name);
  if (problem !== undefined) return Promise.resolve(run.refusal(verb) ?? run.reject(verb, problem));
  if (!Number.isFinite(input.value)) run.metricValues.note("summary", input.name, input.value, undefined);
  return run.say(verb, { kind: "scalar", title: "Summary", series: input.name, value: metricValue(input.value) }, { shed: "scalar" });
}
