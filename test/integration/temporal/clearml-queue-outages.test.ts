/**
 * A ClearML that goes away in the middle of a start, a watch, a stop or the cleaning up, before a call was heard and after its
 * work was done: nothing is done twice, and trainer and task end as they should.
 */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TrainingHandle } from "../../../src/temporal/training-manager.js";
import { queueBench, type QueueBench } from "../../support/temporal/queue-bench.js";
import { until } from "../../support/until.js";

const { signal } = new AbortController();
/** The worker's own calls: agents and launchers name themselves otherwise. */
const OF_THE_WORKER = /trainer-sdk/;

let bench: QueueBench;
beforeEach(async () => {
  bench = await queueBench(0);
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const words = async (): Promise<string[]> => (await bench.ledger()).map(([fence, word]) => `${fence} ${word}`);
const statusOf = async ({ id }: TrainingHandle) => (await bench.reader.tasks.getById({ task: id })).task.status;
const inQueue = async (): Promise<number> => (await bench.reader.queues.getNumEntries({ queue: bench.queueId })).num ?? -1;

async function trainers(): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of bench.reader.tasks.getAll({ system_tags: ["trainer-sdk-trainer"] })) ids.push(id);
  return ids;
}

async function running(): Promise<TrainingHandle> {
  const { handle } = await bench.worker().start(bench.request("wait"), { signal });
  await until(async () => (await words()).includes("1 began"));
  return handle;
}

/** The next call of the worker to an endpoint is not heard, or its answer is lost. @returns how often that has happened. */
function cutOff(endpoint: string, mode: "refuse" | "drop-answer"): () => number {
  const before = bench.server.faults.hits("api");
  bench.server.faults.set("api", {
    mode,
    times: 1,
    match: ({ url, headers }) => url.pathname.endsWith(`/${endpoint}`) && OF_THE_WORKER.test(headers["x-clearml-client"] ?? ""),
  });
  return () => bench.server.faults.hits("api") - before;
}

const both = <T extends string>(endpoints: readonly T[]) =>
  endpoints.flatMap((endpoint) => (["refuse", "drop-answer"] as const).map((mode) => [endpoint, mode] as const));

describe("an outage of ClearML", () => {
  it.each(both(["queues.get_all", "tasks.get_all", "tasks.create", "tasks.enqueue", "tasks.update"]))(
    "that cuts a start off at %s (%s) costs time alone: one task, run once",
    async (endpoint, mode) => {
      const cuts = cutOff(endpoint, mode);
      const { handle } = await bench.worker().start(bench.request("complete"), { signal });
      expect(cuts()).toBe(1);
      await bench.agent();
      expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "completed" });
      expect(await words()).toEqual(["1 began", "1 ended"]);
      expect(await trainers()).toEqual([handle.id]);
      expect((await bench.reader.tasks.getById({ task: handle.id })).task.system_tags).toContain("trainer-sdk-queued");
    },
  );

  it.each(both(["tasks.get_all", "tasks.edit_runtime", "tasks.stop"]))(
    "that cuts a stop off at %s (%s) keeps no trainer from being stopped politely, and once",
    async (endpoint, mode) => {
      await bench.agent();
      const handle = await running();
      const cuts = cutOff(endpoint, mode);
      const end = await bench.worker().stop(handle, { signal, graceMs: 20_000, reason: "enough" });
      expect(cuts()).toBe(1);
      expect(end).toMatchObject({ outcome: "stopped", exitCode: 143 });
      expect(await words()).toEqual(["1 began", "1 told", "1 ended"]);
      expect(await statusOf(handle)).toBe("stopped");
    },
  );

  it.each(["refuse", "drop-answer"] as const)(
    "that cuts off the stop of a trainer in the queue (%s) leaves it stopped, and never run",
    async (mode) => {
      const { handle } = await bench.worker().start(bench.request("complete"), { signal });
      const cuts = cutOff("queues.remove_task", mode);
      const end = await bench.with({ agentTimeoutMs: 300 }).stop(handle, { signal, graceMs: 0, reason: "enough" });
      expect(cuts()).toBe(1);
      expect(end).toMatchObject({ outcome: "stopped" });
      expect([await statusOf(handle), await inQueue()]).toEqual(["stopped", 0]);
      await bench.agent();
      const next = await bench.worker().start(bench.request("complete", { fence: 2 }), { signal });
      await bench.worker().wait(next.handle, { signal });
      expect(await words()).toEqual(["2 began", "2 ended"]);
    },
  );

  it.each(both(["tasks.failed"]))(
    "that cuts a watch off when it gives an end (%s, %s) leaves the end that was seen",
    async (endpoint, mode) => {
      const agent = await bench.agent();
      const handle = await running();
      const cuts = cutOff(endpoint, mode);
      const waiting = bench.worker().wait(handle, { signal });
      const gone = once(agent, "exit");
      agent.kill("SIGKILL");
      await gone;
      const end = await waiting;
      expect(cuts()).toBe(1);
      expect(end).toMatchObject({ outcome: "failed", failure: "NodeLost" });
      const { failure, message } = end;
      expect((await bench.worker().find(handle.key, { signal }))?.state).toMatchObject({ phase: "ended", end: { failure, message } });
    },
  );

  it.each(both(["queues.remove_task", "tasks.edit_runtime", "tasks.failed"]))(
    "that cuts off giving up a queue in which nobody comes (%s, %s) does not have it waited for without end",
    async (endpoint, mode) => {
      const { handle } = await bench.worker().start(bench.request("complete"), { signal });
      const cuts = cutOff(endpoint, mode);
      const end = await bench.with({ queueLimitMs: 200, agentTimeoutMs: 300 }).wait(handle, { signal });
      expect(cuts()).toBe(1);
      expect(end).toMatchObject({ failure: "BackendUnavailable" });
      expect([await statusOf(handle), await inQueue()]).toEqual(["failed", 0]);
      await bench.agent();
      const next = await bench.worker().start(bench.request("complete", { fence: 2 }), { signal });
      await bench.worker().wait(next.handle, { signal });
      expect(await words()).toEqual(["2 began", "2 ended"]);
    },
  );

  it("that lasts for a while in the middle of it all costs time alone", async () => {
    await bench.agent();
    const outage = async (work: () => Promise<unknown>): Promise<unknown> => {
      const isBack = bench.server.faults.set("api", { mode: "status", status: 503 });
      const hits = bench.server.faults.hits("api");
      const doing = work();
      await until(() => bench.server.faults.hits("api") > hits + 10);
      isBack();
      return doing;
    };
    const worker = bench.worker();
    await outage(() => worker.start(bench.request("wait"), { signal }));
    await until(async () => (await words()).includes("1 began"));
    const found = await outage(() => worker.find(bench.request("wait").key, { signal }));
    const { handle } = found as { handle: TrainingHandle };
    const waiting = worker.wait(handle, { signal });
    const stopped = await outage(() => worker.stop(handle, { signal, graceMs: 20_000, reason: "enough" }));
    expect(stopped).toMatchObject({ outcome: "stopped", exitCode: 143 });
    expect(await waiting).toEqual(stopped);
    await outage(() => worker.forget(handle, { signal }));
    expect(await worker.find(handle.key, { signal })).toBeUndefined();
    expect(await words()).toEqual(["1 began", "1 told", "1 ended"]);
    expect(await statusOf(handle)).toBe("stopped");
  });

  it("is not what refused keys are: a start that they fail says so at once", async () => {
    bench.server.faults.set("api", { mode: "status", status: 403, match: "queues.get_all" });
    await expect(bench.worker().start(bench.request("complete"), { signal })).rejects.toMatchObject({ type: "BackendUnavailable" });
    expect(await trainers()).toEqual([]);
  });
});
