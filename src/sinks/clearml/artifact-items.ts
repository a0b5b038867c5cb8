/** A stored file as an artifact of a task (`clearml-protocol`, 3.12). Pure. */
import type { ArtifactInput } from "../../protocol/clearml/task-document.js";
import type { ArtifactFact, CheckpointFact, StoredFile } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { MAX_PREVIEW_LENGTH, cutText, freeText, nameText } from "../../clearml/clearml-text.js";

/** Key of a checkpoint's artifact, one for each type: the newest of a type takes the older one's place. */
export function checkpointKey(type: string): string {
  return `checkpoint_${type.toWellFormed()}`;
}

/** The facts of a checkpoint by name, as text: rows of its artifact and metadata of its model. The caller's own may not displace ours. */
export function checkpointFacts(fact: CheckpointFact): Record<string, string> {
  const facts: Record<string, string> = {
    type: fact.type,
    is_best: String(fact.isBest),
    key: fact.file.key,
    sha256: fact.file.sha256,
    size_bytes: String(fact.file.sizeBytes),
  };
  if (fact.epoch !== undefined) facts["epoch"] = String(fact.epoch);
  if (fact.iteration !== undefined) facts["iteration"] = String(fact.iteration);
  if (fact.framework !== undefined) facts["framework"] = fact.framework;
  for (const [name, value] of Object.entries(fact.metrics ?? {})) facts[`metrics/${name}`] = String(value);
  for (const [name, value] of Object.entries(fact.metadata ?? {})) {
    if (value !== undefined && !(name in facts)) facts[name] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return facts;
}

/** A checkpoint: type `custom`, as ClearML's own client files any file, with its facts as rows. */
export function checkpointArtifact(record: TrainerRecord, fact: CheckpointFact): ArtifactInput {
  return {
    key: checkpointKey(fact.type),
    type: "custom",
    mode: "output",
    uri: fact.file.uri,
    ...fileFields(fact.file),
    // Seconds, where an event has milliseconds (trap 29).
    timestamp: Math.trunc(record.createdAtMs / 1000),
    type_data: { preview: freeText(filePreview(fact.file)), content_type: fact.file.contentType },
    display_data: rows(checkpointFacts(fact)),
  };
}

/** An artifact of the caller's. */
export function artifactItem(record: TrainerRecord, fact: ArtifactFact): ArtifactInput {
  const preview = fact.preview ?? (fact.file && filePreview(fact.file));
  return {
    key: nameText(fact.name),
    type: fact.type,
    mode: "output",
    uri: fact.uri,
    ...(fact.file && fileFields(fact.file)),
    timestamp: Math.trunc(record.createdAtMs / 1000),
    type_data: {
      ...(preview === undefined ? {} : { preview: freeText(cutText(preview, MAX_PREVIEW_LENGTH)) }),
      ...(fact.file && { content_type: fact.file.contentType }),
    },
    display_data: rows(fact.metadata ?? {}),
  };
}

function fileFields(file: StoredFile): Pick<ArtifactInput, "hash" | "content_size"> {
  return { hash: file.sha256, content_size: file.sizeBytes };
}

function filePreview(file: StoredFile): string {
  return `${file.fileName} - ${String(file.sizeBytes)} bytes`;
}

function rows(facts: Readonly<Record<string, string>>): string[][] {
  return Object.entries(facts).map(([name, value]) => [freeText(name), freeText(value)]);
}
