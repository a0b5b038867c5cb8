import { expect, it } from "vitest";
import { resolveTrainerOptions } from "../../../src/trainer/options.js";
import { readPlatformEnvironment } from "../../../src/trainer/platform-environment.js";

const V2 = { CALLBACK_DIALECT: "platform-v2", CALLBACK_URL: "http://backend:8000/api/v1", JOB_ID: "123" };

it("lets a variable win over CONFIG, CONFIG over the older variable, and that over the default", () => {
  const { basic, config } = readPlatformEnvironment({
    EPOCHS: "5",
    CONFIG: '{"epochs":100,"learning_rate":0.02,"augment":false}',
    CONFIG_EPOCHS: "7",
    CONFIG_LR0: "0.5",
    CONFIG_WORKERS: "2",
    AUGMENT: "",
  });
  expect(basic).toEqual({
    imgsz: 640,
    epochs: 5,
    batch: 16,
    lr0: 0.02,
    optimizer: "auto",
    augment: false,
    device: "0",
    workers: 2,
    patience: 50,
  });
  // What nobody said is not in the configuration.
  expect(config).toEqual({ epochs: 5, learning_rate: 0.02, augment: false, workers: 2 });
});

it("reads true in any case, and nothing else, as true", () => {
  expect(readPlatformEnvironment({ AUGMENT: "TRUE" }).basic.augment).toBe(true);
  expect(readPlatformEnvironment({ AUGMENT: "1" }).basic.augment).toBe(false);
});

it("takes the advanced settings from CONFIG when the key is there, even an empty one", () => {
  expect(readPlatformEnvironment({ CONFIG: '{"advanced_config":{}}', ADVANCED_CONFIG: '{"a":1}' }).advanced).toEqual({});
  expect(readPlatformEnvironment({ CONFIG: "{}", ADVANCED_CONFIG: '{"a":1}' }).advanced).toEqual({ a: 1 });
  expect(readPlatformEnvironment({ CONFIG: "not JSON" }).advanced).toEqual({});
});

it("finds the data set's id in any of the addresses that the managers give", () => {
  expect(readPlatformEnvironment({ DATASET_S3_URI: "s3://training-datasets/datasets/7f3a/", DATASET_ID: "" }).datasetId).toBe("7f3a");
  expect(readPlatformEnvironment({ DATASET_S3_URI: "7f3a" }).datasetId).toBe("7f3a");
  expect(readPlatformEnvironment({ DATASET_S3_URI: "datasets/7f3a" }).datasetId).toBe("7f3a");
  expect(readPlatformEnvironment({}).datasetId).toBeUndefined();
});

it("tells the kind of job by the id that was injected", () => {
  expect(readPlatformEnvironment({ EXPORT_JOB_ID: "4", TRAINING_JOB_ID: "9" })).toMatchObject({
    operation: "export",
    jobId: "4",
    trainingJobId: "9",
  });
  const config = JSON.stringify({ task_type: "pose" });
  expect(readPlatformEnvironment({ TEST_RUN_ID: "5", TRAINING_JOB_ID: "9", CONFIG: config })).toMatchObject({
    operation: "evaluation",
    jobId: "5",
    trainingJobId: "9",
    taskType: "pose",
  });
  expect(readPlatformEnvironment({ JOB_ID: "3" })).toMatchObject({ operation: "training", jobId: "3", trainingJobId: "3" });
});

it("makes the job of the dialect platform-v2 from it, and of no other", () => {
  const resolved = resolveTrainerOptions({}, { ...V2, JOB_ID: "", INFERENCE_JOB_ID: "8", EPOCHS: "3" }, "/srv/job");
  expect(resolved).toMatchObject({ operation: "inference", jobId: "8", config: { epochs: 3 }, issues: [] });
  expect(resolved.journalDirectory).toBe("/srv/job/.trainer-sdk/inference-8");
  const plan = resolveTrainerOptions({}, { ...V2, CALLBACK_DIALECT: "", JOB_ID: "", INFERENCE_JOB_ID: "8", EPOCHS: "3" }, "/srv/job");
  expect(plan).toMatchObject({ operation: "training", jobId: undefined, config: {} });
});
