/** The demo's trainer in the container of the existing platform: the receiver's log against what the facts of its wire demand. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { startTrainer } from "../../examples/mnist/child-processes.ts";
import { startPlatformReceiver } from "../support/platform-receiver.js";
import { managerEnvironment } from "../support/platform-trainer.js";

const EPOCHS = 2;
const number = expect.any(Number) as number;

it("runs the demo's trainer as a training job of the existing platform, every request as the facts demand", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "demo-platform-v2-"));
  await using receiver = await startPlatformReceiver({ jobId: 123 });
  try {
    const lines: string[] = [];
    const trainer = startTrainer({
      env: managerEnvironment(receiver.callbackUrl, {
        EPOCHS: String(EPOCHS),
        BATCH_SIZE: "64",
        TASK_TYPE: "image_classification",
        CONFIG: JSON.stringify({
          epochs: EPOCHS,
          batch: 64,
          learning_rate: 0.01,
          imgsz: 640,
          device: "cpu",
          advanced_config: { trainImages: 3000, validationImages: 1000 },
          primary_metric: "accuracy",
          primary_metric_mode: "max",
          split_config: {},
        }),
        TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
        MNIST_WORK_DIR: path.join(folder, "work"),
      }),
      onLine: (line) => lines.push(line),
    });
    expect(await trainer.ended, lines.join("\n")).toEqual({ code: 0, signal: null });

    // No request that the backend refuses, and none to a path that it has not.
    expect(receiver.calls.filter(({ status }) => status !== 200)).toEqual([]);

    // Started, and one report an epoch, in order.
    const best = expect.stringMatching(/^s3:\/\/training-checkpoints\/checkpoints\/job-123\/best-\d-[0-9a-f]{8}\.safetensors$/) as string;
    const last = expect.stringMatching(/^s3:\/\/training-checkpoints\/checkpoints\/job-123\/last-2-[0-9a-f]{8}\.safetensors$/) as string;
    const [started, ...progress] = receiver.taken("progress");
    expect(started).toEqual({
      job_id: 123,
      status: "running",
      current_epoch: 0,
      total_epochs: EPOCHS,
      progress_percent: 0,
      metrics: null,
    });
    expect(progress.map(({ best_checkpoint_path: _path, ...body }) => body)).toEqual(
      [1, 2].map((epoch) => ({
        job_id: 123,
        status: "running",
        current_epoch: epoch,
        total_epochs: EPOCHS,
        progress_percent: (100 * epoch) / EPOCHS,
        metrics: {
          loss: number,
          accuracy: number,
          learning_rate: number,
          extra_metrics: { train_loss: number, train_accuracy: number, learning_rate: number },
        },
      })),
    );

    expect(receiver.taken("validation")).toEqual(
      [1, 2].map((epoch) => ({
        job_id: 123,
        epoch,
        task_type: "image_classification",
        primary_metric_name: "accuracy",
        primary_metric_value: number,
        overall_loss: number,
        metrics: { val_loss: number, val_accuracy: number },
      })),
    );

    // One end, after every report.
    const completion = receiver.taken("completion");
    expect(completion).toEqual([
      {
        job_id: 123,
        status: "completed",
        exit_code: 0,
        total_epochs_completed: EPOCHS,
        final_metrics: { loss: number, accuracy: number, extra_metrics: { test_accuracy: number, test_loss: number } },
        best_metrics: { loss: number, accuracy: number, extra_metrics: { val_loss: number, val_accuracy: number } },
        best_epoch: number,
        best_checkpoint_path: best,
        last_checkpoint_path: last,
        total_duration_seconds: number,
      },
    ]);
    const reports = receiver.calls.map(({ kind }) => kind).filter((kind) => kind === "progress" || kind === "completion");
    expect(reports).toEqual(["progress", "progress", "progress", "completion"]);

    const logs = receiver.taken("logs");
    expect(new Set(logs.map(({ event_type: type }) => type))).toEqual(new Set(["trainer", "checkpoint", "model"]));
    for (const line of logs)
      expect(line).toMatchObject({
        job_id: 123,
        level: "INFO",
        message: expect.any(String) as string,
        timestamp: expect.any(String) as string,
      });

    // Without credentials of the storage, every file came by an address that the backend signed.
    expect(receiver.job).toMatchObject({ status: "completed", best_checkpoint_path: best, last_checkpoint_path: last });
    for (const uri of [receiver.job.best_checkpoint_path, receiver.job.last_checkpoint_path])
      expect(receiver.objects.get(uri?.replace("s3://training-checkpoints/", "") ?? "")?.bytes.length).toBeGreaterThan(100_000);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
