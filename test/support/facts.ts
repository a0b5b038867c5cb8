/** One record of each kind of fact, with everything that such a fact can say. */
import type { Fact, StoredFile } from "../../src/records/facts.js";
import type { TrainerRecord } from "../../src/records/record.js";

export const RUN_ID = "0123456789abcdef0123456789abcdef";

const file: StoredFile = {
  uri: "s3://minio:9000/models/checkpoints/7/best-3-abcdef01.pt",
  key: "checkpoints/7/best-3-abcdef01.pt",
  fileName: "best.pt",
  sizeBytes: 1234,
  sha256: "ab".repeat(32),
  contentType: "application/octet-stream",
};

/** Facts by a name for tests; `final` three times. */
export const FACTS = {
  started: { kind: "started", operation: "training", totalEpochs: 50, message: "hello" },
  progress: {
    kind: "progress",
    operation: "training",
    epoch: 3,
    totalEpochs: 50,
    iteration: 300,
    metrics: { train_loss: 0.31, "val/accuracy": "NaN", lr: "Infinity", zero: 0 },
    message: "epoch done",
  },
  percent: { kind: "progress", operation: "inference", percent: 40.5, metrics: {} },
  validation: { kind: "validation", epoch: 3, metrics: { map: 0.5, iou: "-Infinity" } },
  scalar: { kind: "scalar", title: "lr", series: "group 0", value: 0.001, iteration: 10 },
  plot: { kind: "plot", title: "bars", series: "layer 1", iteration: 10, figure: '{"data":[],"layout":{}}' },
  media: { kind: "media", title: "masks", series: "val", iteration: 10, uri: file.uri, file },
  resources: { kind: "resources", iteration: 10, readings: { cpu_usage: 50, gpu_0_utilization: 90 } },
  log: { kind: "log", level: "warning", message: "low memory" },
  checkpoint: {
    kind: "checkpoint",
    type: "best",
    isBest: true,
    epoch: 3,
    iteration: 300,
    metrics: { val_loss: 0.2 },
    file,
    framework: "PyTorch",
    metadata: { anchors: [1, 2], nested: { a: null } },
  },
  bareCheckpoint: { kind: "checkpoint", type: "last", isBest: false, file },
  model: {
    kind: "model",
    name: "detector",
    uri: file.uri,
    file,
    framework: "PyTorch",
    tags: ["prod-candidate"],
    labels: { cat: 0 },
    comment: "the good one",
    metadata: { input: "640" },
    metrics: { map: 0.5 },
    parentModelId: "parent",
    datasets: ["coco"],
    epoch: 3,
    iteration: 300,
    publish: true,
  },
  bareModel: { kind: "model", name: "detector", uri: "s3://elsewhere/model.pt", tags: [], publish: false },
  artifact: { kind: "artifact", name: "matrix", type: "custom", uri: file.uri, file },
  tags: { kind: "tags", add: ["a"], remove: [] },
  hyperparameters: { kind: "hyperparameters", section: "General", values: { lr: { value: "0.1" } } },
  configuration: { kind: "configuration", name: "config", text: "{}" },
  completed: {
    kind: "final",
    operation: "training",
    status: "completed",
    finalMetrics: { map: 0.5, nan: "NaN" },
    results: { images: 3 },
    epoch: 50,
    totalEpochs: 50,
  },
  failed: {
    kind: "final",
    operation: "training",
    status: "failed",
    error: { name: "RangeError", message: "out of memory", stack: "at train" },
    epoch: 3,
  },
  failedWithReason: { kind: "final", operation: "training", status: "failed", reason: "killed" },
  stopped: { kind: "final", operation: "export", status: "stopped", reason: "over budget" },
} as const satisfies Record<string, Fact>;

/** A record of a fact. */
export function recordOf(fact: Fact, sequence = 1): TrainerRecord {
  return {
    fact,
    traits: fact.kind === "final" ? { barrier: true } : {},
    id: `${RUN_ID}-${String(sequence)}`,
    runId: RUN_ID,
    sequence,
    createdAtMs: Date.UTC(2026, 0, 1),
  };
}
