/**
 * What a platform's backend does with ClearML: it shows a table of all runs, a chart that compares them, one run's exact
 * curve and its last console lines, and links and frames into ClearML's own pages. Two short trainings are reported first,
 * so that there is something to read.
 *
 * Runs against the server that the environment names (`CLEARML_API_HOST`, ...), else against one of its own. Checks what
 * it read, and leaves with an exit code other than 0 when that is not what was reported.
 */
import { strict as assert } from "node:assert";
import { createClearML, Project, widgetUrl, type Chart, type ClearML, type TaskMetrics } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";

const EPOCHS = 50;
const RATES = { "slow learner": 0.02, "fast learner": 0.2 };

const own = process.env["CLEARML_API_HOST"] === undefined ? await startDevServer() : undefined;
const clearml = createClearML({}, own ? { ...process.env, ...own.env } : process.env);
try {
  const project = await Project.findOrCreate(
    clearml,
    `Examples/backend metrics ${new Date().toISOString().slice(0, 19).replaceAll(":", ".")}`,
  );
  const tasks: string[] = [];
  for (const [name, rate] of Object.entries(RATES)) tasks.push(await train(clearml, project.id, name, rate));

  const table = await clearml.reading.metricsOfTasks(tasks);
  print(table);
  const comparison = await clearml.reading.compare(tasks, { metrics: [{ metric: "loss" }], samples: 20 });
  const [exact] = await clearml.reading.exactCharts(tasks[0] ?? "", { metrics: [{ metric: "loss", variants: ["train"] }] });
  const tail = await clearml.reading.logTail(tasks[0] ?? "", 2);
  const frame = clearml.session.webHost && widgetUrl(clearml.session.webHost, { type: "scalar", objects: tasks, metrics: ["loss"] });
  console.log(`the last lines of ${table[0]?.taskName ?? ""}:`, ...tail.map(({ text }) => `\n  ${text}`));
  console.log(`for an iframe: ${frame ?? ""}`);

  check(
    table,
    comparison,
    exact,
    tail.map(({ text }) => text),
  );
  console.log("Everything was read as it was reported.");
} finally {
  await clearml.close();
  await own?.close();
}

/** Reports a training, as a trainer's sink would. */
async function train({ tasks, events }: ClearML, project: string, name: string, rate: number): Promise<string> {
  const { id: task } = await tasks.create({ name, type: "training", project });
  await tasks.started({ task });
  const startMs = Date.now() - EPOCHS * 1000;
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    const timestamp = startMs + epoch * 1000;
    const scalar = { type: "training_stats_scalar", task, iter: epoch, timestamp } as const;
    await events.addBatch([
      { ...scalar, metric: "loss", variant: "train", value: loss(rate, epoch) },
      { ...scalar, metric: "accuracy", variant: "val", value: 1 - loss(rate, epoch) },
      { type: "log", task, timestamp, level: "info", msg: `epoch ${String(epoch)} of ${String(EPOCHS)}` },
    ]);
  }
  await tasks.completed({ task });
  return task;
}

function loss(rate: number, epoch: number): number {
  return Math.exp(-rate * epoch);
}

function print(table: readonly TaskMetrics[]): void {
  for (const { taskName, status, lastIteration, metrics, webUrl } of table) {
    const { last, min } = metrics["loss"]?.["train"] ?? {};
    console.log(`${taskName}: ${status} at ${String(lastIteration)}, loss ${String(last)} (least ${String(min)}), ${webUrl ?? ""}`);
  }
}

function check(table: readonly TaskMetrics[], comparison: readonly Chart[], exact: Chart | undefined, tail: readonly string[]): void {
  assert.deepEqual(
    table.map(({ taskName, status, lastIteration, metrics }) => [taskName, status, lastIteration, metrics["loss"]?.["train"]?.last]),
    Object.entries(RATES).map(([name, rate]) => [name, "completed", EPOCHS, loss(rate, EPOCHS)]),
  );
  assert.equal(comparison.length, 1);
  assert.deepEqual(new Set(comparison[0]?.series.map(({ taskName }) => taskName)), new Set(Object.keys(RATES)));
  for (const { x, y } of comparison[0]?.series ?? []) assert.ok(x.length === y.length && x.length <= 21 && x.length > 10);
  const [line] = exact?.series ?? [];
  assert.equal(line?.x.length, EPOCHS);
  assert.deepEqual(
    line.y,
    line.x.map((epoch) => loss(RATES["slow learner"], epoch)),
  );
  assert.deepEqual(
    line.timestamps,
    line.timestamps?.toSorted((one, other) => one - other),
  );
  assert.deepEqual(tail, [`epoch ${String(EPOCHS - 1)} of ${String(EPOCHS)}`, `epoch ${String(EPOCHS)} of ${String(EPOCHS)}`]);
}
