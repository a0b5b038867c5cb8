/**
 * A real MLflow with workspaces, filled by its own client with the same names in three of them: all are moved and told apart, from the
 * server and from its database alike, and one that was left out is no proof.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import {
  MlflowClient,
  openMlflowSource,
  planMigration,
  runMigration,
  verifyMigration,
  type MlflowSource,
} from "../../../src/migrate/index.js";
import { clearmlBench, type ClearMLBench } from "../../support/clearml-bench.js";
import { Tally } from "../support/tally.js";
import { byPython, startMlflow, type MlflowServer } from "./mlflow-server.js";
import { mlflowPython } from "./tools.js";

const WORKSPACES = ["default", "team-a", "team-b"] as const;
const signal = new AbortController().signal;

describe("an MLflow with workspaces", () => {
  let mlflow: MlflowServer;
  let bench: ClearMLBench;
  let clearml: ClearML;
  let rest: MlflowClient;
  let database: MlflowSource;
  let runs: Readonly<Record<(typeof WORKSPACES)[number], string>>;
  const tally = new Tally("mlflow", "MLflow's workspaces into the embedded ClearML");

  beforeAll(async () => {
    const python = await mlflowPython();
    bench = await clearmlBench();
    ({ clearml } = bench);
    mlflow = await startMlflow(python, { more: ["--enable-workspaces"] });
    runs = await byPython(python, "workspaces.py", mlflow.trackingUri);
    rest = new MlflowClient({ trackingUri: mlflow.trackingUri }, {});
    database = await openMlflowSource({ trackingUri: mlflow.database, artifactsRoot: mlflow.artifactsRoot }, {});
  });
  afterEach(() => {
    tally.end();
  });
  afterAll(async () => {
    await database.close();
    await rest.close();
    await mlflow.close();
    await bench[Symbol.asyncDispose]();
  });

  const tasksWithKey = async (sourceId: string, runId: string) =>
    (await clearml.tasks.getPage({ system_tags: [`trainer-sdk:mlflow:${sourceId}:${runId}`], search_hidden: true })).tasks;

  it.each([
    ["server", (): MlflowSource => rest],
    ["database", (): MlflowSource => database],
  ])("is moved whole from its %s: one project, task and model for each, whatever their names", async (from, source) => {
    const given = { mlflow: source(), clearml, sourceId: from, into: `all of the ${from}` };
    const plan = await planMigration(given);
    tally.compare("workspaces", plan.workspaces, WORKSPACES);
    tally.compare("nothing is unread", plan.unread, { workspaces: [], limits: [] });
    const projects = plan.experiments.filter(({ name }) => name === "vision").map(({ project }) => project);
    tally.compare(
      "projects",
      projects.toSorted(),
      ["vision", "team-a/vision", "team-b/vision"].map((path) => `${given.into}/${path}`).toSorted(),
    );
    const moved = await runMigration(given);
    tally.compare("moved", [moved.migrated, moved.failures, moved.models.failures], [3, [], []]);
    const proof = await verifyMigration(given);
    tally.compare("differences", proof.differences, []);
    tally.compare("proved", [proof.ok, proof.compared.runs, proof.compared.points], [true, 3, 60]);
    // Of each workspace the run's file, those of its logged model, and the version's one, which is the run's own.
    tally.compare("files and models", [proof.compared.files, proof.compared.models], [3 * 4, 3 * 2]);
    for (const workspace of WORKSPACES) {
      const [task, ...others] = await tasksWithKey(from, runs[workspace]);
      tally.compare(`tasks of ${workspace}`, [task?.name, others.length], ["same name", 0]);
      tally.compare(`the parameter of ${workspace}`, task?.hyperparams?.["General"]?.["where"]?.value, workspace);
      const key = `${workspace === "default" ? "" : `${workspace}/`}detector`;
      const filter = { system_tags: [`trainer-sdk:mlflow:${from}:model:version:${key}:1`], search_hidden: true };
      const { models } = await clearml.models.getPage(filter);
      tally.compare(
        `the version of ${workspace}`,
        models.map(({ task: of, comment }) => [of, comment]),
        [[task?.id, `${workspace}\n\nthat of ${workspace}`]],
      );
    }
    const again = await runMigration(given);
    tally.compare("again", [again.migrated, again.unchanged, again.models.migrated, again.models.unchanged], [0, 3, 0, 6]);
  });

  it("asks each workspace for an id that no list has named", async () => {
    await using client = new MlflowClient({ trackingUri: mlflow.trackingUri }, {});
    const run = await client.run(runs["team-b"], { signal });
    tally.compare("parameter", run.data.params, [{ key: "where", value: "team-b" }]);
    const steps: number[] = [];
    for await (const page of client.history(runs["team-a"], "loss", { signal })) steps.push(...page.map(({ step }) => Number(step)));
    expect(steps).toHaveLength(20);
    await expect(client.run("f".repeat(32), { signal })).rejects.toThrow(/No workspace of MLflow that these credentials may read has f+/);
  });

  it("is no proof where a workspace was left out, until somebody accepts that", async () => {
    const given = { mlflow: rest, clearml, sourceId: "some", into: "some", workspaces: ["team-a"] };
    const moved = await runMigration(given);
    tally.compare("moved", [moved.migrated, moved.models.migrated], [1, 2]);
    tally.compare("said by the run", moved.unread.workspaces, ["default", "team-b"]);
    tally.compare("tasks of the default one", (await tasksWithKey("some", runs.default)).length, 0);
    const proof = await verifyMigration(given);
    tally.compare("differences", proof.differences, []);
    tally.compare("said by the proof", [proof.ok, proof.unread.workspaces], [false, ["default", "team-b"]]);
    tally.compare("accepted", (await verifyMigration({ ...given, acceptWorkspaces: true })).ok, true);
    // All are asked for, and two were never moved.
    const whole = await verifyMigration({ ...given, workspaces: undefined, acceptWorkspaces: true });
    tally.compare("of all", [whole.ok, whole.compared.runs, whole.runsInMlflow], [false, 1, 3]);
    await expect(planMigration({ ...given, workspaces: ["team-c"] })).rejects.toThrow(
      'MLflow has no workspace "team-c", or these credentials may not read it; there is "default", "team-a", "team-b"',
    );
  });
});
