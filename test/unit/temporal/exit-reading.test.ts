import { describe, expect, it } from "vitest";
import { readExit, type ExitFacts } from "../../../src/temporal/exit-reading.js";
import { isRetryableFailure } from "../../../src/temporal/failure-types.js";

const facts = (given: Partial<ExitFacts>): ExitFacts => ({
  exitCode: undefined,
  signal: undefined,
  stopRequested: false,
  outOfMemory: false,
  ...given,
});

describe("the reading of an exit", () => {
  it.each<[string, Partial<ExitFacts>, string, boolean | undefined]>([
    ["code 0", { exitCode: 0 }, "completed", undefined],
    ["code 0 after a stop", { exitCode: 0, stopRequested: true }, "stopped", undefined],
    ["a kill after a stop", { signal: "SIGKILL", stopRequested: true }, "stopped", undefined],
    ["want of memory even after a stop", { signal: "SIGKILL", stopRequested: true, outOfMemory: true }, "OutOfMemory", false],
    ["137 with evidence", { exitCode: 137, outOfMemory: true }, "OutOfMemory", false],
    ["137 without", { exitCode: 137 }, "Killed", false],
    ["want of memory of another, with a code of the trainer's own", { exitCode: 1, outOfMemory: true }, "TrainerError", false],
    ["a signal that ends politely", { signal: "SIGTERM" }, "Preempted", true],
    ["its code behind a shell", { exitCode: 143 }, "Preempted", true],
    ["a crash", { signal: "SIGSEGV" }, "TrainerError", false],
    ["75", { exitCode: 75 }, "TryAgain", true],
    ["2", { exitCode: 2 }, "InvalidSpec", false],
    ["78", { exitCode: 78 }, "InvalidSpec", false],
    ["1", { exitCode: 1 }, "TrainerError", false],
  ])("tells %s", (_name, given, expected, retryable) => {
    const end = readExit(facts(given));
    expect(end.failure ?? end.outcome).toBe(expected);
    if (retryable !== undefined) expect(isRetryableFailure(expected)).toBe(retryable);
  });
});
