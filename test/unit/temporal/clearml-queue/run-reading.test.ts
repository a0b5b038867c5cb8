import { describe, expect, it } from "vitest";
import type { TaskDocument } from "../../../../src/protocol/clearml/task-document.js";
import { RUNTIME_KEYS } from "../../../../src/temporal/clearml-queue/launcher-script.js";
import { readState, wordsFor } from "../../../../src/temporal/clearml-queue/run-reading.js";
import { forgottenTags, QUEUED_TAG, readRun, RUN_TAG, type RunTask } from "../../../../src/temporal/clearml-queue/run-task.js";
import type { TrainingEnd } from "../../../../src/temporal/training-manager.js";

const IDENTITY = { v: 1, key: "k", fence: 1, specHash: "h", labels: {} };
const TAKEN = { _exec_agent_hostname: "machine" };
const LAUNCHED = { ...TAKEN, [RUNTIME_KEYS.started]: "launcher" };
const AGENT = "Changed by clearml-agent machine:0";
const STOP = { [RUNTIME_KEYS.stop]: JSON.stringify({ reason: "enough", graceMs: 1 }) };
const ended = (end: object) => ({ ...LAUNCHED, [RUNTIME_KEYS.end]: JSON.stringify(end) });

function aRun(status: string, runtime: Record<string, string> = {}, words: { reason?: string; message?: string } = {}): RunTask {
  const task = {
    id: "t",
    status,
    system_tags: [RUN_TAG, QUEUED_TAG],
    status_reason: words.reason ?? "",
    status_message: words.message ?? "",
    runtime,
    configuration: { trainer_sdk: { name: "trainer_sdk", value: JSON.stringify(IDENTITY) } },
  } as unknown as TaskDocument;
  const run = readRun(task);
  if (run === undefined) throw new Error("the task was not read");
  return run;
}

/** `running`, `completed`, `Killed`; with a question mark for what is not certain yet. */
function inOneWord(run: RunTask): string {
  const { state, pending } = readState(run);
  const end = state.phase === "ended" ? state.end : pending;
  const word = end === undefined ? state.phase : (end.failure ?? end.outcome);
  return pending === undefined ? word : `${word}?`;
}

describe("the state of a trainer's task", () => {
  it.each([
    ["queued", aRun("queued"), "queued"],
    ["taken out of the queue, or reset", aRun("created"), "stopped?"],
    ["taken by an agent", aRun("in_progress", TAKEN), "starting"],
    ["launched", aRun("in_progress", LAUNCHED), "running"],
    ["ended, and not yet by its agent", aRun("in_progress", ended({ code: 0 })), "completed?"],
    ["ended without its agent", aRun("in_progress", ended({ agentLost: true, code: 143 })), "NodeLost"],
    ["well ended", aRun("completed", ended({ code: 0 })), "completed"],
    ["failed", aRun("failed", ended({ code: 3 })), "TrainerError"],
    ["asked to end, and deaf", aRun("stopped", ended({ stopRequested: true, signal: "SIGKILL" })), "stopped"],
    ["well ended although it was interrupted", aRun("completed", ended({ interrupted: true, code: 0 })), "Preempted"],
    ["stopped before it began", aRun("stopped", ended({ neverStarted: true, stopRequested: true })), "stopped"],
    [
      "killed for memory while it was to stop",
      aRun("stopped", ended({ stopRequested: true, oom: true, signal: "SIGKILL" })),
      "OutOfMemory",
    ],
    ["not there", aRun("failed", ended({ startError: "no such file" })), "ImageUnavailable"],
    ["without a launcher's word, well", aRun("completed", LAUNCHED, { message: AGENT, reason: "worker execution done" }), "completed"],
    ["without one, by code", aRun("failed", LAUNCHED, { message: AGENT, reason: "worker execution exit code 75" }), "TryAgain"],
    ["without one, killed", aRun("failed", LAUNCHED, { message: AGENT, reason: "worker execution exit code -9" }), "Killed"],
    [
      "without one, killed on request",
      aRun("failed", { ...LAUNCHED, ...STOP }, { message: AGENT, reason: "worker execution exit code -9" }),
      "stopped",
    ],
    ["never launched", aRun("failed", TAKEN, { message: AGENT, reason: "worker execution exit code 127" }), "ImageUnavailable"],
    ["left by an agent that was told to end", aRun("stopped", LAUNCHED), "Preempted"],
    ["left by an agent that was interrupted", aRun("stopped", LAUNCHED, { message: AGENT, reason: "user abort" }), "Preempted"],
    ["stopped by the agent on request", aRun("stopped", LAUNCHED, { message: AGENT, reason: "task was stopped by tasks.stop" }), "stopped"],
    ["silent for two hours", aRun("stopped", LAUNCHED, { message: "Forced stop (non-responsive)" }), "NodeLost"],
    ["stopped by a person while it runs", aRun("stopped", LAUNCHED, { message: "Stopped by Ada" }), "stopped?"],
    ["stopped by a person while its agent sets it up", aRun("stopped", TAKEN, { message: "Stopped by Ada" }), "stopped?"],
    ["stopped by a person while it waits", aRun("stopped", {}, { message: "Stopped by Ada" }), "stopped"],
    ["marked as completed by a person", aRun("completed", LAUNCHED, { message: "done, says Ada" }), "stopped?"],
  ])("of one that is %s", (_what, run, word) => {
    expect(inOneWord(run)).toBe(word);
  });

  it("stays what a manager said, whatever a launcher finds out later", () => {
    const lost: TrainingEnd = { outcome: "failed", failure: "NodeLost", message: "nothing was heard" };
    const { status_reason: reason, status_message: message } = wordsFor(lost);
    const late = aRun("failed", ended({ stopRequested: true, code: 143 }), { reason, message });
    expect(readState(late).state).toEqual({ phase: "ended", end: lost });
    const stopped = wordsFor({ outcome: "stopped", message: "enough" });
    expect(inOneWord(aRun("stopped", {}, { reason: stopped.status_reason, message: stopped.status_message }))).toBe("stopped");
  });
});

describe("a trainer's task", () => {
  it("is read when it is ours and of this version alone", () => {
    const task = (value: string) => ({ id: "t", configuration: { trainer_sdk: { value } } }) as unknown as TaskDocument;
    expect(readRun({ id: "t" })).toBeUndefined();
    expect(readRun(task("no JSON"))).toBeUndefined();
    expect(readRun(task(JSON.stringify({ ...IDENTITY, v: 2 })))).toBeUndefined();
    expect(readRun(task(JSON.stringify(IDENTITY)))).toMatchObject({ key: "k", fence: 1 });
  });

  it("keeps a person's tags when it is forgotten", () => {
    expect(forgottenTags({ ...aRun("completed"), systemTags: [RUN_TAG, `${RUN_TAG}:1`, QUEUED_TAG, "theirs"] })).toEqual([
      "theirs",
      "archived",
    ]);
  });
});
