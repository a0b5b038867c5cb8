/** The workspace of MLflow that a job is written to, and that it is written to no other. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { progress, record } from "../../unit/sinks/clearml/facts.js";
import { MlflowBench } from "./mlflow-bench.js";

let bench: MlflowBench;
beforeEach(async () => {
  bench = await MlflowBench.start();
});
afterEach(() => bench[Symbol.asyncDispose]());

const points = [record(1, progress({ epoch: 1, metrics: { loss: 1 } }))];

it("is named by each request", async () => {
  bench.double.workspaces = ["default", "team-a"];
  const job = bench.job({}, undefined, "team-a");
  expect(await job.open()).toEqual({ status: "delivered" });
  expect(await job.deliver(points)).toEqual([{ status: "delivered" }]);
  expect([...bench.double.named]).toEqual(["team-a"]);
  expect(bench.run().points).toHaveLength(1);
});

it("is not named, and not asked for, where the default one is meant", async () => {
  const job = bench.job();
  await job.open();
  await job.deliver(points);
  expect([...bench.double.named]).toEqual([""]);
});

it.each([
  ["is not there", ["default", "team-b"]],
  ["cannot be there, on a server without workspaces,", undefined],
])("that %s is told, and nothing is written anywhere else", async (_what, workspaces) => {
  bench.double.workspaces = workspaces;
  const opened = await bench.job({}, undefined, "team-a").open();
  expect(opened).toEqual({
    status: "rejected",
    reason: expect.stringMatching(/has no workspace team-a .*Check MLFLOW_WORKSPACE/) as string,
  });
  expect(bench.double.runs).toEqual([]);
  expect(bench.double.experiments).toHaveLength(1);
});
