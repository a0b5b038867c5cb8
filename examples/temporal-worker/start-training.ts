/**
 * The client: starts a training, prints how far it is, and ends with the workflow's result as one line of JSON. Ctrl-C
 * cancels the training and waits until the trainer is really gone.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, Connection, WorkflowFailedError } from "@temporalio/client";
import type { TrainingWorkflowInput, TrainingWorkflowProgress, TrainingWorkflowResult } from "trainer-sdk/temporal/workflow";

const taskQueue = process.env["TASK_QUEUE"] ?? "trainings";
const jobId = process.env["JOB_ID"] ?? randomBytes(4).toString("hex");
const epochs = Number(process.env["EPOCHS"] ?? 10);

const connection = await Connection.connect({ address: process.env["TEMPORAL_ADDRESS"] ?? "localhost:7233" });
const client = new Client({ connection });
const input: TrainingWorkflowInput = {
  job: { jobId, projectId: "mnist" },
  command: [process.execPath, "--no-warnings", fileURLToPath(new URL("../mnist/train.ts", import.meta.url))],
  workingDirectory: process.env["WORK_DIR"] ?? process.cwd(),
  env: { MNIST_WORK_DIR: `weights-${jobId}` },
  config: { epochs, trainImages: 20_000 },
  required: { checkpoints: ["last"] },
  activities: { heartbeatTimeoutMs: 10_000 },
};
const workflow = await client.workflow.start("trainingWorkflow", { workflowId: `training-${jobId}`, taskQueue, args: [input] });
console.error(`training-${jobId} has begun`);
process.once("SIGINT", () => {
  console.error("cancelling ...");
  void workflow.cancel();
});

const over = new AbortController();
const result = (workflow.result() as Promise<TrainingWorkflowResult>).finally(() => {
  over.abort();
});
result.catch(() => undefined);
let told = "";
while (!over.signal.aborted) {
  // A query needs a worker; while there is none the training may well go on.
  const progress = await workflow.query<TrainingWorkflowProgress>("progress").catch(() => undefined);
  const percent = progress?.training?.percent;
  const line = progress === undefined ? "no worker answers" : `${progress.step}${percent === undefined ? "" : ` ${String(percent)} %`}`;
  if (line !== told) console.error(line);
  told = line;
  await sleep(500);
}
try {
  console.log(JSON.stringify(await result));
} catch (error) {
  console.log(JSON.stringify({ status: "failed", cause: describe(error) }));
  process.exitCode = 1;
} finally {
  await connection.close();
}

/** The innermost cause says what happened; what is around it says where. */
function describe(error: unknown): string {
  const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
  const inner = cause?.cause instanceof Error ? cause.cause : cause;
  return inner === undefined ? String(error) : `${inner.name}: ${inner.message}`;
}
