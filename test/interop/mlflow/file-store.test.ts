/**
 * MLflow's own file store, written by its client without a server: what we read of it beside what that client reads, run for run;
 * moved into the embedded ClearML and proved; and once more when the folder lies elsewhere than it was written.
 */
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import {
  openMlflowSource,
  planMigration,
  runMigration,
  verifyMigration,
  type MlflowPoint,
  type MlflowSource,
} from "../../../src/migrate/index.js";
import { describeMlflowSourceContract } from "../../contract/mlflow-source-contract.js";
import { openServer, type PeerServer } from "../clearml/server.js";
import { Tally } from "../support/tally.js";
import { newFileStore, type FilledMlflow } from "./mlflow-server.js";
import { MLFLOW_LINES, pythonOf } from "./tools.js";

/** More than a page. */
const LONG_POINTS = 12_000;
const MANY_RUNS = 3;
const T = 1_700_000_000_000;

describe.each(MLFLOW_LINES)("the file store of MLflow $version", (line) => {
  let folder: string;
  let mlflow: FilledMlflow;
  let ids: Readonly<Record<string, string>>;
  let server: PeerServer;
  let clearml: ClearML;
  const signal = new AbortController().signal;
  const tally = new Tally("mlflow", `MLflow ${line.version}, its file store`);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "interop-file-store-"));
    server = await openServer();
    clearml = server.client();
    mlflow = await newFileStore(await pythonOf(line));
    ids = await mlflow.fill(LONG_POINTS, MANY_RUNS);
  });
  // Here it may throw without leaving a server behind.
  afterEach(() => {
    tally.end();
  });
  afterAll(async () => {
    await clearml.close();
    await mlflow.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (trackingUri = mlflow.trackingUri): Promise<MlflowSource> => openMlflowSource({ trackingUri }, {});

  describeMlflowSourceContract(`the file store of MLflow ${line.version}`, async () => ({
    source: await open(),
    ids,
    dispose: () => Promise.resolve(),
  }));

  async function runIdsOf(source: MlflowSource): Promise<string[]> {
    const found: string[] = [];
    for await (const { experiment_id } of source.experiments({ signal }))
      for await (const { info } of source.runs(experiment_id, { signal })) found.push(info.run_id);
    return found;
  }

  async function pointsOf(source: MlflowSource, runId: string, key: string): Promise<MlflowPoint[]> {
    const points: MlflowPoint[] = [];
    for await (const page of source.history(runId, key, { signal })) points.push(...page);
    return points;
  }

  /** In the form in which MLflow's client is asked, its spelling of numbers but for that of a double left aside. */
  async function asClientSays(source: MlflowSource, runId: string): Promise<Record<string, unknown>> {
    const { info, data } = await source.run(runId, { signal });
    const points: Record<string, string[]> = {};
    for (const { key } of data.metrics)
      points[key] = (await pointsOf(source, runId, key))
        .map(({ timestamp, step, value }) => `${String(timestamp)} ${String(step)} ${Object.is(value, -0) ? "-0" : String(value)}`)
        .sort();
    const files: Record<string, string> = {};
    for await (const { path, file_size } of source.artifacts(runId, { signal })) {
      const options = { signal, sizeBytes: Number(file_size ?? 0) };
      files[path] = (await source.download(runId, path, join(folder, "file"), options)).sha256;
    }
    const { run_id, experiment_id, run_name, status, start_time, end_time = null, lifecycle_stage, user_id } = info;
    return {
      info: [run_id, experiment_id, run_name, status, start_time, end_time, lifecycle_stage, user_id],
      params: Object.fromEntries(data.params.map(({ key, value }) => [key, value])),
      tags: Object.fromEntries(data.tags.map(({ key, value }) => [key, value])),
      points,
      files,
    };
  }

  function said(run: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const points = Object.entries(run["points"] as Record<string, [number, number | string, string][]>).map(([key, rows]) => [
      key,
      rows.map(([timestamp, step, value]) => `${String(timestamp)} ${String(step)} ${spelling(value)}`).sort(),
    ]);
    return { ...run, points: Object.fromEntries(points) as unknown };
  }

  it("is read as its own client reads it, run for run", async () => {
    await using source = await open();
    const found = await runIdsOf(source);
    const { models: _, modelsWithoutFiles: __, ...runs } = ids;
    tally.compare("runs", found.toSorted(), Object.values(runs).toSorted());
    const reading = await mlflow.read(found);
    for (const id of found) {
      const [ours, theirs] = [await asClientSays(source, id), said(reading.runs[id] ?? {})];
      // MLflow's client answers step 0 for points with a data set, whatever its file says.
      if (id === ids["on data"] || id === ids["still running"])
        for (const one of [ours, theirs]) delete (one["points"] as Record<string, unknown>)["accuracy"];
      tally.compareFields(`run ${id}`, ours, theirs);
    }
    const experiments: Record<string, unknown> = {};
    for await (const { experiment_id, name, lifecycle_stage, creation_time, tags } of source.experiments({ signal }))
      if (experiment_id in reading.experiments)
        experiments[experiment_id] = [name, lifecycle_stage, creation_time, Object.fromEntries(tags.map(({ key, value }) => [key, value]))];
    tally.compareFields("experiments", experiments, { ...reading.experiments });
    tally.compare("troubles", source.troubles?.(), []);
  });

  it("keeps what its own client loses: data sets of points with their steps, and NaN of models", async () => {
    await using source = await open();
    const { inputs } = await source.run(ids["on data"] ?? "", { signal });
    const datasets = (inputs as { dataset_inputs: { dataset: { name: string; digest: string } }[] }).dataset_inputs;
    tally.compare("digests", datasets.map(({ dataset }) => `${dataset.name} ${dataset.digest}`).sort(), [
      "birds 0o17",
      "cats and dogs 1234e567",
    ]);
    if (!line.hasLoggedModels) return;
    const measured = await pointsOf(source, ids["on data"] ?? "", "accuracy");
    const expected = [0, 1, 2].map((n) => ({
      ...{ value: 0.5 + n / 10, timestamp: T + n, step: n },
      ...{ dataset_name: "birds", dataset_digest: "0o17" },
    }));
    tally.compare("points on data", measured, expected);
    const running = await pointsOf(source, ids["still running"] ?? "", "accuracy");
    tally.compare(
      "points of a model's run",
      running.map(({ step, value }) => [step, value]),
      [
        [0, 0.5],
        [1, Number.NaN],
        [2, 0.7],
      ],
    );
    const metrics: unknown[] = [];
    for await (const { experiment_id } of source.experiments({ signal }))
      for await (const { data } of source.loggedModels(experiment_id, { signal }))
        metrics.push(...data.metrics.map((point) => point["value"]));
    tally.compare("points of the model", metrics, [0.5, Number.NaN, 0.7, 0.5]);
  });

  it("is moved and proved, and so is the folder once it was brought elsewhere", async () => {
    await using source = await open();
    const into = `MLflow ${line.version} folder`;
    // Of the models of the corpus some have no files, which is no fault of the folder.
    const given = { mlflow: source, clearml, sourceId: into, into, acceptLinks: true };
    const plan = await planMigration(given);
    tally.compare("unreadable runs", [plan.failures, plan.troubles], [[], []]);
    const moved = await runMigration(given);
    tally.compare("failures", [moved.failures, moved.models.failures], [[], []]);
    tally.compare("models", moved.models.migrated, Number(ids["models"]));
    const proof = await verifyMigration(given);
    tally.compare("differences", proof.differences, []);
    tally.compare("proved", proof.ok, true);
    expect(proof.compared.points).toBeGreaterThan(LONG_POINTS);

    const elsewhere = join(dirname(mlflow.trackingUri), "kept of the old machine");
    await rename(mlflow.trackingUri, elsewhere);
    try {
      await using brought = await open(elsewhere);
      const again = await verifyMigration({ ...given, mlflow: brought });
      tally.compare("differences elsewhere", again.differences, []);
      tally.compare("proved elsewhere", [again.ok, again.compared.files], [true, proof.compared.files]);
    } finally {
      await rename(elsewhere, mlflow.trackingUri);
    }
  });
});

/** Python's spelling of a double as JavaScript's. */
function spelling(text: string): string {
  const value = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, "-inf": Number.NEGATIVE_INFINITY }[text] ?? Number(text);
  return Object.is(value, -0) ? "-0" : String(value);
}
