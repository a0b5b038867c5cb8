/** One destination is down for the whole run: the training goes on unslowed, the receipt is honest, the next start delivers. */
import { describe, expect, it } from "vitest";
import type { FaultMode } from "../../../src/devserver/faults.js";
import type { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { eventually } from "../../support/fake-clock.js";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();

const EPOCHS = 5;
/** A second start that only delivers must not count as a new attempt because it connects the same configuration again. */
const CONFIG = { CONFIG: '{"epochs": 5}' };
const FAULTS: readonly FaultMode[] = [
  { mode: "refuse" },
  { mode: "hang" },
  { mode: "status", status: 500 },
  { mode: "garbage" },
  { mode: "status", status: 503 },
];
const CHANNELS = ["api", "callbacks", "s3"] as const;

/** A run that awaits every promise, as a careful trainer would: the slowest call is what it answers. */
async function train(sdk: TrainerSDK): Promise<number> {
  let slowestMs = 0;
  const timed = async <T>(call: Promise<T>): Promise<T> => {
    const start = performance.now();
    const value = await call;
    slowestMs = Math.max(slowestMs, performance.now() - start);
    return value;
  };
  await timed(sdk.reportStarted({ totalEpochs: EPOCHS }));
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    await timed(sdk.reportProgress({ epoch, totalEpochs: EPOCHS, metrics: { train_loss: 1 / epoch } }));
    await timed(sdk.log("info", `line ${String(epoch)}`));
    await timed(sdk.uploadCheckpoint(await world.file("last.pt", `weights ${String(epoch)}`), { type: "last", epoch }));
  }
  await timed(sdk.uploadCheckpoint(await world.file("best.pt", "best weights"), { type: "best", isBest: true, epoch: EPOCHS }));
  await timed(sdk.registerModel({ name: "detector", path: `${world.folder}/best.pt` }));
  await timed(sdk.reportCompleted());
  return slowestMs;
}

/** What must be at the servers in the end, each once. */
async function expectEverything(): Promise<void> {
  const { platform } = world;
  const tasks = platform.tasks();
  expect(tasks).toHaveLength(1);
  const id = tasks[0]?.id ?? "";
  expect(tasks[0]?.status).toBe("completed");
  expect(platform.scalars(id)["loss/train"]?.map(({ iteration, value }) => [iteration, value])).toEqual(
    Array.from({ length: EPOCHS }, (_, at) => [at + 1, 1 / (at + 1)]),
  );
  expect(platform.lines(id).map(({ message }) => message)).toEqual(Array.from({ length: EPOCHS }, (_, at) => `line ${String(at + 1)}`));
  expect(
    platform
      .artifacts(id)
      .map(({ key }) => key)
      .sort(),
  ).toEqual(["checkpoint_best", "checkpoint_last"]);
  expect(platform.models(id).filter(({ name }) => name === "detector")).toHaveLength(1);
  const best = platform.artifacts(id).find(({ key }) => key === "checkpoint_best");
  expect(Buffer.from((await platform.contentOf(String(best?.["uri"]))) ?? []).toString()).toBe("best weights");
  const keys = (path: string): string[] => [...new Set(platform.callbacks(path).map(({ headers }) => headers["idempotency-key"] ?? ""))];
  expect(keys("/progress")).toHaveLength(EPOCHS);
  expect(keys("/model")).toHaveLength(1);
  expect(platform.callbacks("/completed")).toHaveLength(1);
  expect(platform.callbacks().at(-1)?.path).toBe("/completed");
}

describe.each(CHANNELS)("with %s out for the whole run", (channel) => {
  it.each(FAULTS)("by %j the training is unslowed, the receipt honest, and the next start delivers everything once", async (fault) => {
    world.platform.faults.set(channel, fault);
    const sdk = await world.start({}, CONFIG);
    // The bound of a whole awaited call, fsync included, against 30 s timeouts of the network: far apart.
    expect(await train(sdk)).toBeLessThan(2_000);
    // The other sink has it all by itself, before anybody closes: what close then reports is the outage alone.
    const healthy = channel === "callbacks" ? "clearml" : "platform";
    if (channel !== "s3") await eventually(() => sdk.stats().outbox?.sinks[healthy]?.pending === 0, `${healthy} to be up to date`);
    const start = performance.now();
    const receipt = await sdk.close({ deadlineMs: 300 });
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(receipt.complete).toBe(false);
    const waiting = channel === "callbacks" ? "platform" : "clearml";
    expect(receipt.sinks[waiting]?.pending).toBeGreaterThan(0);
    expect(receipt.journalPath).toBe(`${world.folder}/journal`);
    if (channel === "callbacks") expect(receipt.sinks["clearml"]).toMatchObject({ pending: 0, rejected: 0 });
    if (channel === "api") expect(receipt.sinks["platform"]).toMatchObject({ pending: 0, rejected: 0 });

    world.platform.faults.clear();
    const next = await world.start({}, CONFIG);
    expect(await next.close({ deadlineMs: 20_000 })).toMatchObject({
      complete: true,
      sinks: { platform: { rejected: 0 }, clearml: { rejected: 0 } },
    });
    await expectEverything();
  });
});

describe("with everything out from before the start", () => {
  it("init returns at once, and what was said lands on the task later", async () => {
    for (const channel of CHANNELS) world.platform.faults.set(channel, { mode: "hang" });
    const start = performance.now();
    const sdk = await world.start();
    expect(performance.now() - start).toBeLessThan(2_000);
    const task = sdk.currentTask();
    expect(task.id).toBeUndefined();
    await task.logger.reportScalar({ title: "early", series: "bird", value: 1, iteration: 1 });
    world.platform.faults.clear();
    const bound = await task.bound();
    expect(bound?.id).toBe(world.platform.tasks()[0]?.id);
    expect((await sdk.flush()).complete).toBe(true);
    expect(world.platform.scalars(bound?.id ?? "")["early/bird"]).toMatchObject([{ iteration: 1, value: 1 }]);
  });
});
