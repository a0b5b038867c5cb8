/** `uploadCheckpoint`: a file becomes an immutable object with an address, and a fact that every sink hears of. */
import type { JsonObject } from "../base/json.js";
import { CHECKPOINT_KEY_TEMPLATE, renderObjectKey } from "../storage/object-key.js";
import { checkObject, checkOptionalBoolean, checkOptionalText, checkText, countProblem, wrongType } from "./check.js";
import type { UploadReceipt } from "./receipt.js";
import { plainCopy } from "./plain-copy.js";
import { present } from "./present.js";
import { metricsFrom, type MetricsInput } from "./report-progress.js";
import type { Run } from "./run.js";
import { takeFile, withoutFile } from "./take-file.js";

export interface CheckpointInput {
  /** `last`, `best`, `epoch`, or any name. Default `last`, or `best` with `isBest`. */
  readonly type?: string;
  readonly epoch?: number;
  readonly iteration?: number;
  /** A best checkpoint also becomes an output model in ClearML and is never replaced by a newer one. Default false. */
  readonly isBest?: boolean;
  readonly metrics?: MetricsInput;
  /** Spelled as ClearML does: `PyTorch`, `ONNX`, `TensorFlow`, ... */
  readonly framework?: string;
  /** Kept with the checkpoint. */
  readonly metadata?: JsonObject;
  /** `copy` (default): the file may be overwritten as soon as the promise resolves. `none`: it will not change until it is delivered, and no copy is made. */
  readonly pin?: "copy" | "none";
  /** Gives up taking the file in. What is already durable is delivered all the same. */
  readonly signal?: AbortSignal;
}

export function uploadCheckpoint(run: Run, path: string, input: CheckpointInput): Promise<UploadReceipt> {
  const verb = "uploadCheckpoint";
  checkText(verb, "path", path);
  checkObject(verb, "input", input);
  checkOptionalText(verb, "type", input.type);
  checkOptionalText(verb, "framework", input.framework);
  checkOptionalBoolean(verb, "isBest", input.isBest);
  if (input.pin !== undefined && !["copy", "none"].includes(input.pin)) wrongType(verb, "pin", "copy or none", input.pin);
  const problem = countProblem(verb, "epoch", input.epoch) ?? countProblem(verb, "iteration", input.iteration);
  const metrics = input.metrics === undefined ? undefined : metricsFrom(run, verb, input.metrics);
  const refusal = run.refusal(verb);
  if (refusal) return Promise.resolve(withoutFile(refusal));
  const trouble = problem ?? metrics?.problem;
  if (trouble !== undefined) return Promise.resolve(withoutFile(run.reject(verb, trouble)));

  const isBest = input.isBest ?? false;
  const type = input.type ?? (isBest ? "best" : "last");
  const { epoch, iteration, framework } = input;
  const metadata = plainCopy(input.metadata);
  const render = (template: string, { fileName, sha256 }: { readonly fileName: string; readonly sha256: string }): string =>
    renderObjectKey(template, {
      jobId: run.parts.jobId,
      operation: run.parts.operation,
      type,
      fileName,
      sha256,
      ...present({ runId: run.parts.outbox?.runId, epoch, iteration }),
    });
  const { checkpointKey, checkpointAlias } = run.parts;
  return takeFile(run, {
    verb,
    source: { path },
    pin: input.pin ?? "copy",
    contentType: "application/octet-stream",
    keyOf: (file) => render(checkpointKey ?? CHECKPOINT_KEY_TEMPLATE, file),
    aliasKeyOf: checkpointAlias === undefined ? undefined : (file) => render(checkpointAlias, file),
    factOf: (file) => ({
      kind: "checkpoint",
      type,
      isBest,
      ...present({ epoch, iteration, framework, metadata, metrics: metrics?.metrics }),
      file,
    }),
    replaceKey: isBest || type === "best" ? undefined : `checkpoint:${type}`,
    signal: input.signal,
  });
}
