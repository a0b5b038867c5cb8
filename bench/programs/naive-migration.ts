/**
 * What one writes first: run after run, metric after metric, one call to read a history and one `events.add` for each point,
 * awaited. It moves points alone: no parameters, tags, files, copy, and no way to go on after a fault. By `fetch`, which costs less
 * than the clients for Python do. Afterwards it looks whether all points are there.
 */
import { createClearML } from "trainer-sdk/clearml";
import { RawClearML, type ServerAddress } from "../../test/support/raw-clearml.ts";
import { answer, input } from "./input.ts";

interface Point {
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

const { trackingUri, runIds } = input<{ trackingUri: string; runIds: readonly string[] }>();
const raw = await RawClearML.login(process.env as unknown as ServerAddress);

async function mlflow<T>(path: string, query: Readonly<Record<string, string>>): Promise<T> {
  const url = `${trackingUri}/api/2.0/mlflow/${path}?${new URLSearchParams(query).toString()}`;
  // Between two calls lie so many others that the server would have closed a kept connection.
  const answered = await fetch(url, { headers: { connection: "close" } });
  if (answered.status !== 200) throw new Error(`${path} answered ${String(answered.status)}`);
  return (await answered.json()) as T;
}

const moved: { readonly task: string; readonly metric: string; readonly points: readonly Point[] }[] = [];
const cpu = process.cpuUsage();
const startedAt = performance.now();
for (const runId of runIds) {
  const { run } = await mlflow<{ run: { info: { run_name: string }; data: { metrics: readonly { key: string }[] } } }>("runs/get", {
    run_id: runId,
  });
  const { id } = await raw.call("tasks.create", { name: run.info.run_name, type: "training" });
  const task = String(id);
  await raw.call("tasks.started", { task });
  for (const { key: metric } of run.data.metrics) {
    const query = { run_id: runId, metric_key: metric, max_results: "25000" };
    const { metrics: points = [] } = await mlflow<{ metrics?: readonly Point[] }>("metrics/get-history", query);
    for (const { value, timestamp, step } of points)
      await raw.call("events.add", { type: "training_stats_scalar", task, metric, variant: metric, value, timestamp, iter: step });
    moved.push({ task, metric, points });
  }
  await raw.call("tasks.completed", { task });
}
const seconds = (performance.now() - startedAt) / 1000;
const used = process.cpuUsage(cpu);

await using clearml = createClearML();
let differences = 0;
for (const { task, metric, points } of moved) {
  const expected = new Map(points.map(({ step, value }) => [step, value]));
  for await (const { iter, value } of clearml.events.iterateEvents({ task, type: "training_stats_scalar", metrics: [{ metric }] }))
    if (expected.get(iter ?? Number.NaN) === value) expected.delete(iter ?? Number.NaN);
    else differences++;
  differences += expected.size;
}
answer({
  points: moved.reduce((sum, { points }) => sum + points.length, 0),
  seconds,
  cpuSeconds: (used.user + used.system) / 1e6,
  problem: differences === 0 ? undefined : `${String(differences)} points are not what they were`,
});
