/**
 * The platform's worker. Takes what it needs from the environment: `TEMPORAL_ADDRESS`, `TASK_QUEUE`, `WORK_DIR` (the registry
 * of trainers and their journals), `CHECKPOINT_URI`, and ClearML and the backend as a trainer does.
 *
 * On SIGTERM it lets go of its trainings and ends; they go on, and the next worker on this machine adopts them.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { NativeConnection, Worker } from "@temporalio/worker";
import { createTrainingActivities, subprocessManager } from "trainer-sdk/temporal";

const work = path.resolve(process.env["WORK_DIR"] ?? "work");
const complain = (message: string): void => console.error(message);

const activities = createTrainingActivities({
  manager: subprocessManager({ directory: path.join(work, "trainers") }),
  journal: { directory: path.join(work, "journals", "{jobId}") },
  // Passed to the trainer's process and kept nowhere: neither in Temporal's history nor on the disk.
  trainerSecrets: () => ({
    CLEARML_API_ACCESS_KEY: process.env["CLEARML_API_ACCESS_KEY"] ?? "",
    CLEARML_API_SECRET_KEY: process.env["CLEARML_API_SECRET_KEY"] ?? "",
  }),
  pollIntervalMs: 1_000,
  logger: { debug() {}, info() {}, warn: complain, error: complain },
});

const connection = await NativeConnection.connect({ address: process.env["TEMPORAL_ADDRESS"] ?? "localhost:7233" });
try {
  const worker = await Worker.create({
    connection,
    taskQueue: process.env["TASK_QUEUE"] ?? "trainings",
    workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
    activities: { ...activities },
    // A cancellation travels with the answer to a heartbeat; the default of a minute is long for somebody at a terminal.
    maxHeartbeatThrottleInterval: "2s",
    shutdownGraceTime: "5s",
  });
  console.error("worker: ready");
  await worker.run();
} finally {
  await connection.close();
}
