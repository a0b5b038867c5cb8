/** What is special to tasks in a queue: what they hold and do not hold, and what happens while no agent has them. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clearmlQueueManager } from "../../../src/temporal/clearml-queue/clearml-queue-manager.js";
import type { TrainingHandle } from "../../../src/temporal/training-manager.js";
import { queueBench, type QueueBench } from "../../support/temporal/queue-bench.js";
import { until } from "../../support/until.js";

const { signal } = new AbortController();
const soon = { signal, graceMs: 5_000, reason: "enough" };

let bench: QueueBench;
beforeEach(async () => {
  bench = await queueBench(0);
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function queued(mode = "complete"): Promise<TrainingHandle> {
  return (await bench.worker().start(bench.request(mode), { signal })).handle;
}

async function taskOf({ id }: TrainingHandle) {
  return (await bench.reader.tasks.getById({ task: id })).task;
}

const inQueue = async (): Promise<number> => (await bench.reader.queues.getNumEntries({ queue: bench.queueId })).num ?? -1;
const words = async (): Promise<string[]> => (await bench.ledger()).map(([fence, word]) => `${fence} ${word}`);

describe("a trainer in a ClearML queue", () => {
  it("is a task of its own, below the job's, with everything that an agent needs", async () => {
    const { id: parent } = await bench.reader.tasks.create({ name: "Training Job 7", type: "training" });
    const request = bench.request("complete", { fence: 4, labels: { "job-id": "7" } });
    const spec = {
      ...request.spec,
      env: { ...request.spec.env, CLEARML_TASK_ID: parent },
      image: "trainer:2",
      resources: { cpus: 2, memoryBytes: 1024 },
    };
    const manager = bench.with({ project: "Platform/Trainers", dockerArguments: ["--ipc=host"], setupShellScript: "true" });
    const task = await taskOf((await manager.start({ ...request, spec }, { signal })).handle);
    const project = await bench.reader.projects.getById({ project: task.project ?? "" });
    expect(project.project.name).toBe("Platform/Trainers");
    expect(task).toMatchObject({
      name: "Trainer 4 of job 7",
      status: "queued",
      parent,
      script: { binary: "/bin/bash", entry_point: "trainer_sdk_launch.sh", working_dir: "." },
      container: { image: "trainer:2", arguments: "--cpus=2 --memory=1024 --ipc=host", setup_shell_script: "true" },
      execution: { queue: bench.queueId },
    });
    expect((await bench.reader.tasks.getById({ task: parent })).task).toMatchObject({ status: "created" });
  });

  it("is started although the job's task was deleted", async () => {
    const request = bench.request("complete");
    const env = { ...request.spec.env, CLEARML_TASK_ID: "0".repeat(32) };
    const { handle } = await bench.worker().start({ ...request, spec: { ...request.spec, env } }, { signal });
    expect((await taskOf(handle)).status).toBe("queued");
  });

  it("is refused, with words that help, where there is no such queue, no command, or a secret", async () => {
    const manager = bench.with({ queue: "gpu" });
    const message = expect.stringContaining('no queue called "gpu"');
    await expect(manager.start(bench.request("complete"), { signal })).rejects.toMatchObject({ type: "InvalidSpec", message });
    const bare = { ...bench.request("complete"), spec: { command: [], env: {} } };
    await expect(bench.worker().start(bare, { signal })).rejects.toMatchObject({ type: "InvalidSpec" });
    const secret = bench.request("complete", { secretEnv: { CLEARML_API_SECRET_KEY: "hunter2" } });
    await expect(bench.worker().start(secret, { signal })).rejects.toMatchObject({
      type: "InvalidSpec",
      message: expect.stringMatching(/CLEARML_API_SECRET_KEY.*environment of the agents/) as string,
    });
    expect(await bench.worker().find(secret.key, { signal })).toBeUndefined();
    expect(() => clearmlQueueManager({ queue: " ", env: {}, terminationGraceMs: 3_600_000 })).toThrow(/queue must be.*terminationGraceMs/);
  });

  it("is not started as the same number from another specification", async () => {
    await queued();
    await expect(bench.worker().start(bench.request("wait"), { signal })).rejects.toMatchObject({ type: "InvalidSpec" });
  });

  it("that is stopped while it waits leaves the queue and is never run", async () => {
    const handle = await queued();
    expect(await bench.worker().stop(handle, soon)).toMatchObject({ outcome: "stopped" });
    expect(await inQueue()).toBe(0);
    expect(await bench.worker().find(handle.key, { signal })).toMatchObject({ state: { phase: "ended", end: { outcome: "stopped" } } });
    await bench.agent();
    const { handle: next } = await bench.worker().start(bench.request("complete", { fence: 2 }), { signal });
    await bench.worker().wait(next, { signal });
    expect(await words()).toEqual(["2 began", "2 ended"]);
  });

  it("that is stopped while an agent takes it is not run by that agent, however late", async () => {
    const handle = await queued();
    await bench.reader.queues.getNextTask({ queue: bench.queueId });
    expect(await bench.with({ agentTimeoutMs: 200 }).stop(handle, { ...soon, graceMs: 0 })).toMatchObject({ outcome: "stopped" });
    // The agent begins at last.
    await bench.reader.tasks.enqueue({ task: handle.id, queue: bench.queueId });
    await bench.agent();
    await until(async () => (await taskOf(handle)).runtime?.["trainer_sdk_end"] !== undefined);
    expect(await words()).toEqual([]);
  });

  it.each([
    ["takes out of the queue", (task: string) => bench.reader.tasks.dequeue({ task })],
    ["stops", (task: string) => bench.reader.tasks.stop({ task })],
  ])("that a person %s counts as stopped, and is not started again by the next attempt", async (_what, act) => {
    const handle = await queued();
    const manager = bench.with({ terminationGraceMs: 100, agentTimeoutMs: 100 });
    const waiting = manager.wait(handle, { signal });
    await act(handle.id);
    expect(await waiting).toMatchObject({ outcome: "stopped" });
    expect(await bench.worker().find(handle.key, { signal })).toMatchObject({
      handle,
      state: { phase: "ended", end: { outcome: "stopped" } },
    });
    expect(await inQueue()).toBe(0);
  });

  it("that a person deletes is told as vanished", async () => {
    const handle = await queued();
    const waiting = bench.worker().wait(handle, { signal });
    await bench.reader.tasks.delete({ task: handle.id, force: true });
    expect(await waiting).toMatchObject({ outcome: "failed", failure: "JobVanished" });
    expect(await bench.worker().stop(handle, soon)).toMatchObject({ failure: "JobVanished" });
    expect(await bench.worker().find(handle.key, { signal })).toBeUndefined();
  });

  it("for which no agent comes is given up at its limit alone, and leaves the queue then", async () => {
    const handle = await queued();
    expect(await bench.with({ queueLimitMs: 100 }).wait(handle, { signal })).toMatchObject({ failure: "BackendUnavailable" });
    expect(await inQueue()).toBe(0);
    expect((await taskOf(handle)).status).toBe("failed");
  });

  it("is waited for while ClearML is away, and given up when that lasts too long", async () => {
    const handle = await queued();
    const waiting = bench.worker().wait(handle, { signal });
    const before = bench.server.faults.hits("api");
    const isBack = bench.server.faults.set("api", { mode: "refuse" });
    await until(() => bench.server.faults.hits("api") > before + 3);
    await expect(bench.with({ outageMs: 0 }).wait(handle, { signal })).rejects.toMatchObject({ type: "BackendUnavailable" });
    await expect(bench.with({ outageMs: 0 }).find(handle.key, { signal })).rejects.toMatchObject({ type: "BackendUnavailable" });
    isBack();
    await bench.agent();
    expect(await waiting).toMatchObject({ outcome: "completed" });
  });

  it.each(["refuse", "drop-answer"] as const)("whose start was cut off at its queueing (%s) is run once by the next", async (mode) => {
    bench.server.faults.set("api", { mode, match: "tasks.enqueue", times: 1 });
    const start = bench.with({ outageMs: 0 }).start(bench.request("complete"), { signal });
    await expect(start).rejects.toMatchObject({ type: "BackendUnavailable" });
    await bench.agent();
    const handle = (await bench.worker().find(bench.request("complete").key, { signal }))?.handle ?? (await queued());
    expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "completed" });
    expect(await words()).toEqual(["1 began", "1 ended"]);
    const tasks = [];
    for await (const task of bench.reader.tasks.getAll({ system_tags: ["trainer-sdk-trainer"] })) tasks.push(task);
    expect(tasks).toHaveLength(1);
  });

  it("stays to be read in the archive when it is forgotten", async () => {
    await bench.agent();
    const handle = await queued();
    await bench.worker().wait(handle, { signal });
    await bench.worker().forget(handle, { signal });
    expect(await bench.worker().find(handle.key, { signal })).toBeUndefined();
    expect((await taskOf(handle)).system_tags).toEqual(["archived"]);
    expect(await bench.worker().logTail(handle, { signal, maxBytes: 100 })).toContain("last line");
  });
});
