/**
 * Trainings through a real Temporal server with real workers. Of each: the ledger that trainers write themselves, ClearML,
 * the backend and the workflow tell the same story, and the writes of one trainer alone were accepted.
 */
import { once } from "node:events";
import { WorkflowFailedError } from "@temporalio/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { trainingSearchAttributes } from "../../../src/temporal/workflow/training-search-attributes.js";
import { until } from "../../support/until.js";
import { Tally } from "../support/tally.js";
import { keepHistory } from "./keep-history.js";
import { startTemporalServer, type TemporalServer } from "./temporal-server.js";
import { TrainingBench } from "./training-bench.js";

const tally = new Tally("temporal", "workflow, ClearML and backend");
let temporal: TemporalServer;
let bench: TrainingBench;
beforeAll(async () => {
  temporal = await startTemporalServer();
});
afterAll(() => temporal[Symbol.asyncDispose]());
beforeEach(async () => {
  bench = await TrainingBench.start(temporal);
});
afterEach(() => bench[Symbol.asyncDispose]());

const MEBIBYTE = 1024 * 1024;
/** `INDEXED_VALUE_TYPE_KEYWORD` of temporal.api.enums.v1. */
const KEYWORD = 2;
const ATTRIBUTES = Object.fromEntries(Object.values(trainingSearchAttributes).map(({ name }) => [name, KEYWORD]));
const WHOLE = [1, 1 / 2, 1 / 3];

async function failure(result: Promise<unknown>): Promise<{ readonly workflow: string; readonly type: string | undefined }> {
  const error = await result.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  const chain: string[] = [];
  let type: string | undefined;
  for (let cause = (error as Error).cause; cause instanceof Error; cause = cause.cause) {
    chain.push(cause.name);
    type = (cause as { type?: string }).type ?? type;
  }
  return { workflow: chain[0] ?? "", type };
}

async function agreeOn(status: string, end: string): Promise<void> {
  const [clearml, backend] = [await bench.clearml(), await bench.backend()];
  tally.called(backend.progress.length + backend.ends.length + (await bench.ledger()).length);
  tally.compare("ClearML's status", clearml.status, status);
  tally.compare("the backend's end", backend.ends, [end]);
  tally.end();
  await keepHistory(bench.client, bench.queue, expect.getState().currentTestName ?? "");
}

describe("a training through Temporal", () => {
  it("runs to its completion and shows its progress", async () => {
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "2" }, { required: { checkpoints: ["last"] }, model: { name: "detector" } });
    await bench.reached("1 epoch:2");
    await until(async () => (await workflow.query<{ training?: { iteration?: number } }>("progress")).training?.iteration === 2);
    await bench.openGate();
    const result = await workflow.result();
    expect(result).toMatchObject({ status: "completed", finalMetrics: { train_loss: 1 / 3 }, models: [expect.any(String)] });
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 epoch:3", "1 completed"]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await agreeOn("completed", "/completed");
  });

  it("whose worker is killed in the middle is adopted by the next", async () => {
    const first = await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    first.kill("SIGKILL");
    await once(first, "exit");
    await bench.worker();
    await bench.openGate();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 epoch:3", "1 completed"]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await agreeOn("completed", "/completed");
  });

  it("survives a deploy: its worker leaves within its grace, and the next one goes on with the same trainer", async () => {
    const first = await bench.worker("one", { shutdownGraceMs: 500 });
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    first.kill("SIGTERM");
    expect(await once(first, "exit")).toEqual([0, null]);
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2"]);
    await bench.worker();
    await bench.openGate();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect((await bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began"]);
    await agreeOn("completed", "/completed");
  });

  it("that is cancelled ends its trainer, and ends as cancelled", async () => {
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" });
    await bench.reached("1 epoch:1");
    await workflow.cancel();
    expect((await failure(workflow.result())).workflow).toBe("CancelledFailure");
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 stopped"]);
    await agreeOn("stopped", "/stopped");
  });

  it("that is stopped by signal ends well, also when the signal comes before anything else", async () => {
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" });
    await bench.reached("1 epoch:1");
    await workflow.signal("stop", "enough for today");
    expect(await workflow.result()).toMatchObject({ status: "stopped", message: "enough for today" });
    await agreeOn("stopped", "/stopped");
    const early = await bench.client.workflow.signalWithStart("trainingWorkflow", {
      workflowId: bench.queue,
      taskQueue: bench.queue,
      args: [{ job: { jobId: "8" }, command: ["/bin/false"] }],
      signal: "stop",
      signalArgs: ["never mind"],
    });
    expect(await early.result()).toMatchObject({ status: "stopped", message: "never mind" });
  });

  it("that is stopped in ClearML ends as stopped", async () => {
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    await until(async () => (await bench.clearml()).status === "in_progress");
    await bench.reader.tasks.stop({ task: (await bench.clearml()).id });
    expect(await workflow.result()).toMatchObject({ status: "stopped" });
    expect((await bench.ledger()).at(-1)).toBe("1 stopped");
    await agreeOn("stopped", "/stopped");
  });

  it("whose worker freezes until another machine takes over has one trainer whose writes count", async () => {
    const frozen = await bench.worker("one");
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    await until(async () => (await bench.clearml()).loss.length === 2);
    frozen.kill("SIGSTOP");
    // Another registry: a machine that cannot see the first one's processes.
    await bench.worker("two");
    await bench.reached("2 epoch:2");
    await until(async () => (await bench.backend()).progress.includes("2 epoch:2"));
    // Both trainers go on now, and both mean to write.
    await bench.openGate();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    frozen.kill("SIGCONT");
    await until(async () => (await bench.ledger()).some((line) => ["1 stopped", "1 completed"].includes(line)));
    const { progress } = await bench.backend();
    const takenOver = progress.indexOf("2 epoch:1");
    expect(progress.slice(0, takenOver)).toEqual(["1 epoch:1", "1 epoch:2"]);
    expect(progress.slice(takenOver)).toEqual(["2 epoch:1", "2 epoch:2", "2 epoch:3"]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await agreeOn("completed", "/completed");
  });

  it.each([
    ["crash:1", "TrainerError"],
    ["kill:SIGKILL", "Killed"],
    ["reportFailed", "TrainerError"],
  ])("whose trainer ends by %s fails as %s everywhere", async (end, type) => {
    await bench.worker();
    const workflow = await bench.start({ END: end });
    expect(await failure(workflow.result())).toMatchObject({ type });
    expect((await bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began"]);
    await agreeOn("failed", "/failed");
  });

  it("whose program is not there fails as ImageUnavailable everywhere", async () => {
    await bench.worker();
    const workflow = await bench.start({}, { command: ["/nowhere/trainer"] });
    expect(await failure(workflow.result())).toMatchObject({ type: "ImageUnavailable" });
    await agreeOn("failed", "/failed");
  });

  it("that holds more memory than it asked for is ended, and tried with more, where that was asked for", async () => {
    await bench.worker();
    // Each takes 300 MiB beside what it is made of. Only the first would keep them for ever: the limit must end it.
    const memory = { resources: { memoryBytes: 300 * MEBIBYTE }, moreMemory: { factor: 3, maxMemoryBytes: 4_096 * MEBIBYTE } };
    const workflow = await bench.start({ END: "hoard:300/1" }, memory);
    expect(await workflow.result()).toMatchObject({ status: "completed", memoryRetries: 1 });
    const ledger = await bench.ledger();
    expect(ledger.filter((line) => line.endsWith("began"))).toEqual(["1 began", "2 began"]);
    expect(ledger.slice(-2)).toEqual(["2 hoarded-300", "2 completed"]);
    await agreeOn("completed", "/completed");
  });

  it("that holds more memory than it asked for fails as OutOfMemory everywhere", async () => {
    await bench.worker();
    const workflow = await bench.start({ END: "hoard:300/1" }, { resources: { memoryBytes: 300 * MEBIBYTE } });
    expect(await failure(workflow.result())).toMatchObject({ type: "OutOfMemory" });
    expect((await bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began"]);
    await agreeOn("failed", "/failed");
  });

  it("is found by its search attributes, while it runs and when it has ended", async () => {
    await bench.client.connection.operatorService.addSearchAttributes({ namespace: "default", searchAttributes: ATTRIBUTES });
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" }, { searchAttributes: true });
    await bench.reached("1 epoch:1");
    const taskId = (await bench.clearml()).id;
    const found = async (step: string): Promise<string[]> => {
      const query = `TrainerJobId = "7" AND ClearmlTaskId = "${taskId}" AND TrainerStep = "${step}"`;
      const ids: string[] = [];
      for await (const { workflowId } of bench.client.workflow.list({ query })) ids.push(workflowId);
      return ids;
    };
    await until(async () => (await found("training")).length > 0);
    expect(await found("training")).toEqual([bench.queue]);
    await bench.openGate();
    await workflow.result();
    await until(async () => (await found("ended")).length > 0);
    expect(await found("training")).toEqual([]);
    await agreeOn("completed", "/completed");
  });

  it("that is terminated has its trainer ended by the worker that had it in view", async () => {
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" });
    await bench.reached("1 epoch:1");
    await workflow.terminate("an operator did it");
    await bench.reached("1 stopped");
  });

  it("that was terminated while no worker was there has its trainer ended by the sweeper, and nobody else's", async () => {
    const first = await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" });
    await bench.reached("1 epoch:1");
    first.kill("SIGKILL");
    await once(first, "exit");
    await workflow.terminate("an operator did it");
    await bench.worker();
    const sweep = { workflowId: `sweep-${bench.queue}`, taskQueue: bench.queue, args: [] };
    expect(await bench.client.workflow.execute("sweepWorkflow", sweep)).toMatchObject({ stopped: [expect.stringContaining(bench.queue)] });
    expect((await bench.ledger()).at(-1)).toBe("1 stopped");
    expect(await bench.client.workflow.execute("sweepWorkflow", { ...sweep, workflowId: `again-${bench.queue}` })).toMatchObject({
      stopped: [],
      forgotten: [expect.any(String)],
    });
  });

  it("waits for a ClearML that is down at its creation", async () => {
    bench.server.faults.set("api", { mode: "status", status: 503 });
    await bench.worker();
    const workflow = await bench.start();
    await until(async () => ((await workflow.describe()).raw.pendingActivities?.[0]?.attempt ?? 0) > 1);
    bench.server.faults.clear();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await agreeOn("completed", "/completed");
  });

  it("completes after a ClearML that was down at its end has everything", async () => {
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    bench.server.faults.set("api", { mode: "status", status: 503 });
    await bench.openGate();
    await until(async () =>
      ((await workflow.describe()).raw.pendingActivities ?? []).some(
        ({ activityType, attempt }) => activityType?.name === "finalizeTask" && (attempt ?? 0) > 1,
      ),
    );
    bench.server.faults.clear();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await agreeOn("completed", "/completed");
  });
});
