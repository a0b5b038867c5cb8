/**
 * How a Job's troubles are told: nodes that are gone or refuse, pods that must go or never come, queues, deadlines. Asked of
 * the fake cluster at every test, and of Kubernetes' own API server and controllers in `test/interop/kubernetes`.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../src/base/clock.js";
import type { KubernetesManagerOptions } from "../../src/temporal/kubernetes/kubernetes-manager.js";
import type { TrainingEnd, TrainingHandle, TrainingManager, TrainingState } from "../../src/temporal/training-manager.js";
import type { Thing } from "../support/kubernetes/object-store.js";
import { evict, QUEUE_LABEL, type DeletingDisruption, type TestCluster } from "../support/kubernetes/test-cluster.js";
import { until } from "../support/until.js";
import type { ManagerBench } from "./training-manager-contract.js";

/** Jobs in a cluster, with the ledger program in their pods. */
export interface JobBench extends ManagerBench {
  readonly cluster: TestCluster;
  readonly clock: Clock;
  /** With other options. */
  with(given: KubernetesManagerOptions): TrainingManager;
}

const { signal } = new AbortController();
const soon = { signal, graceMs: 5_000, reason: "enough" };

export function describeJobTroubles(name: string, makeBench: () => Promise<JobBench>): void {
  describe(name, () => {
    let bench: JobBench;
    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(async () => {
      await bench[Symbol.asyncDispose]();
    });

    async function started(mode = "wait"): Promise<TrainingHandle> {
      return (await bench.worker().start(bench.request(mode), { signal })).handle;
    }

    async function running(mode = "wait"): Promise<TrainingHandle> {
      const handle = await started(mode);
      await until(async () => (await bench.ledger()).length > 0);
      return handle;
    }

    /** Waits for it, and has had a first look. */
    async function inView(
      handle: TrainingHandle,
      onState?: (state: TrainingState) => void,
    ): Promise<{ readonly end: Promise<TrainingEnd> }> {
      let hasLooked = false;
      const end = bench.worker().wait(handle, {
        signal,
        onState: (state) => {
          hasLooked = true;
          onState?.(state);
        },
      });
      end.catch(() => undefined);
      await until(() => hasLooked);
      return { end };
    }

    async function phase(handle: TrainingHandle): Promise<string | undefined> {
      return (await bench.worker().find(handle.key, { signal }))?.state.phase;
    }

    async function thePod(): Promise<Thing> {
      return (await bench.cluster.pods())[0];
    }

    describe("a pod that has to go", () => {
      it.each<[DeletingDisruption, string]>([
        ["EvictionByEvictionAPI", "Preempted"],
        ["PreemptionByScheduler", "Preempted"],
        ["DeletionByTaintManager", "NodeLost"],
      ])("for %s ends as %s", async (reason, failure) => {
        const { end } = await inView(await running());
        await bench.cluster.disrupt(await thePod(), reason, "somebody more important came");
        expect(await end).toMatchObject({ outcome: "failed", failure, exitCode: 143 });
        expect((await end).message).toContain("somebody more important came");
      });

      it.each([
        ["Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi.", "Preempted"],
        ["Evicted", 'Container trainer exceeded its local ephemeral storage limit "1Gi".', "TrainerError"],
        ["Preempting", "Preempted in order to admit critical pod", "Preempted"],
        ["Terminated", "Pod was terminated in response to imminent node shutdown.", "Preempted"],
      ])("because its node says so (%s: %s) ends as %s, also for a worker that comes later", async (reason, message, failure) => {
        const handle = await running();
        evict(bench.cluster, await thePod(), reason, message);
        const end = await bench.worker().wait(handle, { signal });
        expect(end).toMatchObject({ outcome: "failed", failure });
        expect(end.message).toContain(message);
        expect((await bench.worker().find(handle.key, { signal }))?.state).toEqual({ phase: "ended", end });
      });

      it("because its node is gone ends as NodeLost", async () => {
        const { end } = await inView(await running());
        await bench.cluster.loseNode();
        expect(await end).toMatchObject({ outcome: "failed", failure: "NodeLost" });
        expect((await end).message).toContain("DeletionByPodGC");
      });

      it.each(["ContainerStatusUnknown", "Unknown"] as const)(
        "and of which its restarted node only says %s ends as NodeLost, not as killed",
        async (reason) => {
          const handle = await running();
          bench.cluster.node.reboot(reason);
          expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "failed", failure: "NodeLost" });
        },
      );

      it("but whose node does not answer is waited for, and given up after the time that was set, as NodeLost", async () => {
        const handle = await running();
        bench.cluster.node.isCutOff = true;
        const { end } = await inView(handle);
        await bench.cluster.disrupt(await thePod(), "DeletionByTaintManager", "node-1 is unreachable");
        expect(await phase(handle)).toBe("running");
        const clock = { ...bench.clock, now: () => bench.clock.now() + 6_000 };
        expect(await bench.with({ lostNodeMs: 2_000, clock }).wait(handle, { signal })).toMatchObject({ failure: "NodeLost" });
        await until(async () => (await bench.cluster.jobs()).length === 0 && (await bench.cluster.pods()).length === 0);
        expect(await end).toMatchObject({ failure: "JobVanished" });
        expect((await bench.worker().start(bench.request("complete", { fence: 2 }), { signal })).state.phase).not.toBe("ended");
      });

      it("and whose node does not answer does not keep a stop from its end", async () => {
        const handle = await running();
        bench.cluster.node.isCutOff = true;
        const clock = { ...bench.clock, now: () => bench.clock.now() + 20_000 };
        expect(await bench.with({ lostNodeMs: 10_000, clock }).stop(handle, soon)).toMatchObject({ outcome: "stopped" });
        await until(async () => (await bench.cluster.jobs()).length === 0);
      });

      it("for its Job's deadline is told as DeadlineExceeded, when the pod has really ended", async () => {
        const { handle } = await bench.with({ activeDeadlineMs: 1_000 }).start(bench.request("wait"), { signal });
        const { end } = await inView(handle);
        expect(await end).toMatchObject({ outcome: "failed", failure: "DeadlineExceeded" });
        expect((await bench.ledger()).map(([, word]) => word)).toEqual(["began", "told", "ended"]);
      });
    });

    describe("a pod that does not begin", () => {
      it.each(["ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull"])(
        "because of %s has its grace, and then fails as ImageUnavailable and leaves nothing that might still begin",
        async (waiting) => {
          bench.cluster.node.trouble = { waiting };
          const handle = await started("complete");
          const end = await bench.with({ imageGraceMs: 200 }).wait(handle, { signal });
          expect(end).toMatchObject({ outcome: "failed", failure: "ImageUnavailable" });
          expect(end.message).toContain(waiting);
          expect(await bench.cluster.pods()).toEqual([]);
          expect((await bench.worker().find(handle.key, { signal }))?.state).toEqual({ phase: "ended", end });
          expect(await bench.worker().logTail(handle, { signal, maxBytes: 100 })).toBe("");
        },
      );

      it("because of InvalidImageName fails at once: time does not mend a name", async () => {
        bench.cluster.node.trouble = { waiting: "InvalidImageName" };
        const end = await bench.with({ imageGraceMs: 86_400_000 }).wait(await started("complete"), { signal });
        expect(end).toMatchObject({ outcome: "failed", failure: "ImageUnavailable" });
        expect(end.message).toContain("trainer:1");
      });

      it("for a while, because a registry flapped, runs all the same", async () => {
        bench.cluster.node.trouble = { waiting: "ImagePullBackOff" };
        const handle = await started("complete");
        const { end } = await inView(handle);
        await until(async () => (await phase(handle)) === "starting");
        expect(await bench.worker().logTail(handle, { signal, maxBytes: 100 })).toBe("");
        bench.cluster.node.recover(await thePod());
        expect(await end).toMatchObject({ outcome: "completed" });
      });

      it.each(["UnexpectedAdmissionError", "OutOfnvidia.com/gpu", "NodeAffinity"])(
        "because its node refuses it (%s) may be tried again",
        async (refused) => {
          bench.cluster.node.trouble = { refused };
          const end = await bench.worker().wait(await started("complete"), { signal });
          expect(end).toMatchObject({ outcome: "failed", failure: "BackendUnavailable" });
          expect(end.message).toContain(refused);
        },
      );

      it("for want of a node is queued and says why, and begins when there is one", async () => {
        bench.cluster.node.trouble = "unschedulable";
        const handle = await started("complete");
        const states: TrainingState[] = [];
        const { end } = await inView(handle, (state) => states.push(state));
        await until(() => states.some((state) => state.phase === "queued"));
        expect(states.at(-1)).toMatchObject({ phase: "queued", message: expect.stringContaining("0/3 nodes are available") as string });
        bench.cluster.node.trouble = "none";
        bench.cluster.node.sees(await thePod());
        expect(await end).toMatchObject({ outcome: "completed" });
      });

      it("for want of a node is given up at its limit alone, and stopped at once when that is asked for", async () => {
        bench.cluster.node.trouble = "unschedulable";
        const handle = await started("complete");
        await until(async () => (await phase(handle)) === "queued");
        const end = await bench.with({ queueLimitMs: 0, imageGraceMs: 86_400_000 }).wait(handle, { signal });
        expect(end).toMatchObject({ outcome: "failed", failure: "BackendUnavailable" });
        expect(end.message).toContain("0/3 nodes are available");
        const other = await bench.worker().start(bench.request("complete", { key: "another" }), { signal });
        expect(await bench.worker().stop(other.handle, soon)).toMatchObject({ outcome: "stopped" });
        expect(await bench.ledger()).toEqual([]);
      });
    });

    describe("a Job that somebody queues", () => {
      const queued = async (): Promise<TrainingHandle> =>
        (await bench.with({ labels: { [QUEUE_LABEL]: "gpus" } }).start(bench.request("wait"), { signal })).handle;

      it("waits suspended, runs when its turn has come, makes room for another, and goes on in a new pod", async () => {
        const handle = await queued();
        const phases: string[] = [];
        const { end } = await inView(handle, (state) => phases.push(state.phase));
        await until(() => phases.includes("queued"));
        await bench.cluster.suspend(handle.id, false);
        await until(async () => (await bench.ledger()).length > 0);
        await until(() => phases.includes("running"));
        await bench.cluster.suspend(handle.id, true);
        await until(() => phases.at(-1) === "queued");
        await until(async () => (await bench.cluster.pods()).length === 0);
        await bench.cluster.suspend(handle.id, false);
        await until(async () => (await bench.ledger()).length === 4);
        expect(await bench.worker().stop(handle, soon)).toMatchObject({ outcome: "stopped" });
        expect(await end).toMatchObject({ outcome: "stopped" });
        const words = (await bench.ledger()).map(([, word]) => word);
        expect(words).toEqual(["began", "told", "ended", "began", "told", "ended"]);
      });

      it("and is stopped while it waits never begins, even when it is resumed later", async () => {
        const handle = await queued();
        await until(async () => (await phase(handle)) === "queued");
        expect(await bench.worker().stop(handle, soon)).toMatchObject({ outcome: "stopped" });
        await bench.cluster.suspend(handle.id, false);
        await until(async () =>
          (await bench.cluster.jobs())[0].status.conditions.some(({ reason }: { reason: string }) => reason === "JobResumed"),
        );
        expect(await bench.cluster.pods()).toEqual([]);
        expect((await bench.worker().find(handle.key, { signal }))?.state).toMatchObject({ phase: "ended", end: { outcome: "stopped" } });
      });
    });

    describe("a Job that goes away", () => {
      it("because its time to be kept was over is told as vanished", async () => {
        const { handle } = await bench.with({ keepEndedMs: 1_000 }).start(bench.request("complete"), { signal });
        await until(async () => (await bench.ledger()).length === 2);
        await until(async () => (await bench.cluster.jobs()).length === 0);
        expect(await bench.worker().wait(handle, { signal })).toMatchObject({ failure: "JobVanished" });
      });

      it.each(["Background", "Foreground", "Orphan"] as const)("by somebody's hand (%s) is told as vanished", async (propagationPolicy) => {
        const handle = await running();
        const { end } = await inView(handle);
        await bench.cluster.removeJob(handle.id, { propagationPolicy });
        expect(await end).toMatchObject({ outcome: "failed", failure: "JobVanished" });
      });

      it("is waited for by a start of the same key, which then starts anew", async () => {
        const handle = await running();
        await bench.cluster.removeJob(handle.id, { propagationPolicy: "Foreground" });
        const { handle: next } = await bench.worker().start(bench.request("complete", { fence: 2 }), { signal });
        expect(await bench.worker().wait(next, { signal })).toMatchObject({ outcome: "completed" });
        expect((await bench.ledger()).map(([fence, word]) => `${fence} ${word}`)).toEqual([
          "1 began",
          "1 told",
          "1 ended",
          "2 began",
          "2 ended",
        ]);
      });
    });
  });
}
