/** Trainings through a real Temporal server with real workers, as Jobs: those that every place must pass and those of Jobs alone. */
import { describe, expect, it } from "vitest";
import { describeSharedTrainings } from "./shared-training-cases.js";
import { describeTrainings, failure, Trainings } from "./training-cases.js";
import { jobs } from "./training-places.js";

const trainings = new Trainings("the same, as Jobs", jobs);

describeTrainings("a training through Temporal, as a Job", trainings);

describeSharedTrainings("a training through Temporal, as a Job that every worker sees", trainings);

describe("a training through Temporal as a Job alone", () => {
  it("that is cancelled keeps no pod, and a Job that says how it ended until the sweeper forgets it with all that it owned", async () => {
    const { bench } = trainings;
    const { cluster } = bench.place;
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" });
    await bench.reached("1 epoch:1");
    await workflow.cancel();
    expect((await failure(workflow.result())).workflow).toBe("CancelledFailure");
    expect(await bench.place.living()).toEqual([]);
    expect(JSON.parse((await cluster.jobs())[0].metadata.annotations["trainer-sdk/end"])).toMatchObject({ outcome: "stopped" });
    const sweep = { workflowId: `sweep-${bench.queue}`, taskQueue: bench.queue, args: [] };
    expect(await bench.client.workflow.execute("sweepWorkflow", sweep)).toMatchObject({ forgotten: [expect.any(String)] });
    expect([...(await cluster.jobs()), ...(await cluster.pods())]).toEqual([]);
    await trainings.agreeOn("stopped", "/stopped");
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
    expect(await bench.place.living()).toEqual([]);
    expect(await bench.ledger()).toEqual([]);
    await trainings.agreeOn("failed", "/failed");
  });
});
