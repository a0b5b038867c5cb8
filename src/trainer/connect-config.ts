/** The job's configuration: read by the caller's schema, and shown with the task. It never keeps a job from starting. */
import { describeError, type Issue } from "../base/errors.js";
import { flattenParameters } from "../clearml/parameter-values.js";
import type { ParameterValue } from "../records/facts.js";
import type { ResolvedTrainerOptions, TrainerOptions } from "./options.js";
import type { Run } from "./run.js";

/** The configuration as the caller's schema makes it; unchecked, with an issue, when the schema refuses. */
export function readConfig<TConfig extends object>(
  given: TrainerOptions<TConfig>,
  resolved: ResolvedTrainerOptions,
  issues: Issue[],
): Readonly<TConfig> {
  if (given.configSchema) {
    try {
      return given.configSchema.parse(resolved.config);
    } catch (error) {
      issues.push({ path: "CONFIG", message: `does not fit the schema: ${describeError(error)}` });
    }
  }
  return Object.freeze({ ...resolved.config }) as unknown as Readonly<TConfig>;
}

/** What a schema makes may be anything: what ClearML has no words for is an issue, and no reason not to start. */
export function parametersOf(config: object, issues: Issue[]): Readonly<Record<string, ParameterValue>> {
  try {
    return flattenParameters(config as Readonly<Record<string, unknown>>);
  } catch (error) {
    issues.push({ path: "CONFIG", message: `cannot be shown in ClearML: ${describeError(error)}` });
    return {};
  }
}

/**
 * Once for each new content: a start that only delivers what an earlier one left must not write a record after the job's
 * end, which would count as a new attempt.
 */
export function connectConfig(run: Run, values: Readonly<Record<string, ParameterValue>>): void {
  const text = JSON.stringify(values);
  const memory = run.parts.outbox?.memory("trainer");
  if (memory === undefined || text === "{}" || memory.get("config") === text) return;
  run.append({ kind: "hyperparameters", section: "General", values }, {});
  void memory.set("config", text);
}
