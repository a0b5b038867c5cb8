/** Design 2.2 for MLflow: answers lost after the work was done, outages, refusals, deletions; nothing doubled, nothing lost. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkpoint, final, progress, record, storedFile } from "../../unit/sinks/clearml/facts.js";
import { MlflowBench } from "./mlflow-bench.js";

let bench: MlflowBench;
beforeEach(async () => {
  bench = await MlflowBench.start();
});
afterEach(() => bench[Symbol.asyncDispose]());

const epoch = (sequence: number) => record(sequence, progress({ epoch: sequence, metrics: { loss: sequence } }));
const dropOnce = (match: string): void => void bench.double.faults.set("mlflow", { mode: "drop-answer", match, times: 1 });

describe("an answer that was lost after the work was done", () => {
  it.each(["runs/create", "experiments/create"])("of %s leaves one run in one experiment", async (match) => {
    dropOnce(match);
    const job = bench.job();
    for (let opened = await job.open(); opened.status === "retry"; opened = await job.open());
    const first = await job.deliver([epoch(1)]);
    if (first[0]?.status !== "delivered") expect(first).toMatchObject([{ status: "retry", cause: "unreachable" }]);
    expect(await job.deliver([epoch(1)], { ambiguous: true })).toEqual([{ status: "delivered" }]);
    expect(bench.double.runs).toHaveLength(1);
    expect(bench.double.experiments).toHaveLength(2);
    expect(bench.double.faults.hits("mlflow")).toBe(1);
  });

  it("of a batch of points leaves each point once", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    dropOnce("log-batch");
    expect(await job.deliver([epoch(2), epoch(3)])).toMatchObject([{ status: "retry", cause: "unreachable" }, { status: "retry" }]);
    expect((await job.deliver([epoch(2), epoch(3)], { ambiguous: true })).map(({ status }) => status)).toEqual(["delivered", "delivered"]);
    expect(bench.run().points.map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  it("of a batch with a NaN, which an older server then refuses whole, leaves each point once and holds nothing up", async () => {
    bench.double.refusesKnownNaN = true;
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    const records = [epoch(2), record(3, progress({ epoch: 3, metrics: { loss: "NaN", map: 1 } })), epoch(4)];
    dropOnce("log-batch");
    expect((await job.deliver(records))[0]).toMatchObject({ status: "retry", cause: "unreachable" });
    const all = [...records, epoch(5)];
    expect((await job.deliver(all, { ambiguous: true })).map(({ status }) => status)).toEqual(all.map(() => "delivered"));
    expect(bench.run().points.map(({ key, step, value }) => [key, step, value])).toEqual([
      ["loss", 1, 1],
      ["loss", 2, 2],
      ["loss", 3, "NaN"],
      ["map", 3, 1],
      ["loss", 4, 4],
      ["loss", 5, 5],
    ]);
  });

  it("of parameters leaves them as they are, with no word of a change", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    dropOnce("log-batch");
    const parameters = record(2, { kind: "hyperparameters", section: "General", values: { lr: { value: "0.1" } } });
    expect(await job.deliver([parameters])).toMatchObject([{ status: "retry" }]);
    expect(await job.deliver([parameters])).toEqual([{ status: "delivered" }]);
    expect([...bench.run().params]).toEqual([["lr", "0.1"]]);
    expect([...bench.run().tags.keys()].filter((key) => key.includes("changed"))).toEqual([]);
  });

  it("of the end leaves one end", async () => {
    const job = bench.job();
    await job.open();
    dropOnce("runs/update");
    expect(await job.deliver([epoch(1), record(2, final())])).toMatchObject([{ status: "delivered" }, { status: "retry" }]);
    expect(await job.deliver([record(2, final())])).toEqual([{ status: "delivered" }]);
    expect(bench.run().info.status).toBe("FINISHED");
  });

  it("of a file leaves it once, at its path", async () => {
    const job = bench.job();
    await job.open();
    const file = storedFile({ sizeBytes: 0, sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" });
    dropOnce("mlflow-artifacts");
    expect(await job.deliver([record(1, checkpoint({ file }))])).toMatchObject([{ status: "retry", cause: "unreachable" }]);
    expect(await job.deliver([record(1, checkpoint({ file }))])).toEqual([{ status: "delivered" }]);
    expect(bench.double.files.size).toBe(1);
  });
});

describe("two processes that start at once", () => {
  it("keep the older run, and the younger one removes its own", async () => {
    const [one, two] = [bench.job(), bench.job()];
    await Promise.all([one.open(), two.open()]);
    // The other's run comes to be between the search and the creation.
    const outcomes = await Promise.all([one.deliver([epoch(1)]), two.deliver([epoch(2)])]);
    expect(outcomes.flat()).toEqual([{ status: "delivered" }, { status: "delivered" }]);
    expect(bench.double.activeRuns()).toHaveLength(1);
    expect(
      bench
        .run()
        .points.map(({ step }) => step)
        .sort(),
    ).toEqual([1, 2]);
  });
});

describe("what the server answers", () => {
  it.each([
    [503, "", { status: "retry", cause: "unreachable" }],
    [429, "", { status: "retry", cause: "unreachable" }],
    [401, "You are not authenticated", { status: "retry", cause: "answered" }],
    [403, "Invalid Host header", { status: "retry", cause: "answered" }],
    [404, "<html>no such page</html>", { status: "retry", cause: "answered" }],
    [500, '{"error_code":"INTERNAL_ERROR","message":"database is locked"}', { status: "undecided", final: false }],
    [400, '{"error_code":"BAD_REQUEST","message":"QueuePool limit reached"}', { status: "undecided", final: false }],
    [400, '{"error_code":"INVALID_PARAMETER_VALUE","message":"no"}', { status: "undecided", final: true }],
  ])("with %d means the right wait, or a search for the one at fault", async (status, body, outcome) => {
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    bench.double.faults.set("mlflow", { mode: "status", match: "log-batch", status, body });
    expect(await job.deliver([epoch(2), epoch(3)])).toMatchObject([outcome, outcome]);
    bench.double.faults.clear();
    expect((await job.deliver([epoch(2), epoch(3)])).map(({ status: now }) => now)).toEqual(["delivered", "delivered"]);
    expect(bench.double.runs).toHaveLength(1);
  });

  it("by a database's own trouble, which MLflow calls a bad request, costs no end and no parameter", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    const body = '{"error_code":"BAD_REQUEST","message":"QueuePool limit of size 5 overflow 10 reached"}';
    bench.double.faults.set("mlflow", { mode: "status", match: "runs/update", status: 400, body });
    expect(await job.deliver([record(2, final())])).toMatchObject([{ status: "retry", cause: "answered" }]);
    bench.double.faults.clear();
    expect(await job.deliver([record(2, final())])).toEqual([{ status: "delivered" }]);
    expect(bench.run().info.status).toBe("FINISHED");
  });

  it("about the making of the run is no fault of a record: all of them wait", async () => {
    const job = bench.job();
    await job.open();
    bench.double.faults.set("mlflow", {
      mode: "status",
      match: "runs/create",
      status: 400,
      body: '{"error_code":"INVALID_PARAMETER_VALUE"}',
    });
    expect(await job.deliver([epoch(1), epoch(2)])).toMatchObject([{ status: "retry", cause: "answered" }, { status: "retry" }]);
    bench.double.faults.clear();
    expect(await job.deliver([epoch(1), epoch(2)])).toEqual([{ status: "delivered" }, { status: "delivered" }]);
  });

  it("about the results leaves a job that has ended with its end", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    bench.double.faults.set("mlflow", { mode: "status", match: "results.json", status: 500 });
    const end = record(2, final({ results: { accuracy: 1 } }));
    expect(await job.deliver([end])).toMatchObject([{ status: "retry", cause: "answered" }]);
    expect(bench.run().info.status).toBe("FINISHED");
    bench.double.faults.clear();
    expect(await job.deliver([end])).toEqual([{ status: "delivered" }]);
    expect([...bench.double.files.keys()].filter((path) => path.endsWith("results.json"))).toHaveLength(1);
  });

  it("refusing the last figures and the results is a refusal of the end's record, though the run has its end", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    const body = '{"error_code":"INVALID_PARAMETER_VALUE","message":"no such name"}';
    bench.double.faults.set("mlflow", { mode: "status", match: "log-batch", status: 400, body });
    const end = record(2, final({ finalMetrics: { map: 0.5 }, results: { accuracy: 1 } }));
    const [figures] = await job.deliver([end]);
    expect(figures).toMatchObject({
      status: "rejected",
      reason: expect.stringMatching(/has its status, FINISHED.*the final metrics/) as string,
    });
    bench.double.faults.clear();
    bench.double.faults.set("mlflow", { mode: "status", match: "results.json", status: 400, body });
    const [files] = await job.deliver([end]);
    expect(files).toMatchObject({ status: "rejected", reason: expect.stringMatching(/has its status, FINISHED.*the results/) as string });
    expect(bench.run().info.status).toBe("FINISHED");
    expect(bench.run().points.map(({ key }) => key)).toEqual(["loss", "Summary/map"]);
    // The run has ended, so that a new attempt's first record brings it back.
    bench.double.faults.clear();
    await job.deliver([epoch(3)]);
    expect(bench.run().info.status).toBe("RUNNING");
  });

  it("waits as long as it is told to", async () => {
    const job = bench.job();
    await job.open();
    bench.double.faults.set("mlflow", { mode: "status", match: "runs/create", status: 429, retryAfter: "7" });
    expect(await job.deliver([epoch(1)])).toMatchObject([{ status: "retry", cause: "unreachable", retryAfterMs: 7000 }]);
  });

  it("at the start waits too: the sink opens when the server is back", async () => {
    bench.double.faults.set("mlflow", { mode: "refuse", times: 1 });
    const job = bench.job();
    expect(await job.open()).toMatchObject({ status: "retry", cause: "unreachable" });
    expect(await job.open()).toEqual({ status: "delivered" });
  });
});

describe("what somebody deleted", () => {
  describe("when it is the run that MLFLOW_RUN_ID names", () => {
    /** Made by somebody else, in an experiment of theirs. */
    async function named(): Promise<string> {
      bench.double.experiments.push({ experiment_id: "1", name: "theirs", lifecycle_stage: "active" });
      const theirs = bench.job({ experimentName: "theirs", externalKey: "another" });
      await theirs.open();
      await theirs.deliver([epoch(1)]);
      return bench.run().info.run_id;
    }
    const remove = (runId: string): void => {
      for (const { info } of bench.double.runs) if (info.run_id === runId) info.lifecycle_stage = "deleted";
    };

    it("gets one successor in its experiment, in the middle of a job and at every start after it", async () => {
      const runId = await named();
      const job = bench.job({ runId });
      await job.open();
      await job.deliver([epoch(2)]);
      remove(runId);
      expect(await job.deliver([epoch(3)])).toEqual([{ status: "delivered" }]);
      expect(bench.run().info.experiment_id).toBe("1");
      // The same machine, and one that has lost its journal.
      for (const values of [job.values, undefined]) {
        const later = bench.job({ runId }, values);
        expect(await later.open()).toEqual({ status: "delivered" });
        expect(await later.deliver([epoch(values ? 4 : 5)])).toEqual([{ status: "delivered" }]);
        expect(later.warnings.join()).toContain("which MLFLOW_RUN_ID names, was deleted");
      }
      expect(bench.run().points.map(({ step }) => step)).toEqual([3, 4, 5]);
    });

    it("before the job begins, gets the same successor", async () => {
      const runId = await named();
      remove(runId);
      const job = bench.job({ runId });
      expect(await job.open()).toEqual({ status: "delivered" });
      expect(await job.deliver([epoch(2)])).toEqual([{ status: "delivered" }]);
      expect(bench.run().info.experiment_id).toBe("1");
    });

    it.each(["before the job begins", "in the middle of it"])("%s, gets that successor once though the answer was lost", async (when) => {
      const runId = await named();
      const job = bench.job({ runId });
      if (when === "before the job begins") remove(runId);
      await job.open();
      if (when !== "before the job begins") {
        await job.deliver([epoch(2)]);
        remove(runId);
      }
      dropOnce("runs/create");
      expect(await job.deliver([epoch(3)])).toMatchObject([{ status: "retry", cause: "unreachable" }]);
      expect(await job.deliver([epoch(3)], { ambiguous: true })).toEqual([{ status: "delivered" }]);
      expect(bench.run().info.experiment_id).toBe("1");
      expect(bench.run().points.map(({ step }) => step)).toEqual([3]);
    });

    it("and is gone for good, is gone on with where the job is known to have written to it", async () => {
      const runId = await named();
      const job = bench.job({ runId });
      await job.open();
      await job.deliver([epoch(2)]);
      bench.double.runs.splice(0);
      const later = bench.job({ runId }, job.values);
      expect(await later.open()).toEqual({ status: "delivered" });
      expect(await later.deliver([epoch(3)])).toEqual([{ status: "delivered" }]);
      expect(bench.double.activeRuns()).toHaveLength(1);
    });
  });

  it("when it is the run, is replaced once, said, and gone on with", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    const [first] = bench.double.runs;
    if (first) first.info.lifecycle_stage = "deleted";
    expect(await job.deliver([epoch(2)])).toEqual([{ status: "delivered" }]);
    expect(bench.run().points.map(({ step }) => step)).toEqual([2]);
    expect(job.warnings.join()).toContain("was deleted while the job reported to it");
    bench.run().info.lifecycle_stage = "deleted";
    expect(await job.deliver([epoch(3)])).toMatchObject([{ status: "rejected" }]);
  });

  it("when the run is gone for good, is known by the 404 that MLflow itself gives", async () => {
    const job = bench.job();
    await job.open();
    await job.deliver([epoch(1)]);
    bench.double.runs.splice(0);
    expect(await job.deliver([epoch(2)])).toEqual([{ status: "delivered" }]);
    expect(bench.double.activeRuns()).toHaveLength(1);
  });

  it("when it is the experiment, stays deleted: the job reports to one beside it", async () => {
    bench.double.experiments.push({ experiment_id: "1", name: "Project 7", lifecycle_stage: "deleted" });
    const job = bench.job();
    await job.open();
    expect(await job.deliver([epoch(1)])).toEqual([{ status: "delivered" }]);
    expect(bench.double.experiments.map(({ name, lifecycle_stage }) => `${name} ${lifecycle_stage}`)).toEqual([
      "Default active",
      "Project 7 deleted",
      "Project 7 (2) active",
    ]);
    expect(job.warnings.join()).toContain("was deleted and keeps its name");
  });

  it.each(["first", "made by this job"])("when it is the experiment of the run that was %s, goes on beside it as well", async (whose) => {
    const job = bench.job();
    await job.open();
    if (whose !== "first") await job.deliver([epoch(1)]);
    for (const experiment of bench.double.experiments) if (experiment.name === "Project 7") experiment.lifecycle_stage = "deleted";
    for (const { info } of bench.double.runs) info.lifecycle_stage = "deleted";
    let outcomes = await job.deliver([epoch(2), epoch(3)]);
    if (outcomes[0]?.status === "retry") outcomes = await job.deliver([epoch(2), epoch(3)]);
    expect(outcomes).toEqual([{ status: "delivered" }, { status: "delivered" }]);
    expect(bench.run().points.map(({ step }) => step)).toEqual([2, 3]);
  });
});
