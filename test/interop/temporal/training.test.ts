/** Trainings through a real Temporal server with real workers: as processes, those that every place must pass and those of processes alone. */
import { describe, expect, it } from "vitest";
import { trainingSearchAttributes } from "../../../src/temporal/workflow/training-search-attributes.js";
import { until } from "../../support/until.js";
import { describeTrainings, failure, Trainings, WHOLE } from "./training-cases.js";
import { processes } from "./training-places.js";

const MEBIBYTE = 1024 * 1024;
/** `INDEXED_VALUE_TYPE_KEYWORD` of temporal.api.enums.v1. */
const KEYWORD = 2;
const ATTRIBUTES = Object.fromEntries(Object.values(trainingSearchAttributes).map(({ name }) => [name, KEYWORD]));

const trainings = new Trainings("workflow, ClearML and backend", processes);

describeTrainings("a training through Temporal", trainings);

describe("a training through Temporal as a process", () => {
  it("whose worker freezes until another machine takes over has one trainer whose writes count", async () => {
    const frozen = await trainings.bench.worker("one");
    const workflow = await trainings.bench.start({ HOLD_AT: "2" });
    await trainings.bench.reached("1 epoch:2");
    await until(async () => (await trainings.bench.clearml()).loss.length === 2);
    frozen.kill("SIGSTOP");
    // Another registry: a machine that cannot see the first one's processes.
    await trainings.bench.worker("two");
    await trainings.bench.reached("2 epoch:2");
    await until(async () => (await trainings.bench.backend()).progress.includes("2 epoch:2"));
    // Both trainers go on now, and both mean to write.
    await trainings.bench.openGate();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    frozen.kill("SIGCONT");
    await until(async () => (await trainings.bench.ledger()).some((line) => ["1 stopped", "1 completed"].includes(line)));
    const { progress } = await trainings.bench.backend();
    const takenOver = progress.indexOf("2 epoch:1");
    expect(progress.slice(0, takenOver)).toEqual(["1 epoch:1", "1 epoch:2"]);
    expect(progress.slice(takenOver)).toEqual(["2 epoch:1", "2 epoch:2", "2 epoch:3"]);
    expect((await trainings.bench.clearml()).loss).toEqual(WHOLE);
    await trainings.agreeOn("completed", "/completed");
  });

  it("whose program is not there fails as ImageUnavailable everywhere", async () => {
    await trainings.bench.worker();
    const workflow = await trainings.bench.start({}, { command: ["/nowhere/trainer"] });
    expect(await failure(workflow.result())).toMatchObject({ type: "ImageUnavailable" });
    await trainings.agreeOn("failed", "/failed");
  });

  it("that holds more memory than it asked for is ended, and tried with more, where that was asked for", async () => {
    await trainings.bench.worker();
    // Each takes 300 MiB beside what it is made of. Only the first would keep them for ever: the limit must end it.
    const memory = { resources: { memoryBytes: 300 * MEBIBYTE }, moreMemory: { factor: 3, maxMemoryBytes: 4_096 * MEBIBYTE } };
    const workflow = await trainings.bench.start({ END: "hoard:300/1" }, memory);
    expect(await workflow.result()).toMatchObject({ status: "completed", memoryRetries: 1 });
    const ledger = await trainings.bench.ledger();
    expect(ledger.filter((line) => line.endsWith("began"))).toEqual(["1 began", "2 began"]);
    expect(ledger.slice(-2)).toEqual(["2 hoarded-300", "2 completed"]);
    await trainings.agreeOn("completed", "/completed");
  });

  it("that holds more memory than it asked for fails as OutOfMemory everywhere", async () => {
    await trainings.bench.worker();
    const workflow = await trainings.bench.start({ END: "hoard:300/1" }, { resources: { memoryBytes: 300 * MEBIBYTE } });
    expect(await failure(workflow.result())).toMatchObject({ type: "OutOfMemory" });
    expect((await trainings.bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began"]);
    await trainings.agreeOn("failed", "/failed");
  });

  it("is found by its search attributes, while it runs and when it has ended", async () => {
    await trainings.bench.client.connection.operatorService.addSearchAttributes({ namespace: "default", searchAttributes: ATTRIBUTES });
    await trainings.bench.worker();
    const workflow = await trainings.bench.start({ HOLD_AT: "1" }, { searchAttributes: true });
    await trainings.bench.reached("1 epoch:1");
    const taskId = (await trainings.bench.clearml()).id;
    const found = async (step: string): Promise<string[]> => {
      const query = `TrainerJobId = "7" AND ClearmlTaskId = "${taskId}" AND TrainerStep = "${step}"`;
      const ids: string[] = [];
      for await (const { workflowId } of trainings.bench.client.workflow.list({ query })) ids.push(workflowId);
      return ids;
    };
    await until(async () => (await found("training")).length > 0);
    expect(await found("training")).toEqual([trainings.bench.queue]);
    await trainings.bench.openGate();
    await workflow.result();
    await until(async () => (await found("ended")).length > 0);
    expect(await found("training")).toEqual([]);
    await trainings.agreeOn("completed", "/completed");
  });
});
