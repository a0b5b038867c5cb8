/** Trainings through a real Temporal server with real workers, through a ClearML queue that ClearML's own agent serves. */
import { describe, expect, it } from "vitest";
import { describeSharedTrainings } from "./shared-training-cases.js";
import { describeTrainings, Trainings } from "./training-cases.js";
import { queues } from "./training-places.js";

const trainings = new Trainings("the same, through a ClearML queue", queues);

describeTrainings("a training through Temporal, through a ClearML queue", trainings);

describeSharedTrainings("a training through Temporal, through a ClearML queue that every worker sees", trainings);

describe("a training through Temporal, through a ClearML queue alone", () => {
  it("whose trainer's own task is stopped in ClearML ends as stopped everywhere, as if the job's had been", async () => {
    const { bench } = trainings;
    await bench.worker();
    const workflow = await bench.start({ HOLD_AT: "1" });
    await bench.reached("1 epoch:1");
    const [trainer = ""] = await bench.place.living();
    await bench.reader.tasks.stop({ task: trainer });
    expect(await workflow.result()).toMatchObject({ status: "stopped" });
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 stopped"]);
    expect((await bench.reader.tasks.getById({ task: trainer })).task.status).toBe("stopped");
    await trainings.agreeOn("stopped", "/stopped");
  });
});
