/** A trainer in the container that the existing platform's manager makes, against the strict receiver. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Logger } from "../../src/base/logger.js";
import type { TrainerOptions } from "../../src/trainer/options.js";
import { TrainerSDK } from "../../src/trainer/trainer-sdk.js";
import { startPlatformReceiver, type PlatformReceiver } from "./platform-receiver.js";

export interface PlatformTrainer {
  readonly receiver: PlatformReceiver;
  readonly folder: string;
  readonly warnings: string[];
  start(options?: TrainerOptions, env?: Record<string, string>): Promise<TrainerSDK>;
  file(name: string, content: string | Uint8Array): Promise<string>;
}

/** What both managers inject for a training job, and the one variable that the image brings. */
export function managerEnvironment(callbackUrl: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    CALLBACK_DIALECT: "platform-v2",
    JOB_ID: "123",
    CALLBACK_URL: callbackUrl,
    MODEL_NAME: "yolo11n",
    TASK_TYPE: "object_detection",
    FRAMEWORK: "custom",
    DATASET_S3_URI: "s3://training-datasets/datasets/7f3a/",
    DATASET_ID: "7f3a",
    EPOCHS: "10",
    BATCH_SIZE: "16",
    LEARNING_RATE: "0.01",
    IMGSZ: "640",
    DEVICE: "cpu",
    CONFIG: JSON.stringify({
      epochs: 10,
      batch: 16,
      learning_rate: 0.01,
      imgsz: 640,
      device: "cpu",
      advanced_config: {},
      primary_metric: "mAP50",
      primary_metric_mode: "max",
      split_config: {},
    }),
    SNAPSHOT_ID: "snap_1",
    ...more,
  };
}

/** Sets it up around each test of the file. */
export function aPlatformTrainer(): PlatformTrainer {
  let receiver: PlatformReceiver;
  let folder = "";
  let warnings: string[] = [];
  const started: TrainerSDK[] = [];
  beforeEach(async () => {
    receiver = await startPlatformReceiver();
    folder = await mkdtemp(path.join(tmpdir(), "platform-v2-"));
    warnings = [];
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((sdk) => sdk.close({ deadlineMs: 0 })));
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get receiver() {
      return receiver;
    },
    get folder() {
      return folder;
    },
    get warnings() {
      return warnings;
    },
    async start(options = {}, env = {}) {
      const note = (message: string): void => void warnings.push(message);
      const logger: Logger = { debug() {}, info() {}, warn: note, error: note };
      const own = { TRAINER_JOURNAL_DIR: path.join(folder, "journal"), CHECKPOINT_URI: `file://${path.join(folder, "files")}` };
      const all = managerEnvironment(receiver.callbackUrl, { ...own, ...env });
      const sdk = await TrainerSDK.init({ env: all, logger, batchAgeMs: 10, stopPollIntervalMs: 3_600_000, ...options });
      started.push(sdk);
      return sdk;
    },
    async file(name, content) {
      const target = path.join(folder, name);
      await writeFile(target, content);
      return target;
    },
  };
}
