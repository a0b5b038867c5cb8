/** Trainings through a real Temporal server with real workers, through a ClearML queue: those that every place must pass and those of queues alone. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { until } from "../../support/until.js";
import { describeTrainings, failure, Trainings, WHOLE } from "./training-cases.js";
import { queue } from "./training-places.js";

const trainings = new Trainings("the same, through a ClearML queue", queue);

const began = async (): Promise<string[]> => (await trainings.bench.ledger()).filter((line) => line.endsWith("began"));

/** Statuses of the trainers' own tasks, by their numbers. */
async function trainersTasks(): Promise<readonly string[]> {
  const tasks: string[] = [];
  for await (const { name, status } of trainings.bench.reader.tasks.getAll({ system_tags: ["trainer-sdk-trainer"] }))
    tasks.push(`${name ?? ""}: ${status ?? ""}`);
  return tasks.sort();
}

describeTrainings("a training through Temporal, through a ClearML queue", trainings);

describe("a training through Temporal through a ClearML queue alone", () => {
  it("whose trainer asks for another try gets one, under a higher number, in a task of its own", async () => {
    const { bench } = trainings;
    await bench.worker();
    const workflow = await bench.start({ END: "crash:75@1" });
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect(await began()).toEqual(["1 began", "2 began"]);
    expect(await trainersTasks()).toEqual(["Trainer 1 of job 7: failed", "Trainer 2 of job 7: completed"]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await trainings.agreeOn("completed", "/completed");
  });

  it("whose agent is killed goes on with another agent, from its last checkpoint", async () => {
    const { bench } = trainings;
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    await until(async () => (await bench.clearml()).loss.length === 2);
    const [agent] = bench.place.agents;
    agent?.kill("SIGKILL");
    await bench.reached("1 stopped");
    await bench.place.agent();
    await bench.openGate();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 stopped", "2 began", "2 epoch:3", "2 completed"]);
    expect(await trainersTasks()).toEqual(["Trainer 1 of job 7: failed", "Trainer 2 of job 7: completed"]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await trainings.agreeOn("completed", "/stopped", "/completed");
  });

  it("that is cancelled while ClearML is away ends its trainer when that is back, and is not over before", async () => {
    const { bench } = trainings;
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" });
    await bench.reached("1 epoch:1");
    const isBack = bench.server.faults.set("api", { mode: "status", status: 503 });
    const hits = bench.server.faults.hits("api");
    await workflow.cancel();
    await until(() => bench.server.faults.hits("api") > hits + 20);
    expect((await workflow.describe()).status.name).toBe("RUNNING");
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1"]);
    isBack();
    expect((await failure(workflow.result())).workflow).toBe("CancelledFailure");
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 stopped"]);
    expect(await trainersTasks()).toEqual(["Trainer 1 of job 7: stopped"]);
    await trainings.agreeOn("stopped", "/stopped");
  });

  it("whose worker dies while it is being cancelled is ended by the next one", async () => {
    const { bench } = trainings;
    const first = await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1", DEAF: "yes" }, { stopGraceMs: 2_000 });
    await bench.reached("1 epoch:1");
    await workflow.cancel();
    await until(async () => {
      const { value } = await bench.reader.tasks.getAll({ system_tags: ["trainer-sdk-trainer"] }).next();
      return value?.runtime?.["trainer_sdk_stop"] !== undefined;
    });
    first.kill("SIGKILL");
    await once(first, "exit");
    await bench.worker();
    expect((await failure(workflow.result())).workflow).toBe("CancelledFailure");
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1"]);
    expect(await trainersTasks()).toEqual(["Trainer 1 of job 7: stopped"]);
    await trainings.agreeOn("stopped", "/stopped");
  });
});
