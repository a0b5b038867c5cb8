/** Inference, evaluation and export jobs in the words of the existing backend: their own ids, paths and results. */
import { expect, it } from "vitest";
import { aPlatformTrainer } from "../../support/platform-trainer.js";

const world = aPlatformTrainer();

it("tells an inference job by its own id, with a time for every image", async () => {
  const sdk = await world.start({}, { JOB_ID: "", INFERENCE_JOB_ID: "123", TRAINING_JOB_ID: "9" });
  expect(sdk.operation).toBe("inference");
  await sdk.reportStarted();
  await sdk.reportProgress({ percent: 50 });
  await sdk.log("info", "lines of an inference job would land in the log of a training job");
  const box = { class_name: "cat", confidence: 0.9, bbox: [1, 2, 3, 4] };
  await sdk.reportCompleted({
    results: {
      total_images: 2,
      total_inference_time_ms: 30,
      results: [
        { image_path: "s3://a/1.jpg", predictions: [box, { ...box, bbox: [1] }], inference_time_ms: 10 },
        { image_path: "s3://a/2.jpg", predictions: [] },
      ],
    },
  });
  expect((await sdk.close()).complete).toBe(true);
  const { calls } = world.receiver;
  expect(calls.map(({ kind, status }) => [kind, status])).toEqual([
    ["inference-started", 200],
    ["inference-completion", 200],
  ]);
  expect(calls[1]?.body).toEqual({
    status: "completed",
    total_images: 2,
    total_inference_time_ms: 30,
    avg_inference_time_ms: 15,
    results: [
      { image_path: "s3://a/1.jpg", image_name: "1.jpg", predictions: [box], inference_time_ms: 10 },
      { image_path: "s3://a/2.jpg", image_name: "2.jpg", predictions: [], inference_time_ms: 15 },
    ],
  });
});

it("tells an export job where its file is, by the artifact that was uploaded", async () => {
  const sdk = await world.start({}, { JOB_ID: "", EXPORT_JOB_ID: "123", TRAINING_JOB_ID: "9" });
  await sdk.reportStarted();
  const file = await sdk.registerModel({ name: "yolo", path: await world.file("model.onnx", "onnx!") });
  await sdk.reportCompleted({ results: { metadata: { opset: 17 } } });
  await sdk.close();
  expect(world.receiver.taken("export-completion")).toEqual([
    { status: "completed", output_s3_uri: file.uri, file_size_bytes: 5, metadata: { opset: 17 } },
  ]);
});

it("tells an evaluation by its result alone, under the number of its test run", async () => {
  const config = { task_type: "object_detection", dataset_split: "test", batch_size: 16, device: "cpu" };
  const own = { JOB_ID: "", TASK_TYPE: "", TEST_RUN_ID: "123", TRAINING_JOB_ID: "9", CHECKPOINT_S3_URI: "s3://checkpoints/9/best.pt" };
  const sdk = await world.start({}, { ...own, CONFIG: JSON.stringify(config) });
  expect(sdk.operation).toBe("evaluation");
  expect(sdk.config).toMatchObject({ dataset_split: "test" });
  await sdk.reportStarted();
  await sdk.log("info", "a line of it would land in the log of a training job");
  await sdk.reportProgress({ percent: 50 });
  await sdk.reportValidation({ epoch: 1, metrics: { mAP50: 0.7 } });
  await sdk.reportCompleted({
    finalMetrics: { "mAP50-95": 0.52, mAP50: 0.75, broken: Number.NaN },
    results: { num_images: 200, class_names: ["cat", "dog"], per_class_metrics: { cat: { ap: 0.6 } }, unknown: 1 },
  });
  expect((await sdk.close()).complete).toBe(true);
  const { calls } = world.receiver;
  expect(calls.map(({ path: where, status }) => [where, status])).toEqual([["/api/v1/test_inference/test/123/results", 200]]);
  expect(calls[0]?.body).toEqual({
    status: "completed",
    task_type: "object_detection",
    metrics: { "mAP50-95": 0.52, mAP50: 0.75 },
    per_class_metrics: { cat: { ap: 0.6 } },
    class_names: ["cat", "dog"],
    num_images: 200,
  });
});

it("tells a failed evaluation with its reason", async () => {
  const sdk = await world.start({}, { JOB_ID: "", TEST_RUN_ID: "123" });
  await sdk.reportFailed(new Error("no such checkpoint"));
  await sdk.close();
  expect(world.receiver.taken("test-results")).toMatchObject([
    { status: "failed", task_type: "object_detection", error_message: expect.stringContaining("no such checkpoint") as string },
  ]);
});

it("tells a failed inference or export with its reason", async () => {
  const sdk = await world.start({}, { JOB_ID: "", EXPORT_JOB_ID: "123" });
  await sdk.reportStarted();
  await sdk.reportStopped("no time left");
  await sdk.close();
  expect(world.receiver.taken("export-completion")).toEqual([{ status: "failed", error_message: "stopped: no time left" }]);
});
