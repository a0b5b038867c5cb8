/** Runs `train.ts` against a server of its own and ends with an error unless the task, its chart and its model are there. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClearML, Model } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";

const folder = await mkdtemp(path.join(tmpdir(), "quickstart-"));
const server = await startDevServer();
const clearml = createClearML({}, { ...server.env });
try {
  const trainer = fileURLToPath(new URL("train.ts", import.meta.url));
  const ownPlace = { WORK_DIR: folder, TRAINER_JOURNAL_DIR: path.join(folder, "journal") };
  const env = { ...process.env, ...server.env, ...ownPlace, JOB_ID: "quickstart", CHECKPOINT_URI: "clearml" };
  await promisify(execFile)(process.execPath, [trainer], { env, timeout: 60_000 });

  const { tasks } = await clearml.tasks.getPage({});
  assert.deepEqual(
    tasks.map(({ name, status }) => [name, status]),
    [["Training Job quickstart", "completed"]],
  );
  const taskId = tasks[0]?.id ?? "";
  const charts = await clearml.reading.exactCharts(taskId);
  const lines = charts.flatMap(({ title, series }) => series.map(({ name, x, y }) => ({ name: `${title}/${name}`, x, y })));
  const loss = lines.find(({ name }) => name === "loss/train");
  for (const name of ["loss/train", "slope/line", "offset/line"])
    assert.ok(
      lines.some((line) => line.name === name),
      name,
    );
  assert.deepEqual(
    loss?.x,
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  assert.ok((loss.y.at(-1) ?? Number.NaN) < 0.01 * (loss.y[0] ?? Number.NaN), "it learned");

  const model = await Model.get(clearml, { name: "line", task: taskId });
  const copy = await model.getLocalCopy({ directory: path.join(folder, "downloaded") });
  const line = JSON.parse(await readFile(copy, "utf8")) as { readonly slope: number; readonly offset: number };
  assert.ok(Math.abs(line.slope - 3) < 0.2 && Math.abs(line.offset - 0.5) < 0.1, JSON.stringify(line));
  console.log(`y = ${line.slope.toFixed(2)} x + ${line.offset.toFixed(2)}: the task is completed, with three charts and the model.`);
} finally {
  await clearml.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
