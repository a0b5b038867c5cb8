/**
 * Runs `report.ts` against a local server and checks what arrived there, plot by plot. Fails when anything is missing.
 *
 *     npx node examples/custom-plots/run.ts
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClearML } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";

const folder = await mkdtemp(path.join(tmpdir(), "custom-plots-"));
const server = await startDevServer();
const clearml = createClearML({}, { ...server.env });
try {
  await promisify(execFile)(process.execPath, [fileURLToPath(new URL("report.ts", import.meta.url))], {
    env: { ...process.env, ...server.env, JOB_ID: "plots", CHECKPOINT_URI: "clearml", TRAINER_JOURNAL_DIR: path.join(folder, "journal") },
    timeout: 60_000,
  });
  const [task] = (await clearml.tasks.getPage({})).tasks;
  assert.ok(task, "there is a task");
  const { plots } = await clearml.events.getTaskPlots({ task: task.id, iters: 10 });
  const names = plots.map(({ metric, variant, iter }) => `${metric ?? ""}/${variant ?? ""}@${String(iter)}`).sort();
  const expected = ["weights/layer 1", "confusion/validation", "classes/validation", "right guesses/by class"];
  assert.deepEqual(names, expected.flatMap((name) => [1, 2, 3].map((epoch) => `${name}@${String(epoch)}`)).sort());

  const last = plots.find(({ metric, iter }) => metric === "confusion" && iter === 3);
  const { data } = JSON.parse(last?.plot_str ?? "{}") as { data: { type: string; z: number[][]; x: string[] }[] };
  assert.equal(data[0]?.type, "heatmap");
  assert.deepEqual(data[0].z, [
    [20, 0, 0],
    [0, 20, 0],
    [0, 0, 20],
  ]);
  assert.deepEqual(data[0].x, ["cat", "dog", "fox"]);

  const samples = (await clearml.events.getTaskEvents({ task: task.id, event_type: "training_debug_image" })).events;
  assert.equal(samples.length, 3);
  for (const { url } of samples) {
    const file = path.join(folder, "sample.png");
    await clearml.files.download(url ?? "", file);
  }
  console.log(`${String(plots.length)} plots and ${String(samples.length)} images arrived, as they were reported.`);
} finally {
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
