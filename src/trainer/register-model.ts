/** `registerModel`: a named, tagged result with lineage, from a file or from an address that exists already. */
import type { ModelFact, StoredFile } from "../records/facts.js";
import { MODEL_KEY_TEMPLATE, renderObjectKey } from "../storage/object-key.js";
import { checkObject, checkOptionalBoolean, checkOptionalText, checkText, checkTexts, countProblem, wrongType } from "./check.js";
import type { UploadReceipt } from "./receipt.js";
import { plainCopy } from "./plain-copy.js";
import { present } from "./present.js";
import { metricsFrom, type MetricsInput } from "./report-progress.js";
import type { Run } from "./run.js";
import { sayAddress } from "./say-address.js";
import { takeFile, withoutFile } from "./take-file.js";

export interface ModelInput {
  readonly name: string;
  /** The weights' file. Exactly one of `path` and `uri`. */
  readonly path?: string;
  /** Weights that are stored already. */
  readonly uri?: string;
  /** Spelled as ClearML does: `PyTorch`, `ONNX`, `TensorFlow`, ... */
  readonly framework?: string;
  readonly tags?: readonly string[];
  /** Class name to index. */
  readonly labels?: Readonly<Record<string, number>>;
  readonly comment?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly metrics?: MetricsInput;
  /** ClearML id of the model that this one was made from. */
  readonly parentModelId?: string;
  /** Data sets that it was trained on. */
  readonly datasets?: readonly string[];
  readonly epoch?: number;
  readonly iteration?: number;
  /** Publish it in ClearML, which makes it read-only. Default false. */
  readonly publish?: boolean;
  /** As for a checkpoint. */
  readonly pin?: "copy" | "none";
  readonly signal?: AbortSignal;
}

export function registerModel(run: Run, input: ModelInput): Promise<UploadReceipt> {
  const verb = "registerModel";
  checkObject(verb, "input", input);
  checkText(verb, "name", input.name);
  checkOptionalText(verb, "path", input.path);
  checkOptionalText(verb, "uri", input.uri);
  checkOptionalText(verb, "framework", input.framework);
  checkOptionalText(verb, "comment", input.comment);
  checkOptionalText(verb, "parentModelId", input.parentModelId);
  checkTexts(verb, "tags", input.tags);
  checkTexts(verb, "datasets", input.datasets);
  checkOptionalBoolean(verb, "publish", input.publish);
  if ((input.path === undefined) === (input.uri === undefined)) wrongType(verb, "path", "given, or else uri, but not both", input.path);
  if (input.labels !== undefined) checkObject(verb, "labels", input.labels);
  for (const [label, index] of Object.entries(input.labels ?? {}))
    if (!Number.isInteger(index)) wrongType(verb, `labels[${JSON.stringify(label)}]`, "a whole number", index);
  for (const [key, value] of Object.entries(input.metadata ?? {}))
    if (typeof value !== "string") wrongType(verb, `metadata[${JSON.stringify(key)}]`, "a text", value);
  const problem = countProblem(verb, "epoch", input.epoch) ?? countProblem(verb, "iteration", input.iteration);
  const metrics = input.metrics === undefined ? undefined : metricsFrom(run, verb, input.metrics);
  const refusal = run.refusal(verb);
  if (refusal) return Promise.resolve(withoutFile(refusal));
  const trouble = problem ?? metrics?.problem;
  if (trouble !== undefined) return Promise.resolve(withoutFile(run.reject(verb, trouble)));

  const { framework, comment, parentModelId, epoch, iteration } = input;
  const {
    tags = [],
    labels,
    metadata,
    datasets,
  } = plainCopy({
    tags: input.tags,
    labels: input.labels,
    metadata: input.metadata,
    datasets: input.datasets,
  });
  const factOf = (uri: string, file?: StoredFile): ModelFact => ({
    kind: "model",
    name: input.name,
    uri,
    tags,
    publish: input.publish ?? false,
    ...present({ file, framework, labels, comment, metadata, parentModelId, datasets, epoch, iteration, metrics: metrics?.metrics }),
  });
  if (input.uri !== undefined) return sayAddress(run, verb, input.uri, factOf(input.uri));
  return takeFile(run, {
    verb,
    source: { path: input.path ?? "" },
    pin: input.pin ?? "copy",
    contentType: "application/octet-stream",
    keyOf: ({ fileName, sha256 }) => renderObjectKey(MODEL_KEY_TEMPLATE, { jobId: run.parts.jobId, name: input.name, fileName, sha256 }),
    factOf: (file) => factOf(file.uri, file),
    replaceKey: undefined,
    signal: input.signal,
  });
}
