/**
 * Fills a real MLflow server: experiments, runs, parameters, tags, files and the last point of each metric over REST, as
 * any client does; the other points, which would take an hour that way, as rows of the server's own table in its SQLite
 * file. What it put there is looked for through the server.
 */
import { DatabaseSync } from "node:sqlite";
import { answer, input } from "./input.ts";

interface Experiment {
  readonly name: string;
  readonly runs: number;
  readonly metrics: number;
  readonly steps: number;
}

const FIRST_MS = 1_700_000_000_000;
/** Every so many runs: one with files; one whose parent is the run before. */
const FILES_EVERY = 20;
const NESTED_EVERY = 5;
const FILE_BYTES = 100_000;
const AT_ONCE = 8;
/** The most of one answer. */
const PAGE_POINTS = 25_000;

const { trackingUri, database, experiments } = input<{
  trackingUri: string;
  database: string;
  experiments: readonly Experiment[];
}>();

/** No connection is kept: the server closes an idle one when it likes, and what makes something cannot be sent twice. */
const headers = { "content-type": "application/json", connection: "close" };

async function call<T>(path: string, body: object): Promise<T> {
  const answered = await fetch(`${trackingUri}/api/2.0/mlflow/${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (answered.status !== 200) throw new Error(`${path} answered ${String(answered.status)}: ${(await answered.text()).slice(0, 300)}`);
  return (await answered.json()) as T;
}

const keyOf = (metric: number): string => (metric % 2 === 0 ? `train_metric${String(metric)}` : `val/metric${String(metric)}`);
/** A curve whose numbers need all their digits. */
const pointOf = (run: number, metric: number, step: number) => ({
  key: keyOf(metric),
  value: Math.exp(-step / 100) * (1 + metric) + Math.sin(run * 7919 + step * 104729) / 10,
  timestamp: FIRST_MS + step * 1000 + metric,
  step,
});

async function makeRun(experimentId: string, of: Experiment, number: number, parent: string | undefined): Promise<string> {
  const tags = [
    { key: "mlflow.user", value: "ada" },
    { key: "mlflow.source.git.commit", value: "abc123" },
    ...(parent === undefined ? [] : [{ key: "mlflow.parentRunId", value: parent }]),
  ];
  const asked = { experiment_id: experimentId, run_name: `run ${String(number)}`, start_time: FIRST_MS, tags };
  const { run } = await call<{ run: { info: { run_id: string; artifact_uri: string } } }>("runs/create", asked);
  const { run_id, artifact_uri } = run.info;
  await call("runs/log-batch", {
    run_id,
    params: Array.from({ length: 5 }, (_, at) => ({ key: `parameter ${String(at)}`, value: String(number * at) })),
    metrics: Array.from({ length: of.metrics }, (_, metric) => pointOf(number, metric, of.steps - 1)),
  });
  if (number % FILES_EVERY === 0) await putFile(artifact_uri);
  await call("runs/update", { run_id, status: "FINISHED", end_time: FIRST_MS + of.steps * 1000 });
  return run_id;
}

/** Through the server's proxy, as its clients do. */
async function putFile(root: string): Promise<void> {
  const path = root.replace(/^mlflow-artifacts:\/*/, "");
  const url = `${trackingUri}/api/2.0/mlflow-artifacts/artifacts/${path}/model/weights.bin`;
  const answered = await fetch(url, { method: "PUT", headers, body: Buffer.alloc(FILE_BYTES, "weights ") });
  if (answered.status !== 200) throw new Error(`a file was answered with ${String(answered.status)}: ${await answered.text()}`);
}

function putPoints(runIds: readonly string[], { metrics, steps }: Experiment): void {
  const rows = new DatabaseSync(database, { timeout: 60_000 });
  const insert = rows.prepare("INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)");
  rows.exec("BEGIN IMMEDIATE");
  for (const [number, runId] of runIds.entries())
    for (let metric = 0; metric < metrics; metric++)
      // The last one is there already.
      for (let at = 0; at < steps - 1; at++) {
        const { key, value, timestamp, step } = pointOf(number, metric, at);
        insert.run(key, value, timestamp, runId, step);
      }
  rows.exec("COMMIT");
  // As the databases of large servers do by themselves. Without it MLflow's SQLite looks for each history among the points of that
  // name in all runs: 420 ms of a processor a call at 2 million points, where 11 do.
  rows.exec("ANALYZE metrics");
  rows.close();
}

async function makeExperiment(of: Experiment): Promise<readonly string[]> {
  const { experiment_id } = await call<{ experiment_id: string }>("experiments/create", { name: of.name });
  const runIds: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let number = next++; number < of.runs; number = next++) {
      const parent = number % NESTED_EVERY === 1 ? runIds[number - 1] : undefined;
      runIds[number] = await makeRun(experiment_id, of, number, parent);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  putPoints(runIds, of);
  return runIds;
}

/** Points that the server says a metric of a run has, as far as one answer goes: of a long metric each answer takes it seconds. */
async function countedPoints(runId: string, metric: number): Promise<number> {
  const query = new URLSearchParams({ run_id: runId, metric_key: keyOf(metric), max_results: String(PAGE_POINTS) });
  const answered = await fetch(`${trackingUri}/api/2.0/mlflow/metrics/get-history?${query.toString()}`, { headers });
  const { metrics } = (await answered.json()) as { metrics?: readonly unknown[] };
  return metrics?.length ?? 0;
}

const made: Record<string, readonly string[]> = {};
for (const experiment of experiments) {
  const runIds = await makeExperiment(experiment);
  made[experiment.name] = runIds;
  const { metrics, steps } = experiment;
  for (const runId of [runIds.at(0), runIds.at(-1)]) {
    const counted = await countedPoints(runId ?? "", metrics - 1);
    if (counted !== Math.min(steps, PAGE_POINTS))
      throw new Error(`the server says ${String(counted)} of ${String(steps)} points in ${experiment.name}`);
  }
}
answer({ runs: made });
