/** What the estimate of a plan takes for granted of requests to ClearML, beside what a migration really sends. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ClearML } from "../../../src/clearml/index.js";
import type { DevServer } from "../../../src/devserver/index.js";
import type { MlflowClient } from "../../../src/migrate/index.js";
import { planMigration, runMigration } from "../../../src/migrate/index.js";
import { REQUESTS_A_FILE, REQUESTS_A_MODEL, REQUESTS_A_RUN } from "../../../src/migrate/estimate-time.js";
import { history, holding, page, point, T, type MlflowStandIn } from "../../support/mlflow-stand-in.js";
import { migrationBench, type MigrationBench } from "../../support/migration-bench.js";

let bench: MigrationBench;
let standIn: MlflowStandIn;
let server: DevServer;
let clearml: ClearML;
let mlflow: MlflowClient;

beforeEach(async () => {
  bench = await migrationBench();
  ({ standIn, server, clearml, mlflow } = bench);
});
afterEach(() => bench[Symbol.asyncDispose]());

/** Requests to ClearML, of a migration of so many runs with so many files each. */
async function requestsOf(runs: number, files: number, models = 0): Promise<number> {
  const ids = Array.from({ length: runs }, (_, at) => `run${String(at)}`);
  standIn.answers = holding(ids, Object.fromEntries(ids.map((id) => [history(id), page(point("1", T, "0"))])));
  for (const id of ids) {
    const names = Array.from({ length: files }, (_, at) => `file${String(at)}.bin`);
    standIn.answers[`artifacts/list?run_id=${id}`] = JSON.stringify({
      files: names.map((path) => ({ path, is_dir: false, file_size: 3 })),
    });
    for (const name of names) standIn.answers[`/get-artifact?run_uuid=${id}&path=${name}`] = "abc";
  }
  const logged = Array.from({ length: models }, (_, at) => ({
    info: { model_id: `m-${String(at)}`, experiment_id: "1", name: "net", artifact_uri: "mlflow-artifacts:/1/m", source_run_id: ids[0] },
  }));
  standIn.answers["logged-models/search"] = JSON.stringify({ models: logged });
  for (const { info } of logged) {
    standIn.answers[`logged-models/${info.model_id}/artifacts/directories`] = '{"files":[{"path":"w.pt","is_dir":false,"file_size":3}]}';
    standIn.answers[`/ajax-api/2.0/mlflow/logged-models/${info.model_id}/artifacts/files?artifact_file_path=w.pt`] = "abc";
  }
  const before = server.requests.counts().total;
  const sourceId = `${String(runs)} ${String(files)} ${String(models)}`;
  expect(await runMigration({ mlflow, clearml, sourceId, into: sourceId })).toMatchObject({ migrated: runs, failures: [] });
  return server.requests.counts().total - before;
}

describe("the estimate of a plan", () => {
  it("counts as many requests a run and a file as a migration sends", async () => {
    await requestsOf(1, 0);
    const few = await requestsOf(5, 0);
    const many = await requestsOf(25, 0);
    const filed = await requestsOf(5, 10);
    expect((many - few) / 20).toBe(REQUESTS_A_RUN);
    expect((filed - few) / 50).toBe(REQUESTS_A_FILE);
    // Of the models of a run, each with a file; ten more than none.
    const models = await requestsOf(5, 0, 10);
    expect((models - few) / 10).toBe(REQUESTS_A_MODEL);
  });

  it("says that ClearML did not answer, and plans all the same", async () => {
    standIn.answers = holding(["a"], { [history("a")]: page(point("1", T, "0")) });
    server.faults.set("api", { mode: "status", status: 503 });
    const { estimate, runs } = await planMigration({ mlflow, clearml });
    expect(runs).toBe(1);
    expect(estimate.measured.roundTripMs).toBeUndefined();
    expect(estimate.assumed.join("\n")).toContain("did not answer");
    expect(estimate.runSeconds).toBeGreaterThan(0);
  });
});
