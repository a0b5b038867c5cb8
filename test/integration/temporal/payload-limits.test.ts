/**
 * What goes to Temporal's server has limits: a heartbeat below 1 KiB (4 with the longest workflow id), a failure below 4 KiB with a log tail of 2, an input below
 * what the server takes. Asked of trainers that print megabytes and of callers that hand over more than fits.
 */
import { readdir } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { ApplicationFailure } from "@temporalio/activity";
import { defaultFailureConverter, defaultPayloadConverter } from "@temporalio/common";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExecuteTrainingResult } from "../../../src/temporal/index.js";
import { ActivityBench } from "../../support/temporal/activity-bench.js";
import { until } from "../../support/until.js";

/** Of a failure that is kept between attempts: the server cuts what is longer. */
const MAX_FAILURE_BYTES = 4_096;
const MAX_HEARTBEAT_BYTES = 1_024;
const MAX_TAIL_BYTES = 2_048;

let bench: ActivityBench;
beforeEach(async () => {
  bench = await ActivityBench.start();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

/** As it is sent: message, stack and details. */
function sentBytes(failure: ApplicationFailure): number {
  const { message, stackTrace, applicationFailureInfo } = defaultFailureConverter.errorToFailure(failure, defaultPayloadConverter);
  const details = applicationFailureInfo?.details?.payloads ?? [];
  return Buffer.byteLength(`${message ?? ""}${stackTrace ?? ""}`) + details.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}

async function aTask(): Promise<string> {
  return (await bench.run(bench.worker().createClearmlTask, { job: bench.job })).taskId;
}

describe("a training whose trainer says too much", () => {
  it.each([
    ["lines", "yes 'a line of a log that never ends' | head -c 3000000; exit 1"],
    ["one line", "head -c 3000000 /dev/zero | tr '\\0' x; exit 1"],
    ["quotes", 'yes \'""""""""""""\' | head -c 3000000; exit 1'],
    ["control characters in one line", "head -c 3000000 /dev/zero | tr '\\0' '\\001'; exit 1"],
    ["four-byte characters", "yes '\u{1F525}\u{1F525}\u{1F525}\u{1F525}' | tr -d '\\n' | head -c 3000000; exit 1"],
  ])("by megabytes of %s fails with its last 2 KiB, and leaves more behind an address", async (_name, script) => {
    const taskId = await aTask();
    const worker = bench.worker({ logUri: pathToFileURL(bench.at("logs")).href });
    const input = { ...bench.training(taskId), command: ["/bin/sh", "-c", script] };
    const { result, beats } = bench.attempt(worker.executeTraining, input);
    const failure = await failureOf(result);
    const [facts] = failure.details as [ExecuteTrainingResult];
    expect(Buffer.byteLength(facts.logTail)).toBeLessThanOrEqual(MAX_TAIL_BYTES);
    expect(Buffer.byteLength(facts.logTail)).toBeGreaterThan(300);
    expect(facts.logUri).toMatch(/^file:/);
    expect(await readdir(bench.at("logs"), { recursive: true })).toContainEqual(expect.stringMatching(/\.log$/));
    expect(sentBytes(failure)).toBeLessThan(MAX_FAILURE_BYTES);
    expect(beats.length).toBeGreaterThan(0);
    for (const beat of beats) expect(Buffer.byteLength(JSON.stringify(beat))).toBeLessThan(MAX_HEARTBEAT_BYTES);
  });

  it("in the words of its own failure, of 8,000 characters, has them cut", async () => {
    const taskId = await aTask();
    const failure = await failureOf(
      bench.run(bench.worker().executeTraining, bench.training(taskId, { END: "reportFailed", WORDS: "\u{1F525}".repeat(4_000) })),
    );
    expect(failure).toMatchObject({ type: "TrainerError" });
    expect(failure.message).toContain("\u{1F525}\u{1F525}");
    expect(sentBytes(failure)).toBeLessThan(MAX_FAILURE_BYTES);
  });

  it("and whose workflow has the longest id that there is keeps its heartbeats small", async () => {
    const taskId = await aTask();
    const workflowExecution = { workflowId: "w".repeat(1_000), runId: "run" };
    const { result, beats } = bench.attempt(bench.worker().executeTraining, bench.training(taskId), { workflowExecution });
    await until(() => beats.length > 0);
    expect(await result).toMatchObject({ outcome: "completed" });
    for (const beat of beats) expect(Buffer.byteLength(JSON.stringify(beat))).toBeLessThan(MAX_HEARTBEAT_BYTES * 4);
  });
});

describe("an input that does not fit", () => {
  it("a program is refused before anything is started, and says what to do", async () => {
    const taskId = await aTask();
    const worker = bench.worker();
    const config = { text: "x".repeat(140_000) };
    const tooLarge = await failureOf(bench.run(worker.executeTraining, { ...bench.training(taskId), config }));
    expect(tooLarge).toMatchObject({ type: "InvalidSpec", nonRetryable: true });
    expect(tooLarge.message).toContain("config, as JSON, has 137 KiB; a program takes 128 KiB");
    const variables = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`VARIABLE_${String(index)}`, "x".repeat(60_000)]));
    const tooMuch = await failureOf(bench.run(worker.executeTraining, bench.training(taskId, variables)));
    expect(tooMuch).toMatchObject({ type: "InvalidSpec", nonRetryable: true });
    expect(tooMuch.message).toContain("together");
    expect(await bench.ledger()).toEqual([]);
    expect((await bench.task(taskId)).status).toBe("created");
  });

  it("unless it does: a configuration of 120 KiB reaches the trainer", async () => {
    const taskId = await aTask();
    const input = { ...bench.training(taskId), config: { text: "x".repeat(120_000) } };
    const { logTail } = await bench.run(bench.worker().executeTraining, { ...input, command: ["/bin/sh", "-c", "echo ${#CONFIG}"] });
    expect(logTail).toBe("120011");
  });

  it("of 10,000 parameters is none: they arrive", async () => {
    const config = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`parameter-${String(index)}`, index]));
    const { taskId } = await bench.run(bench.worker().createClearmlTask, { job: bench.job, config });
    const task = await bench.task(taskId);
    expect(Object.keys(task.hyperparams?.["General"] ?? {})).toHaveLength(10_000);
  });
});
