/**
 * A sample becomes a fact. A file is pinned like a checkpoint and stored before ClearML hears of it, under a key of its own
 * for each content and iteration: what was shown once is never changed by a later sample.
 */
import { newId } from "../base/ids.js";
import type { ReadSample } from "../records/media/media-input.js";
import { MEDIA_KEY_TEMPLATE, renderObjectKey } from "../storage/object-key.js";
import { MAX_KEYWORD_BYTES } from "../protocol/clearml/limits.js";
import { countProblem } from "./check.js";
import { nameProblem } from "./metric-values.js";
import type { UploadReceipt } from "./receipt.js";
import type { Run } from "./run.js";
import { sayAddress } from "./say-address.js";
import { takeFile, withoutFile } from "./take-file.js";

/** How a file is taken in. */
export interface TakeInOptions {
  /** `copy` (default): the file may be overwritten as soon as the promise resolves. `none`: it will not change until it is delivered. */
  readonly pin?: "copy" | "none";
  /** Gives up taking the file in. */
  readonly signal?: AbortSignal;
}

/** @throws ValidationError for an argument of the wrong type. */
export function reportMedia(run: Run, verb: string, read: ReadSample, options: TakeInOptions): Promise<UploadReceipt> {
  const { title, series, iteration, source, contentType } = read;
  const problem = countProblem(verb, "iteration", iteration) ?? nameProblem(title) ?? nameProblem(series) ?? urlProblem(read);
  const refusal = run.refusal(verb);
  if (refusal) return Promise.resolve(withoutFile(refusal));
  if (problem !== undefined) return Promise.resolve(withoutFile(run.reject(verb, problem)));
  run.noteIteration(iteration);
  run.noteGaps(read, "image");
  if ("url" in source)
    return sayAddress(run, verb, source.url, { kind: "media", title, series, iteration, uri: source.url }, { shed: "scalar" });
  return takeFile(run, {
    verb,
    source,
    pin: options.pin ?? "copy",
    contentType,
    keyOf: ({ fileName, sha256 }) =>
      renderObjectKey(MEDIA_KEY_TEMPLATE, { jobId: run.parts.jobId, name: title, type: series, iteration, fileName, sha256 }),
    // ClearML hides the older of two samples with one address.
    ownKey: true,
    factOf: (file) => ({ kind: "media", title, series, iteration, uri: file.uri, file }),
    // Nothing replaces a sample; but when the disk is full it goes before a checkpoint that nothing replaces.
    replaceKey: `media:${newId()}`,
    signal: options.signal,
  });
}

function urlProblem({ source }: ReadSample): string | undefined {
  if (!("url" in source) || Buffer.byteLength(source.url) <= MAX_KEYWORD_BYTES) return undefined;
  return `an address must not be longer than ${String(MAX_KEYWORD_BYTES)} bytes`;
}
