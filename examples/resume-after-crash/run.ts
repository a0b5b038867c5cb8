/**
 * Runs `train.ts`, which is killed in its fourth epoch, and starts it again on the same folders. Ends with an error unless
 * there is one task, completed, whose chart has each epoch once, and whose newest checkpoint is the last epoch's.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { TrainerSDK } from "trainer-sdk";
import { createClearML } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";

const folder = await mkdtemp(path.join(tmpdir(), "resume-after-crash-"));
const journal = path.join(folder, "journal");
const server = await startDevServer();
const clearml = createClearML({}, { ...server.env });

/** One life of the trainer, to its end, whichever it is. */
async function live(more: Readonly<Record<string, string>>): Promise<{ readonly end: number | string | null; readonly said: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("train.ts", import.meta.url))], {
    env: { ...process.env, ...server.env, WORK_DIR: folder, TRAINER_JOURNAL_DIR: journal, JOB_ID: "7", CHECKPOINT_URI: "clearml", ...more },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 60_000,
    killSignal: "SIGTERM",
  });
  const [said, [code, signal]] = await Promise.all([
    text(child.stdout),
    once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { end: signal ?? code, said };
}

try {
  const first = await live({ CRASH_IN_EPOCH: "4" });
  assert.equal(first.end, "SIGKILL", first.said);
  // What the dead process left, for whoever wants to look before the next start.
  const token = await TrainerSDK.readResumeToken(journal);
  assert.equal(token?.checkpoints["last"]?.epoch, 4);

  const second = await live({});
  assert.equal(second.end, 0, second.said);
  assert.match(second.said, /going on after epoch 3/);

  const { tasks } = await clearml.tasks.getPage({});
  assert.deepEqual(
    tasks.map(({ name, status }) => [name, status]),
    [["Training Job 7", "completed"]],
  );
  const taskId = tasks[0]?.id ?? "";
  const charts = await clearml.reading.exactCharts(taskId, { metrics: [{ metric: "loss", variants: ["train"] }] });
  const [line] = charts[0]?.series ?? [];
  const epochs = Array.from({ length: 10 }, (_, index) => index + 1);
  assert.deepEqual(line?.x, epochs, "each epoch once, the fourth too, which was told twice");
  assert.deepEqual(
    line.y,
    epochs.map((epoch) => 0.5 ** epoch),
  );

  const { task } = await clearml.tasks.getById({ task: taskId });
  const newest = task.execution?.artifacts?.find(({ key }) => key === "checkpoint_last");
  const copy = path.join(folder, "downloaded.json");
  await clearml.files.download(newest?.uri ?? "", copy);
  assert.deepEqual(JSON.parse(await readFile(copy, "utf8")), { epoch: 10, weight: 0.5 ** 10 });
  console.log("Killed in epoch 4 and started again: one task, ten epochs, each once, and the last checkpoint.");
} finally {
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
