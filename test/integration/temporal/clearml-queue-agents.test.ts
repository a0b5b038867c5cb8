/** What becomes of a trainer whose agent has it: stops from every side, agents that die, a ClearML that is away. */
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TrainingHandle } from "../../../src/temporal/training-manager.js";
import { queueBench, type QueueBench } from "../../support/temporal/queue-bench.js";
import { until } from "../../support/until.js";

const { signal } = new AbortController();

let bench: QueueBench;
let agent: ChildProcess;
beforeEach(async () => {
  bench = await queueBench(0);
  agent = await bench.agent();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function running(mode = "wait", fence = 1): Promise<{ readonly handle: TrainingHandle; readonly pid: number }> {
  const { handle } = await bench.worker().start(bench.request(mode, { fence }), { signal });
  let pid: number | undefined;
  await until(async () => {
    pid = (await bench.ledger()).find(([by, word]) => by === String(fence) && word === "began")?.[2];
    return pid !== undefined;
  });
  return { handle, pid: pid ?? 0 };
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** Launchers of this bench's agents, by pid. */
function launchers(): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const isOurs = readlinkSync(`/proc/${name}/cwd`).startsWith(bench.folder);
      return isOurs && readFileSync(`/proc/${name}/cmdline`, "utf8").includes("trainer_sdk_launch.sh") ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** The launcher is the trainer's parent. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

const statusOf = async ({ id }: TrainingHandle) => (await bench.reader.tasks.getById({ task: id })).task.status;
const consoleOf = async ({ id }: TrainingHandle): Promise<string> =>
  (await bench.reader.session.call("events.get_task_log", { task: id })).events.map(({ msg }) => String(msg)).join("");
const words = async (): Promise<string[]> => (await bench.ledger()).map(([fence, word]) => `${fence} ${word}`);

describe("a trainer that a clearml-agent runs", () => {
  it("hears a person's stop in ClearML politely, and counts as stopped", async () => {
    const { handle } = await running();
    const waiting = bench.worker().wait(handle, { signal });
    await bench.reader.tasks.stop({ task: handle.id });
    expect(await waiting).toMatchObject({ outcome: "stopped", exitCode: 143 });
    expect(await words()).toEqual(["1 began", "1 told", "1 ended"]);
    expect(await statusOf(handle)).toBe("stopped");
  });

  it("is told to end when a person resets or deletes its task", async () => {
    const { handle, pid } = await running();
    const waiting = bench.worker().wait(handle, { signal });
    await bench.reader.tasks.delete({ task: handle.id, force: true });
    expect(await waiting).toMatchObject({ failure: "JobVanished" });
    await until(() => !bench.isAlive(pid));
    const second = await running("wait", 2);
    const manager = bench.with({ terminationGraceMs: 500, agentTimeoutMs: 500 });
    const again = manager.wait(second.handle, { signal });
    await bench.reader.tasks.reset({ task: second.handle.id, force: true });
    expect(await again).toMatchObject({ outcome: "stopped" });
    await until(() => !bench.isAlive(second.pid));
  });

  it("is ended by its launcher when its agent is killed, and may be started anew elsewhere", async () => {
    const { handle, pid } = await running();
    const waiting = bench.worker().wait(handle, { signal });
    await killed(agent);
    expect(await waiting).toMatchObject({ outcome: "failed", failure: "NodeLost" });
    expect(bench.isAlive(pid)).toBe(false);
    expect(await statusOf(handle)).toBe("failed");
    expect((await bench.worker().find(handle.key, { signal }))?.state).toMatchObject({ phase: "ended", end: { failure: "NodeLost" } });
    await bench.agent();
    const next = await running("complete", 2);
    expect(await bench.worker().wait(next.handle, { signal })).toMatchObject({ outcome: "completed" });
    expect(await words()).toEqual(["1 began", "1 told", "1 ended", "2 began", "2 ended"]);
  });

  it("whose machine dies is given up after the silence that was agreed on, and not before", async () => {
    const { handle, pid } = await running();
    await killed(agent);
    process.kill(parentOf(pid), "SIGKILL");
    // Nobody's child any more, it dies with its launcher.
    await until(() => !bench.isAlive(pid));
    let isOver = false;
    const patient = bench.worker().wait(handle, { signal });
    const whenOver = patient.then(() => (isOver = true));
    const looks = (): number => bench.server.requests.entries({ path: "tasks.get_all" }).length;
    const before = looks();
    await until(() => looks() > before + 20);
    expect(isOver).toBe(false);
    const end = await bench.with({ lostAfterMs: 300 }).wait(handle, { signal });
    expect(end).toMatchObject({ outcome: "failed", failure: "NodeLost" });
    await whenOver;
    expect(await patient).toEqual(end);
    expect(await statusOf(handle)).toBe("failed");
  });

  it("is ended, and counts as interrupted, when the launcher is told to end by its machine", async () => {
    const { handle, pid } = await running();
    const waiting = bench.worker().wait(handle, { signal });
    process.kill(parentOf(pid), "SIGTERM");
    expect(await waiting).toMatchObject({ outcome: "failed", failure: "Preempted" });
    expect(await words()).toEqual(["1 began", "1 told", "1 ended"]);
  });

  it("does not notice that ClearML is away, and its end is told when that is back", async () => {
    const { handle, pid } = await running();
    const waiting = bench.worker().wait(handle, { signal });
    const isBack = bench.server.faults.set("api", { mode: "refuse" });
    const hits = bench.server.faults.hits("api");
    await until(() => bench.server.faults.hits("api") > hits + 10);
    expect(bench.isAlive(pid)).toBe(true);
    process.kill(pid, "SIGTERM");
    await until(() => !bench.isAlive(pid));
    isBack();
    expect(await waiting).toMatchObject({ failure: "Preempted", exitCode: 143 });
  });

  it("is not waited for by a launcher that never reached ClearML once its agent is gone", async () => {
    bench.server.faults.set("api", { mode: "refuse", match: ({ headers }) => headers["user-agent"]?.startsWith("Python") === true });
    await bench.worker().start(bench.request("wait"), { signal });
    await until(() => launchers().length > 0 && bench.server.faults.hits("api") > 0);
    await killed(agent);
    await until(() => launchers().length === 0);
    expect(await words()).toEqual([]);
  });

  it("is stopped once ClearML is back when it was away at the time", async () => {
    const { handle } = await running();
    const isBack = bench.server.faults.set("api", { mode: "refuse" });
    const hits = bench.server.faults.hits("api");
    const stopping = bench.worker().stop(handle, { signal, graceMs: 5_000, reason: "enough" });
    await until(() => bench.server.faults.hits("api") > hits + 5);
    isBack();
    expect(await stopping).toMatchObject({ outcome: "stopped" });
    expect(await words()).toEqual(["1 began", "1 told", "1 ended"]);
  });

  it("has the longer of two graces of its agent, and the shorter of two of its stops", async () => {
    const { handle } = await running("deaf");
    const long = bench.worker().stop(handle, { signal, graceMs: 3_600_000, reason: "slowly" });
    await until(async () => (await words()).includes("1 told"));
    const { runtime } = (await bench.reader.tasks.getById({ task: handle.id })).task;
    expect(runtime?.["_abort_callback_timeout"]).toBe("3630");
    const end = await bench.worker().stop(handle, { signal, graceMs: 100, reason: "now" });
    expect(end).toMatchObject({ outcome: "stopped", signal: "SIGKILL" });
    expect(await long).toEqual(end);
  });

  it("is run once although two agents are given its task", async () => {
    await killed(agent);
    const { handle } = await bench.worker().start(bench.request("wait"), { signal });
    await bench.reader.queues.getNextTask({ queue: bench.queueId });
    for (let copy = 0; copy < 2; copy++) {
      await bench.reader.queues.addTask({ queue: bench.queueId, task: handle.id });
      await bench.agent();
      await until(async () => (await bench.reader.queues.getNumEntries({ queue: bench.queueId })).num === 0);
    }
    await until(async () => (await consoleOf(handle)).includes("another agent runs this task"));
    await until(async () => (await words()).includes("1 began"));
    await bench.worker().stop(handle, { signal, graceMs: 10_000, reason: "enough" });
    expect(await words()).toEqual(["1 began", "1 told", "1 ended"]);
  });
});
