/** What a validation result can say beside its metrics: checked, copied, and left out where it is absent. */
import type { JsonObject } from "../base/json.js";
import type { ValidationFact } from "../records/facts.js";
import { checkObject, checkOptionalText, checkText, checkTexts, wrongType } from "./check.js";
import { metricValue } from "./metric-values.js";
import { present } from "./present.js";
import type { ValidationInput } from "./report-progress.js";

type Details = Omit<ValidationFact, "kind" | "epoch" | "iteration" | "metrics">;

/** @throws ValidationError for a field of the wrong type. */
export function validationDetails(verb: string, input: ValidationInput): Details {
  const { taskType, primaryMetric, classNames, confusionMatrix, visualizationUrls } = input;
  checkOptionalText(verb, "taskType", taskType);
  checkTexts(verb, "classNames", classNames);
  if (primaryMetric !== undefined) {
    checkObject(verb, "primaryMetric", primaryMetric);
    checkText(verb, "primaryMetric.name", primaryMetric.name);
    if (typeof primaryMetric.value !== "number") wrongType(verb, "primaryMetric.value", "a number", primaryMetric.value);
  }
  if (confusionMatrix !== undefined && !isMatrix(confusionMatrix))
    wrongType(verb, "confusionMatrix", "an array of arrays of numbers", confusionMatrix);
  return present({
    taskType,
    primaryMetric: primaryMetric && { name: primaryMetric.name, value: metricValue(primaryMetric.value) },
    perClassMetrics: jsonCopy(verb, "perClassMetrics", input.perClassMetrics),
    classNames: classNames && [...classNames],
    confusionMatrix: confusionMatrix?.map((row) => [...row]),
    visualizationUrls: jsonCopy(verb, "visualizationUrls", visualizationUrls) as Readonly<Record<string, string>> | undefined,
    details: jsonCopy(verb, "details", input.details),
  });
}

function isMatrix(value: unknown): boolean {
  return Array.isArray(value) && value.every((row) => Array.isArray(row) && row.every((cell) => typeof cell === "number"));
}

/** A copy: the caller may go on with its own object before the record is written. */
function jsonCopy(verb: string, field: string, value: object | undefined): JsonObject | undefined {
  if (value === undefined) return undefined;
  checkObject(verb, field, value);
  try {
    return JSON.parse(JSON.stringify(value)) as JsonObject;
  } catch {
    return wrongType(verb, field, "plain JSON", value);
  }
}
