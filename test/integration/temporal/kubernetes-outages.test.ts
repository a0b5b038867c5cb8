/**
 * An API server that goes away in the middle of a start, a watch, a stop or the cleaning up, before a call was heard and after its
 * work was done: nothing is done twice, and Job and trainer end as they should.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import type { TrainingHandle } from "../../../src/temporal/training-manager.js";
import { kubernetesBench, type KubernetesBench } from "../../support/temporal/kubernetes-bench.js";
import { until } from "../../support/until.js";

const { signal } = new AbortController();
const soon = { signal, graceMs: 20_000, reason: "enough" };
/** How many calls in a row an outage takes that lasts for a while. */
const A_WHILE = 10;

let bench: KubernetesBench;
beforeEach(async () => {
  bench = await kubernetesBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const words = async (): Promise<string[]> => (await bench.ledger()).map(([fence, word]) => `${fence} ${word}`);

async function running(mode = "wait"): Promise<TrainingHandle> {
  const { handle } = await bench.with({ terminationGraceMs: 600_000 }).start(bench.request(mode), { signal });
  await until(async () => (await words()).includes("1 began"));
  return handle;
}

/** Of all that there ever were. */
function made(kind: "jobs" | "pods"): number {
  return bench.cluster.store.changes.filter((change) => change.kind === kind && change.type === "ADDED").length;
}

/** Each wish that was ever written to a Job. */
function wishes(): readonly string[] {
  const marks = bench.cluster.store.changes.map(({ object }) => object.metadata.annotations["trainer-sdk/stop"] as string | undefined);
  return [...new Set(marks)].filter((mark) => mark !== undefined);
}

const both = <T extends string>(calls: readonly T[]) =>
  calls.flatMap((call) => (["refuse", "drop-answer"] as const).map((mode) => [call, mode] as const));

describe("an outage of the API server", () => {
  it.each(both(["create jobs", "get jobs", "list pods"]))(
    "that cuts a start off at %s (%s) costs time alone: one Job, run once",
    async (call, mode) => {
      const cuts = bench.cluster.api.cutOff(call, mode);
      const { handle } = await bench.worker().start(bench.request("complete"), { signal });
      expect(cuts()).toBe(1);
      expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "completed" });
      expect(await words()).toEqual(["1 began", "1 ended"]);
      expect([made("jobs"), made("pods")]).toEqual([1, 1]);
    },
  );

  it.each(both(["get jobs", "patch jobs", "delete jobs", "create jobs"]))(
    "that cuts off at %s (%s) a start that supersedes leaves one trainer, after the other has ended",
    async (call, mode) => {
      await running();
      const cuts = bench.cluster.api.cutOff(call, mode);
      const { handle } = await bench.worker().start(bench.request("complete", { fence: 2 }), { signal });
      expect(cuts()).toBe(1);
      expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "completed" });
      expect(await words()).toEqual(["1 began", "1 told", "1 ended", "2 began", "2 ended"]);
      expect([made("jobs"), made("pods")]).toEqual([2, 2]);
    },
  );

  it.each(both(["list jobs", "list pods", "patch jobs"]))(
    "that cuts a stop off at %s (%s) keeps no trainer from being stopped politely, and once",
    async (call, mode) => {
      const handle = await running();
      const cuts = bench.cluster.api.cutOff(call, mode);
      expect(await bench.worker().stop(handle, soon)).toMatchObject({ outcome: "stopped", exitCode: 143 });
      expect(cuts()).toBe(1);
      expect(await words()).toEqual(["1 began", "1 told", "1 ended"]);
      expect(wishes()).toHaveLength(1);
    },
  );

  it.each(["refuse", "drop-answer"] as const)(
    "that cuts off the order to a pod to go sooner (%s) keeps no deaf trainer from being ended by force",
    async (mode) => {
      const handle = await running("deaf");
      const cuts = bench.cluster.api.cutOff("delete pods", mode);
      const end = await bench.worker().stop(handle, { ...soon, graceMs: 1_000 });
      expect(end).toMatchObject({ outcome: "stopped", exitCode: 137 });
      expect([cuts(), bench.cluster.api.calls.get("delete pods")]).toEqual([1, 2]);
      expect(await words()).toEqual(["1 began", "1 told"]);
    },
  );

  it.each(both(["delete jobs", "delete pods"]))(
    "that cuts off giving up a node (%s, %s) leaves the end that was decided",
    async (call, mode) => {
      const handle = await running();
      bench.cluster.node.isCutOff = true;
      const clock = { ...systemClock, now: () => systemClock.now() + 30_000 };
      const cuts = bench.cluster.api.cutOff(call, mode);
      expect(await bench.with({ lostNodeMs: 5_000, clock }).stop(handle, soon)).toMatchObject({ outcome: "stopped" });
      expect(cuts()).toBe(1);
      await until(async () => (await bench.cluster.jobs()).length === 0 && (await bench.cluster.pods()).length === 0);
    },
  );

  it.each(both(["get jobs", "list pods", "delete jobs"]))(
    "that cuts the cleaning up off at %s (%s) leaves nothing behind",
    async (call, mode) => {
      const { handle } = await bench.worker().start(bench.request("complete"), { signal });
      await bench.worker().wait(handle, { signal });
      const cuts = bench.cluster.api.cutOff(call, mode);
      await bench.worker().forget(handle, { signal });
      expect(cuts()).toBe(1);
      expect([...(await bench.cluster.jobs()), ...(await bench.cluster.pods())]).toEqual([]);
    },
  );

  it("that lasts for a while when a Job is made and when its pod is told to go costs time alone", async () => {
    const { api } = bench.cluster;
    const atCreation = api.cutOff("create jobs", "refuse", A_WHILE);
    const handle = await running("deaf");
    expect([atCreation(), api.calls.get("create jobs")]).toEqual([A_WHILE, A_WHILE + 1]);
    const atDeletion = api.cutOff("delete pods", "refuse", A_WHILE);
    // Sooner than the pod would go by itself, when its Job is suspended.
    const end = await bench.worker().stop(handle, { ...soon, graceMs: 1_000 });
    expect(end).toMatchObject({ outcome: "stopped", exitCode: 137 });
    expect([atDeletion(), api.calls.get("delete pods")]).toEqual([A_WHILE, A_WHILE + 1]);
    expect(await words()).toEqual(["1 began", "1 told"]);
    expect([made("jobs"), made("pods")]).toEqual([1, 1]);
  });

  it("that lasts longer than is borne fails a start, and the next one goes on with what that has made", async () => {
    const request = bench.request("complete");
    bench.cluster.api.cutOff("get jobs", "refuse", Infinity);
    await expect(bench.with({ outageMs: 200 }).start(request, { signal })).rejects.toMatchObject({ type: "BackendUnavailable" });
    bench.cluster.api.cutOff("get jobs", "refuse", 0);
    const { handle } = await bench.worker().start(request, { signal });
    expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "completed" });
    expect([made("jobs"), made("pods")]).toEqual([1, 1]);
  });
});
