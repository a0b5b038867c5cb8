/** What most parts of the sink work with: the run in question and how it is written to. */
import type { ConfigError } from "../../base/errors.js";
import type { NameRules } from "../../mlflow/mlflow-names.js";
import { BATCH_LIMITS, type MlflowPair, type MlflowWriter } from "../../mlflow/mlflow-writer.js";
import type { RunFiles } from "./run-files.js";

export interface RunCalls {
  readonly writer: MlflowWriter;
  readonly runId: string;
  /** Where the run's files go; why they cannot, as what a person is told. */
  readonly files: RunFiles | ConfigError;
  readonly rules: NameRules;
  readonly signal: AbortSignal;
}

/** Sets tags, as many as there are; those of other names stay. @throws ApiError, ConnectionError. */
export async function setTags({ writer, runId, signal }: RunCalls, tags: readonly MlflowPair[]): Promise<void> {
  for (const part of parts(tags, BATCH_LIMITS.tags)) await writer.logBatch(runId, { tags: part }, { signal });
}

/** Sets parameters that the run does not have yet. @throws ApiError, ConnectionError. */
export async function setParameters({ writer, runId, signal }: RunCalls, params: readonly MlflowPair[]): Promise<void> {
  for (const part of parts(params, BATCH_LIMITS.params)) await writer.logBatch(runId, { params: part }, { signal });
}

function parts<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, part) => items.slice(part * size, (part + 1) * size));
}
