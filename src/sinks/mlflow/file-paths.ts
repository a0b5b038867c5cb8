/** Where a record's file stands among a run's files. Pure; the same record has the same path for ever. */
import { createHash } from "node:crypto";
import { extname, posix } from "node:path";
import { pathPart } from "../../mlflow/mlflow-names.js";
import type { ArtifactFact, CheckpointFact, MediaFact, ModelFact, PlotFact } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";

/** By what is stored: the name that its key ends with carries a digest of the content. */
export function checkpointPath(fact: CheckpointFact): string {
  return `checkpoints/${pathPart(posix.basename(fact.file.key))}`;
}

/** By name; of several registrations of one name each has its own file. */
export function modelPath(fact: ModelFact): string {
  return `models/${pathPart(fact.name)}/${pathPart(posix.basename(fact.file?.key ?? fact.uri))}`;
}

/** By name, with the file's ending: a newer one takes the older one's place, as in ClearML. */
export function artifactPath(fact: ArtifactFact): string {
  const extension = extname(fact.file?.fileName ?? "");
  return `artifacts/${pathPart(fact.name.endsWith(extension) ? fact.name : `${fact.name}${extension}`)}`;
}

export function plotPath(fact: PlotFact): string {
  return `plots/${pathPart(lineOf(fact))}/${String(fact.iteration)}.html`;
}

/**
 * Images under the names by which MLflow shows them along their steps: name, step, time and an identifier that is none of
 * the hexadecimal kind at its start. Other samples lie in a folder of their line.
 */
export function mediaPath(record: TrainerRecord, fact: MediaFact): string {
  const extension = extname(fact.file?.fileName ?? "").toLowerCase();
  const step = String(fact.iteration);
  if (fact.file?.contentType.startsWith("image/") !== true) return `media/${pathPart(lineOf(fact))}/${step}-${idOf(record)}${extension}`;
  const name = pathPart(lineOf(fact).replaceAll("+", " "));
  return `images/${name}+step+${step}+timestamp+${String(Math.trunc(record.createdAtMs))}+${idOf(record)}${extension || ".png"}`;
}

function lineOf({ title, series }: { readonly title: string; readonly series: string }): string {
  return [title, series].filter((part) => part.trim() !== "").join(" - ");
}

/** Of the form that MLflow's own client has. The same at every attempt. */
function idOf(record: TrainerRecord): string {
  const digest = createHash("sha256").update(record.id).digest("hex");
  return `k${digest.slice(1, 8)}-${digest.slice(8, 12)}-${digest.slice(12, 16)}-${digest.slice(16, 20)}-${digest.slice(20, 32)}`;
}
