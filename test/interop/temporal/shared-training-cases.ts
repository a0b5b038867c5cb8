/** What holds of a training where every worker sees its trainer, whose machine is not the worker's. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { until } from "../../support/until.js";
import { failure, WHOLE, type Trainings } from "./training-cases.js";
import type { SharedPlace } from "./training-places.js";

const GIBIBYTE = 2 ** 30;

/** The cases that each of these places must pass. */
export function describeSharedTrainings(name: string, trainings: Trainings<SharedPlace>): void {
  describe(name, () => {
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

    it("whose worker dies while it is being cancelled is ended by the next one", async () => {
      const { bench } = trainings;
      const first = await bench.worker();
      const workflow = await bench.start({ HOLD_AT: "1", DEAF: "yes" }, { stopGraceMs: 2_000 });
      await bench.reached("1 epoch:1");
      await workflow.cancel();
      await until(() => bench.place.isBeingStopped());
      first.kill("SIGKILL");
      await once(first, "exit");
      await bench.worker();
      expect((await failure(workflow.result())).workflow).toBe("CancelledFailure");
      expect(await bench.place.living()).toEqual([]);
      expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1"]);
      await trainings.agreeOn("stopped", "/stopped");
    });

    it("that is ended for want of memory is tried with more, where that was asked for, and its place says how much", async () => {
      const { bench } = trainings;
      await bench.worker();
      const memory = { resources: { memoryBytes: GIBIBYTE }, moreMemory: { factor: 3, maxMemoryBytes: 8 * GIBIBYTE } };
      const workflow = await bench.start({ END: "oom@1" }, memory);
      expect(await workflow.result()).toMatchObject({ status: "completed", memoryRetries: 1 });
      expect((await bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began", "2 began"]);
      expect(await bench.place.memoryBytes()).toEqual([GIBIBYTE, 3 * GIBIBYTE]);
      expect((await bench.clearml()).loss).toEqual(WHOLE);
      await trainings.agreeOn("completed", "/completed");
    });

    it("that has to make room goes on elsewhere, from its last checkpoint, under a higher number", async () => {
      const { bench } = trainings;
      await bench.worker();
      const workflow = await bench.start({ HOLD_AT: "2" });
      await bench.reached("1 epoch:2");
      await bench.place.evict();
      await bench.reached("1 stopped");
      await bench.openGate();
      expect(await workflow.result()).toMatchObject({ status: "completed" });
      expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 stopped", "2 began", "2 epoch:3", "2 completed"]);
      expect((await bench.backend()).progress).toEqual(["1 epoch:1", "1 epoch:2", "2 epoch:3"]);
      expect((await bench.clearml()).loss).toEqual(WHOLE);
      await trainings.agreeOn("completed", "/stopped", "/completed");
    });

    it("whose machine dies without a word goes on on another one", async () => {
      const { bench } = trainings;
      await bench.worker();
      const workflow = await bench.start({ HOLD_AT: "2" });
      await bench.reached("1 epoch:2");
      await until(async () => (await bench.clearml()).loss.length === 2);
      await bench.place.loseMachine();
      await bench.openGate();
      expect(await workflow.result()).toMatchObject({ status: "completed" });
      expect((await bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began", "2 began"]);
      expect((await bench.clearml()).loss).toEqual(WHOLE);
      await trainings.agreeOn("completed", "/completed");
    });

    it("that no machine has room for is queued for whoever asks, until there is one", async () => {
      const { bench } = trainings;
      await bench.place.fill();
      await bench.worker();
      const workflow = await bench.start();
      await until(async () => (await workflow.query<{ training?: { phase?: string } }>("progress")).training?.phase === "queued");
      await bench.place.makeRoom();
      expect(await workflow.result()).toMatchObject({ status: "completed" });
      await trainings.agreeOn("completed", "/completed");
    });
  });
}
