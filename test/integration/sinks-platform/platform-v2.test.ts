import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { undiciTransport } from "../../../src/base/http.js";
import { silentLogger } from "../../../src/base/logger.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import { createPlatformV2Sinks } from "../../../src/sinks/platform/v2/platform-v2-sink.js";
import { drainJournal } from "../../../src/trainer/drain-journal.js";
import { volatileMemory } from "../../contract/sink-contract.js";
import { FACTS, recordOf } from "../../support/facts.js";
import { eventually } from "../../support/fake-clock.js";
import { aPlatformTrainer } from "../../support/platform-trainer.js";

const world = aPlatformTrainer();

it("tells a training in the backend's own words, field by field", async () => {
  const sdk = await world.start();
  await sdk.reportStarted({ totalEpochs: 2 });
  await sdk.reportProgress({
    epoch: 1,
    totalEpochs: 2,
    metrics: { loss: 0.234, "mAP50-95": 0.52, learning_rate: 0.001, "train/box_loss": 1.1 },
  });
  await sdk.reportValidation({
    epoch: 1,
    metrics: { mAP50: 0.75, loss: 0.4 },
    classNames: ["cat", "dog"],
    confusionMatrix: [
      [3, 1],
      [0, 4],
    ],
    visualizationUrls: { confusion_matrix: "s3://training-checkpoints/job123/validation/confusion_matrix.png" },
    details: { pr_curves: { cat: [0.5] } },
  });
  const last = await sdk.uploadCheckpoint(await world.file("last.pt", "weights 1"), { type: "last", epoch: 1 });
  const best = await sdk.uploadCheckpoint(await world.file("best.pt", "weights 1b"), { isBest: true, epoch: 1, metrics: { loss: 0.2 } });
  await sdk.log("warn", "low memory");
  await sdk.flush();
  await sdk.reportProgress({ epoch: 2, totalEpochs: 2, metrics: { loss: 0.1, acc: Number.NaN } });
  await sdk.reportCompleted({ finalMetrics: { loss: 0.05, accuracy: 0.72 }, epoch: 2 });
  expect((await sdk.close()).complete).toBe(true);

  const { receiver } = world;
  expect(receiver.calls.filter(({ status }) => status !== 200)).toEqual([]);
  expect(receiver.calls.map((call) => call.path)).toEqual(
    expect.arrayContaining([
      "/api/v1/training/jobs/123/callback/progress",
      "/api/v1/validation/jobs/123/results",
      "/api/v1/training/jobs/123/callback/logs",
      "/api/v1/training/jobs/123/callback/completion",
    ]),
  );
  expect(receiver.taken("progress")).toEqual([
    { job_id: 123, status: "running", current_epoch: 0, total_epochs: 2, progress_percent: 0, metrics: null },
    {
      job_id: 123,
      status: "running",
      current_epoch: 1,
      total_epochs: 2,
      progress_percent: 50,
      metrics: {
        loss: 0.234,
        accuracy: 0.52,
        learning_rate: 0.001,
        extra_metrics: { loss: 0.234, "mAP50-95": 0.52, learning_rate: 0.001, "train/box_loss": 1.1 },
      },
    },
    {
      job_id: 123,
      status: "running",
      current_epoch: 2,
      total_epochs: 2,
      progress_percent: 100,
      // NaN has no key: PostgreSQL would refuse the row.
      metrics: { loss: 0.1, extra_metrics: { loss: 0.1 } },
      best_checkpoint_path: best.uri,
    },
  ]);
  expect(receiver.taken("validation")).toEqual([
    {
      job_id: 123,
      epoch: 1,
      task_type: "object_detection",
      primary_metric_name: "mAP50",
      primary_metric_value: 0.75,
      overall_loss: 0.4,
      metrics: { mAP50: 0.75, loss: 0.4 },
      class_names: ["cat", "dog"],
      confusion_matrix: [
        [3, 1],
        [0, 4],
      ],
      visualization_urls: { confusion_matrix: "s3://training-checkpoints/job123/validation/confusion_matrix.png" },
      pr_curves: { cat: [0.5] },
    },
  ]);
  expect(receiver.taken("completion")).toEqual([
    {
      job_id: 123,
      status: "completed",
      exit_code: 0,
      total_epochs_completed: 2,
      final_metrics: { loss: 0.05, accuracy: 0.72, extra_metrics: { loss: 0.05, accuracy: 0.72 } },
      best_metrics: { loss: 0.2, extra_metrics: { loss: 0.2 } },
      best_epoch: 1,
      best_checkpoint_path: best.uri,
      last_checkpoint_path: last.uri,
      total_duration_seconds: expect.any(Number) as number,
    },
  ]);
  expect(receiver.taken("logs").map(({ event_type, level }) => [event_type, level])).toEqual(
    expect.arrayContaining([
      ["checkpoint", "INFO"],
      ["trainer", "WARNING"],
    ]),
  );
  // The key by which the platform's own code finds a checkpoint; what was announced has a digest in its name.
  expect(await readFile(path.join(world.folder, "files/checkpoints/123/best.pt"), "utf8")).toBe("weights 1b");
  expect(best.uri).toMatch(/checkpoints\/123\/best-1-[0-9a-f]{8}\.pt$/);
  expect(receiver.job).toMatchObject({ status: "completed", final_accuracy: 0.72, best_checkpoint_path: best.uri });
  expect(receiver.metricRows.map(({ epoch, loss }) => [epoch, loss])).toEqual([
    [1, 0.234],
    [2, 0.1],
  ]);
});

it("tells a failure with the platform's word for it, exit code and traceback", async () => {
  const sdk = await world.start();
  await sdk.reportStarted();
  await sdk.reportProgress({ epoch: 3, metrics: {} });
  await sdk.reportFailed(new Error("CUDA out of memory"));
  await sdk.close();
  expect(world.receiver.taken("completion")).toEqual([
    {
      job_id: 123,
      status: "failed",
      exit_code: 1,
      error_message: "[ResourceError] CUDA out of memory",
      traceback: expect.stringContaining("CUDA out of memory") as string,
      total_epochs_completed: 3,
      total_duration_seconds: expect.any(Number) as number,
    },
  ]);
  expect(world.receiver.taken("progress").at(-1)).toMatchObject({ total_epochs: 10, metrics: null });
});

it("leaves what the database would choke on out of a report, so that none is lost", async () => {
  const sdk = await world.start();
  await sdk.reportProgress({ epoch: 99, totalEpochs: 10, metrics: { loss: Number.POSITIVE_INFINITY } });
  await sdk.reportProgress({ epoch: 0, totalEpochs: 0, metrics: { a: 1 } });
  await sdk.reportValidation({ epoch: 1, metrics: { mAP50: 0.5 }, confusionMatrix: [[0.5, 0.5]] });
  await sdk.log("critical", "half a pair \ud83d and a \0 byte");
  await sdk.reportFailed("no\0thing");
  const receipt = await sdk.close();
  expect(receipt).toMatchObject({ complete: true, sinks: { platform: { rejected: 0 }, "platform-logs": { rejected: 0 } } });
  expect(world.receiver.calls.filter(({ status }) => status !== 200)).toEqual([]);
  expect(world.receiver.taken("progress").map((body) => body["progress_percent"])).toEqual([100, 0]);
  expect(world.receiver.logRows).toContain("[ERROR] half a pair \ufffd and a  byte");
});

it("sees a cancel before the next report, and sends none that would wipe it out", async () => {
  const sdk = await world.start();
  await sdk.reportStarted();
  await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
  await sdk.flush();
  world.receiver.cancel();
  await sdk.reportProgress({ epoch: 2, metrics: { loss: 0.5 } });
  await eventually(() => sdk.signal.aborted, "the stop");
  expect(sdk.stats().stopRequested).toMatchObject({ source: "platform", message: expect.stringContaining("cancelled") as string });
  await sdk.reportStopped("cancelled by the user", { epoch: 1 });
  const receipt = await sdk.close();
  expect(receipt.sinks["platform"]).toMatchObject({ pending: 0, rejected: 1 });
  expect(world.receiver.taken("progress").map((body) => body["current_epoch"])).toEqual([0, 1]);
  expect(world.receiver.taken("completion")).toMatchObject([{ status: "cancelled", error_message: "cancelled by the user" }]);
  expect(world.receiver.taken("completion")[0]).not.toHaveProperty("exit_code");
  expect(world.receiver.job.status).toBe("cancelled");
});

it("sees a stop while the training is silent, by asking", async () => {
  const sdk = await world.start({ stopPollIntervalMs: 10 });
  await sdk.reportStarted();
  await sdk.flush();
  world.receiver.stop();
  await eventually(() => sdk.signal.aborted, "the stop");
  await sdk.close({ deadlineMs: 0 });
});

it("sees a cancel in the answer to a log line", async () => {
  const sdk = await world.start();
  await sdk.reportStarted();
  await sdk.flush();
  world.receiver.cancel();
  await sdk.log("info", "still here");
  await eventually(() => sdk.signal.aborted, "the stop");
});

it("does not take the stop that an earlier attempt reported for a wish of the user", async () => {
  const first = await world.start();
  await first.reportStarted();
  await first.reportStopped("preempted");
  await first.close();
  expect(world.receiver.job.status).toBe("stopped");
  const second = await world.start({ stopPollIntervalMs: 10 });
  const asked = world.receiver.calls.length;
  await eventually(() => world.receiver.calls.length > asked + 1, "two questions");
  expect(second.signal.aborted).toBe(false);
  await second.reportStarted();
  await second.reportProgress({ epoch: 1, metrics: { loss: 1 } });
  await second.reportCompleted();
  expect((await second.close()).complete).toBe(true);
  expect(world.receiver.job.status).toBe("completed");
});

it("leaves a user's cancel standing when the training fails in its grace period", async () => {
  const sdk = await world.start();
  await sdk.reportStarted();
  await sdk.flush();
  world.receiver.cancel();
  await sdk.reportFailed(new Error("killed"));
  await sdk.close();
  expect(world.receiver.job.status).toBe("cancelled");
});

it("sends nothing that comes from before the end once the backend has the end", async () => {
  world.receiver.before = ({ kind }) => (kind === "progress" ? { status: 422, body: "{}" } : undefined);
  const sdk = await world.start();
  await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
  await sdk.reportCompleted();
  await sdk.close();
  world.receiver.before = undefined;
  const transport = undiciTransport();
  const outbox = await Outbox.open({
    directory: `${world.folder}/journal`,
    sinks: createPlatformV2Sinks({
      url: world.receiver.callbackUrl,
      job: { operation: "training", jobId: 123, taskType: "detection", primaryMetric: undefined, totalEpochs: undefined },
      mode: "drain",
      transport,
      clock: systemClock,
      random: Math.random,
      logger: silentLogger,
    }),
  });
  expect(await outbox.replay()).toBe(1);
  await outbox.flush();
  const [letter] = await outbox.deadLetters();
  await outbox.close();
  await transport.close();
  expect(letter?.detail).toContain("back to running");
  expect(world.receiver.job.status).toBe("completed");
});

it("does not send a report again whose answer was lost after the backend had taken it", async () => {
  let lost = 0;
  world.receiver.after = ({ kind }) => (kind === "progress" && lost++ === 1 ? { status: 200, destroy: true } : undefined);
  const sdk = await world.start();
  await sdk.reportStarted();
  await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
  await sdk.reportProgress({ epoch: 2, metrics: { loss: 0.5 } });
  expect((await sdk.flush()).complete).toBe(true);
  expect(world.receiver.metricRows.map(({ epoch }) => epoch)).toEqual([1, 2]);
});

it("does not send an end again whose answer was lost", async () => {
  let lost = 0;
  world.receiver.after = ({ kind }) => (kind === "completion" && lost++ === 0 ? { status: 200, destroy: true } : undefined);
  const sdk = await world.start();
  await sdk.reportStarted();
  await sdk.reportCompleted({ finalMetrics: { loss: 1 } });
  expect((await sdk.close()).complete).toBe(true);
  expect(world.receiver.taken("completion")).toHaveLength(1);
});

it("lets another process deliver what a trainer left, in the same words", async () => {
  world.receiver.before = () => ({ status: 503 });
  const sdk = await world.start();
  await sdk.reportStarted({ totalEpochs: 2 });
  await sdk.reportValidation({ epoch: 1, metrics: { mAP50: 0.75 } });
  await sdk.log("info", "left behind");
  await sdk.reportCompleted({ epoch: 2, totalEpochs: 2 });
  expect((await sdk.close({ deadlineMs: 0 })).complete).toBe(false);
  world.receiver.before = undefined;
  // Another machine: nothing of the job's environment is there but the journal.
  const report = await drainJournal({
    directory: path.join(world.folder, "journal"),
    env: {},
    deadlineMs: 20_000,
    signal: new AbortController().signal,
  });
  expect(report).toMatchObject({ complete: true, unreachable: {} });
  expect(world.receiver.taken("validation")).toMatchObject([{ task_type: "object_detection", primary_metric_name: "mAP50" }]);
  expect(world.receiver.logRows).toEqual(["[INFO] left behind"]);
  expect(world.receiver.job.status).toBe("completed");
});

it("warns once when the backend writes to the ClearML task that the SDK writes to", async () => {
  world.receiver.job.clearml_task_id = "the-task";
  const warnings: string[] = [];
  const transport = undiciTransport();
  const [sink] = createPlatformV2Sinks({
    url: world.receiver.callbackUrl,
    job: { operation: "training", jobId: 123, taskType: "detection", primaryMetric: undefined, totalEpochs: undefined },
    mode: "drain",
    taskId: () => "the-task",
    transport,
    clock: systemClock,
    random: Math.random,
    logger: { ...silentLogger, warn: (message) => warnings.push(message) },
  });
  const context = { signal: new AbortController().signal, memory: volatileMemory(), ambiguous: false };
  await sink?.deliver([recordOf(FACTS.started, 1), recordOf(FACTS.progress, 2)], context);
  await transport.close();
  expect(warnings).toEqual([expect.stringContaining("TRAINER_SINKS=platform")]);
});

it("warns at the start of files that go elsewhere than where the platform's other jobs look for them", async () => {
  const own = { INTERNAL_STORAGE_ENDPOINT: "http://minio:9002", INTERNAL_BUCKET_CHECKPOINTS: "training-checkpoints" };
  await world.start({}, own);
  expect(world.warnings.join("\n")).toMatch(/Files go to file:.*, but .* from the bucket training-checkpoints at minio:9002 alone/);
});
