/** Facts and records for these tests; each call makes a fresh one. */
import type {
  CheckpointFact,
  Fact,
  FinalFact,
  LogFact,
  Metrics,
  ModelFact,
  ProgressFact,
  StoredFile,
} from "../../../../src/records/facts.js";
import type { TrainerRecord } from "../../../../src/records/record.js";
import { aRecord } from "../../../support/records.js";

export function record(sequence: number, fact: Fact): TrainerRecord {
  return aRecord(sequence, { fact, traits: fact.kind === "final" ? { barrier: true } : {} });
}

export function progress(given: Partial<ProgressFact> & { metrics?: Metrics } = {}): ProgressFact {
  return { kind: "progress", operation: "training", metrics: {}, ...given };
}

export function line(message: string): LogFact {
  return { kind: "log", level: "info", message };
}

export function storedFile(given: Partial<StoredFile> = {}): StoredFile {
  return {
    uri: "s3://bucket/checkpoints/42/best-3-abcdef01.pt",
    key: "checkpoints/42/best-3-abcdef01.pt",
    fileName: "best.pt",
    sizeBytes: 1234,
    sha256: "ab".repeat(32),
    contentType: "application/octet-stream",
    ...given,
  };
}

export function checkpoint(given: Partial<CheckpointFact> = {}): CheckpointFact {
  return { kind: "checkpoint", type: "best", isBest: false, epoch: 3, file: storedFile(), ...given };
}

export function model(given: Partial<ModelFact> = {}): ModelFact {
  return { kind: "model", name: "detector", uri: storedFile().uri, file: storedFile(), tags: [], publish: false, ...given };
}

export function final(given: Partial<FinalFact> = {}): FinalFact {
  return { kind: "final", operation: "training", status: "completed", ...given };
}
