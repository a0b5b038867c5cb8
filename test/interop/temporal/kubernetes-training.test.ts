/** Trainings through a real Temporal server with real workers, as Jobs: those that every place must pass and those of Jobs alone. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { until } from "../../support/until.js";
import { describeTrainings, failure, Trainings, WHOLE } from "./training-cases.js";
import { jobs } from "./training-places.js";

const GIBIBYTE = 2 ** 30;
const trainings = new Trainings("the same, as Jobs", jobs);

/** Pods that still run. */
async function living(): Promise<readonly string[]> {
  const pods = await trainings.bench.place.cluster.pods();
  return pods
    .filter(({ status }) => status.phase !== "Succeeded" && status.phase !== "Failed")
    .map(({ metadata }) => String(metadata.name));
}

describeTrainings("a training through Temporal, as a Job", trainings);

describe("a training through Temporal as a Job alone", () => {
  it("whose worker freezes goes on with its one trainer under another worker, and the first one harms nothing when it wakes", async () => {
    const { bench } = trainings;
    const frozen = await bench.worker("one");
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    frozen.kill("SIGSTOP");
    await bench.worker("two");
    await until(async () => ((await workflow.describe()).raw.pendingActivities?.[0]?.attempt ?? 0) > 1);
    frozen.kill("SIGCONT");
    await bench.openGate();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 epoch:3", "1 completed"]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await trainings.agreeOn("completed", "/completed");
  });

  it("that is cancelled keeps no pod, and a Job that says how it ended until the sweeper forgets it with all that it owned", async () => {
    const { bench } = trainings;
    const { cluster } = bench.place;
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" });
    await bench.reached("1 epoch:1");
    await workflow.cancel();
    expect((await failure(workflow.result())).workflow).toBe("CancelledFailure");
    expect(await living()).toEqual([]);
    expect(JSON.parse((await cluster.jobs())[0].metadata.annotations["trainer-sdk/end"])).toMatchObject({ outcome: "stopped" });
    const sweep = { workflowId: `sweep-${bench.queue}`, taskQueue: bench.queue, args: [] };
    expect(await bench.client.workflow.execute("sweepWorkflow", sweep)).toMatchObject({ forgotten: [expect.any(String)] });
    expect([...(await cluster.jobs()), ...(await cluster.pods())]).toEqual([]);
    await trainings.agreeOn("stopped", "/stopped");
  });

  it("whose worker dies while it is being cancelled is ended by the next one", async () => {
    const { bench } = trainings;
    const first = await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1", DEAF: "yes" }, { stopGraceMs: 2_000 });
    await bench.reached("1 epoch:1");
    await workflow.cancel();
    await until(async () => (await bench.place.cluster.jobs())[0].spec.suspend === true);
    first.kill("SIGKILL");
    await once(first, "exit");
    await bench.worker();
    expect((await failure(workflow.result())).workflow).toBe("CancelledFailure");
    expect(await living()).toEqual([]);
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1"]);
    await trainings.agreeOn("stopped", "/stopped");
  });

  it("that is ended for want of memory is tried with more, where that was asked for, and its Job says how much", async () => {
    const { bench } = trainings;
    await bench.worker();
    const memory = { resources: { memoryBytes: GIBIBYTE }, moreMemory: { factor: 3, maxMemoryBytes: 8 * GIBIBYTE } };
    const workflow = await bench.start({ END: "oom@1" }, memory);
    expect(await workflow.result()).toMatchObject({ status: "completed", memoryRetries: 1 });
    expect((await bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began", "2 began"]);
    const limits = (await bench.place.cluster.jobs()).map(({ spec }) => Number(spec.template.spec.containers[0].resources.limits.memory));
    expect(limits.sort((one, other) => one - other)).toEqual([GIBIBYTE, 3 * GIBIBYTE]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await trainings.agreeOn("completed", "/completed");
  });

  it("that is ended for want of memory fails as OutOfMemory everywhere, where nothing was asked for", async () => {
    const { bench } = trainings;
    await bench.worker();
    const workflow = await bench.start({ END: "oom" });
    expect(await failure(workflow.result())).toMatchObject({ type: "OutOfMemory" });
    await trainings.agreeOn("failed", "/failed");
  });

  it("whose image cannot be had fails as ImageUnavailable everywhere, and nothing of it ever begins", async () => {
    const { bench } = trainings;
    bench.place.cluster.node.trouble = { waiting: "ImagePullBackOff" };
    await bench.worker();
    const workflow = await bench.start({}, { image: "registry.example/no-such-trainer:1" });
    expect(await failure(workflow.result())).toMatchObject({ type: "ImageUnavailable" });
    expect(await living()).toEqual([]);
    expect(await bench.ledger()).toEqual([]);
    await trainings.agreeOn("failed", "/failed");
  });

  it("whose pod has to make room goes on in another one, from its last checkpoint, under a higher number", async () => {
    const { bench } = trainings;
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    const [pod] = await bench.place.cluster.pods();
    await bench.place.cluster.disrupt(pod, "PreemptionByScheduler", "somebody more important came");
    await bench.reached("1 stopped");
    await bench.openGate();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 stopped", "2 began", "2 epoch:3", "2 completed"]);
    expect((await bench.backend()).progress).toEqual(["1 epoch:1", "1 epoch:2", "2 epoch:3"]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await trainings.agreeOn("completed", "/stopped", "/completed");
  });

  it("whose node dies without a word goes on on another one", async () => {
    const { bench } = trainings;
    const { cluster } = bench.place;
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "2" });
    await bench.reached("1 epoch:2");
    await until(async () => (await bench.clearml()).loss.length === 2);
    await cluster.loseNode();
    await cluster.addNode();
    await bench.openGate();
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    expect((await bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began", "2 began"]);
    expect((await bench.clearml()).loss).toEqual(WHOLE);
    await trainings.agreeOn("completed", "/completed");
  });

  it("that no node has room for is queued for whoever asks, until there is one", async () => {
    const { bench } = trainings;
    const { cluster } = bench.place;
    cluster.node.trouble = "unschedulable";
    await bench.worker();
    const workflow = await bench.start();
    await until(async () => (await workflow.query<{ training?: { phase?: string } }>("progress")).training?.phase === "queued");
    cluster.node.trouble = "none";
    cluster.node.sees((await cluster.pods())[0]);
    expect(await workflow.result()).toMatchObject({ status: "completed" });
    await trainings.agreeOn("completed", "/completed");
  });
});
