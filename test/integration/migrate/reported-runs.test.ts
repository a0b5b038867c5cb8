/** Runs that a trainer wrote to MLflow beside ClearML: a migration does not bring them a second time. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import type { MlflowRun } from "../../../src/mlflow/mlflow-documents.js";
import { readInventory } from "../../../src/migrate/inventory.js";
import type { MlflowSource } from "../../../src/mlflow/mlflow-source.js";

let server: DevServer;
let clearml: ClearML;
beforeEach(async () => {
  server = await startDevServer();
  clearml = createClearML({}, { ...server.env });
});
afterEach(async () => {
  await clearml.close();
  await server.close();
});

const { signal } = new AbortController();

/** A task of the job, as its trainer makes it. */
async function aTask(system_tags: string[] = []): Promise<string> {
  const { id } = await clearml.session.call("tasks.create", { name: "Training Job 42", type: "training", system_tags }, { signal });
  return id;
}

function holding(tags: Record<string, string>): MlflowSource {
  const experiment = { experiment_id: "1", name: "Project 7", lifecycle_stage: "active", tags: [] };
  const run: MlflowRun = {
    info: { run_id: "a", experiment_id: "1", status: "FINISHED", lifecycle_stage: "active" },
    data: { metrics: [], params: [], tags: Object.entries(tags).map(([key, value]) => ({ key, value })) },
  };
  const source: Pick<MlflowSource, "experiments" | "runs"> = {
    async *experiments() {
      yield experiment;
    },
    async *runs() {
      yield run;
    },
  };
  return source as MlflowSource;
}

const inventory = (tags: Record<string, string>, includeReported = false) =>
  readInventory({ mlflow: holding(tags), clearml, includeReported }, signal);

describe("a run whose trainer reports to ClearML too", () => {
  it("is left out by the id of its task, and counted", async () => {
    const found = await inventory({ "trainer_sdk.task_id": await aTask() });
    expect([found.runs.size, found.skipped.reported]).toEqual([0, 1]);
  });

  it("is left out by the job's key where the trainer did not know the task yet", async () => {
    await aTask(["trainer-sdk:training:7:it's"]);
    const found = await inventory({ "trainer_sdk.key": "trainer-sdk:training:7:it%27s" });
    expect([found.runs.size, found.skipped.reported]).toEqual([0, 1]);
  });

  it("is moved when it is asked for", async () => {
    const found = await inventory({ "trainer_sdk.task_id": await aTask() }, true);
    expect([found.runs.size, found.skipped.reported]).toEqual([1, 0]);
  });

  it("is moved when its task is not there: it was written to MLflow alone, or ClearML is another", async () => {
    await aTask(["trainer-sdk:training:7:43"]);
    const found = await inventory({ "trainer_sdk.task_id": "0".repeat(32), "trainer_sdk.key": "trainer-sdk:training:7:42" });
    expect([found.runs.size, found.skipped.reported]).toEqual([1, 0]);
  });

  it("is told from a run that no trainer of this package wrote", async () => {
    await aTask();
    const found = await inventory({ "mlflow.user": "somebody" });
    expect([found.runs.size, found.skipped.reported]).toEqual([1, 0]);
  });
});
