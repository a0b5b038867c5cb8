/** Trainers through a ClearML queue, run by ClearML's own agent: what an agent of tests stands for, seen at the real one. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clearmlQueueManager, type TrainingHandle, type TrainingManager } from "../../../src/temporal/index.js";
import { ActivityBench } from "../../support/temporal/activity-bench.js";
import { ledgerBench, type LedgerBench } from "../../support/temporal/ledger-bench.js";
import { until } from "../../support/until.js";
import { Tally } from "../support/tally.js";
import { ClearMLAgent } from "./clearml-agent.ts";

const tally = new Tally("temporal", "clearml-agent runs ours");
const { signal } = new AbortController();

let bench: ActivityBench;
let ledger: LedgerBench;
let agent: ClearMLAgent;
beforeEach(async () => {
  bench = await ActivityBench.start();
  ledger = await ledgerBench();
  agent = await ClearMLAgent.start(bench.server, "machine:0");
});
afterEach(async () => {
  for await (const { handle, state } of manager().list({ signal }))
    if (state.phase !== "ended") await manager().stop(handle, { signal, graceMs: 0, reason: "the test is over" });
  await agent[Symbol.asyncDispose]();
  await ledger.remove();
  await bench[Symbol.asyncDispose]();
});

function manager(): TrainingManager {
  return clearmlQueueManager({
    queue: "default",
    env: { ...bench.server.env },
    pollIntervalMs: 200,
    launcherPollIntervalMs: 200,
    agentTimeoutMs: 20_000,
    memoryEventsFile: ledger.memoryEventsFile,
  });
}

const words = async (): Promise<string[]> => (await ledger.ledger()).map(([fence, word]) => `${fence} ${word}`);
const reached = (line: string): Promise<void> => until(async () => (await words()).includes(line));
const taskOf = async ({ id }: TrainingHandle) => (await bench.reader.tasks.getById({ task: id })).task;

async function running(mode: string, fence = 1): Promise<TrainingHandle> {
  const { handle } = await manager().start(ledger.request(mode, { fence }), { signal });
  await reached(`${String(fence)} began`);
  return handle;
}

/** Asked for once by an agent; the open server has it as little as ours. */
const NOT_OPEN = "/workers.get_runtime_properties";

/** Every call of the agent and its launchers was answered. */
function endTally(): void {
  const requests = bench.server.requests.entries({ channel: "api" });
  tally.called(requests.length);
  const unanswered = requests.filter((request) => (request.status === 404 && !request.path.endsWith(NOT_OPEN)) || request.status >= 500);
  tally.compare(
    "requests that the server does not know",
    unanswered.map(({ path: at }) => at),
    [],
  );
  tally.end();
}

describe("a trainer that ClearML's own agent runs", () => {
  it("reports to the job's task with the keys of the agent, and the worker completes that task", async () => {
    const activities = bench.worker({
      manager: manager(),
      trainerSecrets: () => ({}),
      journal: { directory: bench.at("journals/{jobId}"), workerDirectory: bench.at("journals/{jobId}") },
    });
    const { taskId } = await bench.run(activities.createClearmlTask, { job: bench.job, config: { epochs: 3 } });
    const training = await bench.run(activities.executeTraining, bench.training(taskId));
    expect(training).toMatchObject({ outcome: "completed", backend: "clearml-queue", fence: 1, exitCode: 0 });
    expect(training.logTail).toContain("epoch 3 is done");
    const finalized = await bench.run(activities.finalizeTask, {
      job: bench.job,
      taskId,
      training,
      required: { checkpoints: ["last"] },
    });
    tally.compare("final status", finalized.status, "completed");
    tally.compare("ledger", await bench.ledger(), ["1 began", "1 epoch:1", "1 epoch:2", "1 epoch:3", "1 completed"]);
    tally.compare("loss", await bench.lossLine(taskId), [1, 1 / 2, 1 / 3]);
    const { tasks } = await bench.reader.tasks.getPage({ parent: [taskId] });
    tally.compare(
      "tasks below the job's",
      tasks.map(({ status, last_worker }) => [status, last_worker]),
      [["completed", "machine:0"]],
    );
    endTally();
  });

  it("fails in as many ways as a process does", async () => {
    const failures = {
      "exit:1": "TrainerError",
      "exit:2": "InvalidSpec",
      "exit:75": "TryAgain",
      oom: "OutOfMemory",
      "kill:SIGKILL": "Killed",
      missing: "ImageUnavailable",
    };
    for (const [mode, failure] of Object.entries(failures)) {
      const request = mode === "missing" ? ledger.missing() : ledger.request(mode);
      const { handle } = await manager().start({ ...request, key: mode }, { signal });
      tally.compare(mode, (await manager().wait(handle, { signal })).failure, failure);
      tally.compare(`status after ${mode}`, (await taskOf(handle)).status, "failed");
    }
    endTally();
  });

  it("is stopped politely by the worker, by force when it does not listen, and politely by a person", async () => {
    const first = await running("wait");
    const polite = await manager().stop(first, { signal, graceMs: 60_000, reason: "enough" });
    tally.compare("end", [polite.outcome, polite.exitCode], ["stopped", 143]);
    const deaf = await running("deaf", 2);
    const forced = await manager().stop(deaf, { signal, graceMs: 500, reason: "enough" });
    tally.compare("end by force", [forced.outcome, forced.signal], ["stopped", "SIGKILL"]);
    const third = await running("wait", 3);
    const waiting = manager().wait(third, { signal });
    await bench.reader.tasks.stop({ task: third.id });
    tally.compare("end by a person", (await waiting).outcome, "stopped");
    const lines = ["1 began", "1 told", "1 ended", "2 began", "2 told", "3 began", "3 told", "3 ended"];
    tally.compare("ledger", await words(), lines);
    for (const handle of [first, deaf, third]) tally.compare("status", (await taskOf(handle)).status, "stopped");
    endTally();
  });

  it("that waits in the queue is taken out of it", async () => {
    const busy = await running("wait");
    const { handle } = await manager().start(ledger.request("complete", { key: "another" }), { signal });
    tally.compare("end", (await manager().stop(handle, { signal, graceMs: 1_000, reason: "enough" })).outcome, "stopped");
    await manager().stop(busy, { signal, graceMs: 60_000, reason: "enough" });
    const next = await running("complete", 2);
    await manager().wait(next, { signal });
    tally.compare("ledger", await words(), ["1 began", "1 told", "1 ended", "2 began", "2 ended"]);
    endTally();
  });

  it.each([
    ["SIGKILL", "NodeLost", ["1 began", "1 told", "1 ended"]],
    ["SIGTERM", "Preempted", ["1 began"]],
  ] as const)("whose agent ends by %s is told as %s, is gone, and goes on with another agent", async (by, failure, lines) => {
    const handle = await running("wait");
    const pid = (await ledger.ledger())[0]?.[2] ?? 0;
    const waiting = manager().wait(handle, { signal });
    await agent.end(by);
    tally.compare("failure", (await waiting).failure, failure);
    await until(() => !ledger.isAlive(pid));
    tally.compare("ledger", await words(), lines);
    const other = await ClearMLAgent.start(bench.server, "machine:1");
    const next = await running("complete", 2);
    tally.compare("next", (await manager().wait(next, { signal })).outcome, "completed");
    tally.compare("worker", (await taskOf(next)).last_worker, "machine:1");
    await other[Symbol.asyncDispose]();
    endTally();
  });
});
