/**
 * MLflow, filled by its own client: what its database says, read without the server, beside what the server says; and both
 * moved into the embedded ClearML and proved.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import { MlflowClient, openMlflowSource, runMigration, verifyMigration, type MlflowSource } from "../../../src/migrate/index.js";
import { describeMlflowSourceContract, type SourceUnderTest } from "../../contract/mlflow-source-contract.js";
import { openServer, type PeerServer } from "../clearml/server.js";
import { Tally } from "../support/tally.js";
import { startMlflow, type MlflowServer } from "./mlflow-server.js";
import { MLFLOW_LINES, pythonOf } from "./tools.js";

/** More than a page of either source. */
const LONG_POINTS = 30_000;
const MANY_RUNS = 2;

interface Pair {
  readonly key: string;
  readonly value: string;
}
const pairs = (list: readonly Pair[]): string[] => list.map(({ key, value }) => JSON.stringify([key, value])).sort();
const text = (value: unknown): string => String(value ?? "");

describe.each(MLFLOW_LINES)("MLflow $version by its database", (line) => {
  const { version } = line;
  let folder: string;
  let mlflow: MlflowServer;
  let ids: Readonly<Record<string, string>>;
  let server: PeerServer;
  let clearml: ClearML;
  let rest: MlflowClient;
  let database: MlflowSource;
  const signal = new AbortController().signal;
  const tally = new Tally("mlflow", `MLflow ${version}, its database beside its server`);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "interop-sources-"));
    server = await openServer();
    clearml = server.client();
    mlflow = await startMlflow(await pythonOf(line));
    ids = await mlflow.fill(LONG_POINTS, MANY_RUNS);
    rest = new MlflowClient({ trackingUri: mlflow.trackingUri }, {});
    database = await openMlflowSource({ trackingUri: mlflow.database, artifactsRoot: mlflow.artifactsRoot }, {});
  });
  // Here it may throw without leaving a server behind.
  afterEach(() => {
    tally.end();
  });
  afterAll(async () => {
    await database.close();
    await rest.close();
    await clearml.close();
    await mlflow.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const underTest = async (trackingUri: string): Promise<SourceUnderTest> => {
    const source = await openMlflowSource({ trackingUri, artifactsRoot: mlflow.artifactsRoot }, {});
    return { source, ids, dispose: () => Promise.resolve() };
  };
  describeMlflowSourceContract(`the server of MLflow ${version}`, () => underTest(mlflow.trackingUri));
  describeMlflowSourceContract(`the database of MLflow ${version}`, () => underTest(mlflow.database));

  /** Everything that a source says of its runs, by run id. */
  async function contents(source: MlflowSource): Promise<Map<string, unknown>> {
    const found = new Map<string, unknown>();
    for await (const experiment of source.experiments({ signal })) {
      found.set(`experiment ${experiment.experiment_id}`, [
        ...[experiment.name, experiment.lifecycle_stage, experiment.artifact_location, text(experiment.creation_time)],
        pairs(experiment.tags),
      ]);
      for await (const { info } of source.runs(experiment.experiment_id, { signal }))
        found.set(info.run_id, await contentsOf(source, info.run_id));
    }
    return found;
  }

  async function contentsOf(source: MlflowSource, runId: string): Promise<unknown> {
    const { info, data } = await source.run(runId, { signal });
    const history = new Map<string, { points: number; digest: string }>();
    for (const key of data.metrics.map((metric) => metric.key).sort()) {
      const points: string[] = [];
      for await (const page of source.history(runId, key, { signal }))
        points.push(...page.map(({ timestamp, step, value }) => `${String(timestamp)} ${String(step)} ${String(value)}`));
      // MLflow 2 gives no order.
      history.set(key, { points: points.length, digest: createHash("sha256").update(points.sort().join("\n")).digest("hex") });
    }
    const files: string[] = [];
    for await (const { path, file_size } of source.artifacts(runId, { signal })) {
      const { sha256 } = await source.download(runId, path, join(folder, "file"), { signal, sizeBytes: Number(file_size ?? 0) });
      files.push(`${path} ${sha256}`);
    }
    const { run_name, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage, experiment_id } = info;
    const facts = { run_name, status, artifact_uri, lifecycle_stage, experiment_id, user: text(user_id) };
    return {
      ...facts,
      start: text(start_time),
      end: text(end_time),
      params: pairs(data.params),
      tags: pairs(data.tags),
      history,
      files: files.sort(),
    };
  }

  async function models(source: MlflowSource): Promise<Map<string, unknown>> {
    const found = new Map<string, unknown>();
    for await (const { name } of source.registeredModels({ signal })) {
      const { description, tags, aliases } = await source.registeredModel(name, { signal });
      found.set(name, [text(description), pairs(tags), aliases.map(({ alias, version: of }) => `${alias} ${String(of)}`).sort()]);
      for await (const one of source.modelVersions(name, { signal }))
        found.set(`${name} ${one.version}`, [
          one.source,
          one.current_stage,
          text(one.run_id),
          text(one.description),
          one.status,
          pairs(one.tags),
        ]);
    }
    for await (const { experiment_id } of source.experiments({ signal }))
      for await (const { info, data } of source.loggedModels(experiment_id, { signal }))
        found.set(info.model_id, [
          info.name,
          info.artifact_uri,
          info.status,
          info.source_run_id,
          info.model_type,
          pairs(info.tags),
          pairs(data.params),
        ]);
    return found;
  }

  it("says the same by its database and by its server, run for run", async () => {
    const [left, right] = [await contents(rest), await contents(database)];
    expect(left.size).toBeGreaterThan(MANY_RUNS + 10);
    tally.compare("runs and experiments", [...right.keys()].sort(), [...left.keys()].sort());
    for (const [id, said] of left) tally.compare(id, right.get(id), said);
  });

  it("says the same of models", async () => {
    const [left, right] = [await models(rest), await models(database)];
    expect(left.size).toBeGreaterThan(4);
    tally.compare("models", [...right.keys()].sort(), [...left.keys()].sort());
    for (const [id, said] of left) tally.compare(id, right.get(id), said);
  });

  it.each([
    ["server", (): MlflowSource => rest],
    ["database", (): MlflowSource => database],
  ])("is moved from its %s, and proved", async (from, source) => {
    const given = { mlflow: source(), clearml, sourceId: `${version} ${from}`, into: `${version} ${from}` };
    const moved = await runMigration(given);
    tally.compare("failures", [moved.failures, moved.models.failures], [[], []]);
    const proof = await verifyMigration({ ...given, acceptLinks: true });
    tally.compare("differences", proof.differences, []);
    tally.compare("proved", proof.ok, true);
    expect(proof.compared.points).toBeGreaterThan(LONG_POINTS);
  });
});
