/**
 * Hyperparameters as a run's parameters. MLflow writes a parameter once: of a job that goes on with another value the first
 * one stays, and the newest is told by a tag.
 */
import { keyOf, MAX_PARAMETER_LENGTH, MAX_TAG_LENGTH, textOf } from "../../mlflow/mlflow-names.js";
import type { MlflowPair } from "../../mlflow/mlflow-writer.js";
import { CHANGED_TAG_PREFIX } from "../../mlflow/sink-tags.js";
import type { HyperparametersFact } from "../../records/facts.js";
import { setParameters, setTags, type RunCalls } from "./run-calls.js";
import { putText } from "./text-delivery.js";

/** Section whose names stand alone; those of others come after their section's. */
const PLAIN_SECTION = "General";

/** Writes what is new and notes what is different. @throws ApiError, ConnectionError; safe to repeat. */
export async function deliverParameters(calls: RunCalls, fact: HyperparametersFact, sequence: number): Promise<void> {
  const { writer, runId, rules, signal } = calls;
  const run = await writer.run(runId, { signal });
  const before = new Map(run?.data.params.map(({ key, value }) => [key, value]));
  const told = new Set(run?.data.tags.map(({ key }) => key));
  const fresh = new Map<string, string>();
  const tags: MlflowPair[] = [];
  const long: Record<string, string> = {};
  for (const [name, { value }] of Object.entries(fact.values)) {
    const full = fact.section === PLAIN_SECTION ? name : `${fact.section}/${name}`;
    const key = keyOf(full, rules);
    const { text, whole } = textOf(value, MAX_PARAMETER_LENGTH);
    if (!whole) long[full] = value;
    const kept = before.get(key);
    const tag = keyOf(`${CHANGED_TAG_PREFIX}${full}`, rules);
    if (kept === undefined) fresh.set(key, text);
    // Back at its first value after another: the tag must not go on telling of the other.
    else if (kept !== text || told.has(tag)) tags.push({ key: tag, value: textOf(value, MAX_TAG_LENGTH).text });
  }
  await setParameters(
    calls,
    [...fresh].map(([key, value]) => ({ key, value })),
  );
  await setTags(calls, tags);
  if (Object.keys(long).length > 0)
    await putText(calls, `parameters/long-values-${String(sequence)}.json`, `${JSON.stringify(long, undefined, 2)}\n`, "application/json");
}
