import { afterEach, expect, it, vi } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { undiciTransport } from "../../../src/base/http.js";
import { silentLogger } from "../../../src/base/logger.js";
import { createPlatformV2Sinks } from "../../../src/sinks/platform/v2/platform-v2-sink.js";
import { volatileMemory } from "../../contract/sink-contract.js";
import { FACTS, recordOf } from "../../support/facts.js";
import { eventually, FakeClock } from "../../support/fake-clock.js";
import { aPlatformTrainer } from "../../support/platform-trainer.js";

const world = aPlatformTrainer();
afterEach(() => {
  vi.useRealTimers();
});

it("keeps every report of a job that the backend does not know, and trains on", async () => {
  const sdk = await world.start({}, { JOB_ID: "77" });
  await sdk.reportStarted();
  await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
  await sdk.reportCompleted();
  const receipt = await sdk.close();
  expect(receipt.sinks["platform"]).toEqual(expect.objectContaining({ pending: 0, rejected: 3 }));
  expect(sdk.stats().outbox?.losses.refused).toBe(3);
  expect(sdk.signal.aborted).toBe(false);
  expect(sdk.stats().outbox?.sinks["platform"]?.state).toBe("ready");
});

it("gives up the one report that the backend refuses with 422, and goes on with the next", async () => {
  world.receiver.before = ({ kind }) =>
    kind === "validation" ? { status: 422, body: '{"detail":[{"type":"int_parsing","loc":["body","epoch"]}]}' } : undefined;
  const sdk = await world.start();
  const losses: string[] = [];
  sdk.on("loss", ({ detail }) => losses.push(detail));
  await sdk.reportValidation({ epoch: 1, metrics: { mAP50: 0.5 } });
  await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
  await sdk.flush();
  expect(losses).toEqual([expect.stringContaining("int_parsing")]);
  expect(world.receiver.taken("progress")).toHaveLength(1);
});

it("outlasts an hour of 500, in order and without a report twice", async () => {
  const clock = new FakeClock();
  let refused = 0;
  world.receiver.before = ({ kind }) => {
    if (kind !== "progress") return undefined;
    refused++;
    return { status: 500, body: '{"detail":"Failed to process progress callback: no connection"}' };
  };
  const sdk = await world.start({ clock });
  await sdk.reportStarted();
  for (let minute = 0; minute < 60; minute++) {
    await sdk.reportProgress({ epoch: minute, metrics: { loss: 60 - minute } });
    const before = refused;
    // A minute is the longest back-off, so each one brings a try, which a real socket carries.
    for (let step = 0; step < 60 && refused === before; step++) {
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  expect(refused).toBeGreaterThan(20);
  expect(sdk.stats().outbox?.sinks["platform"]).toMatchObject({ rejected: 0, state: "waiting", pending: 61 });
  world.receiver.before = undefined;
  const flushed = sdk.flush({ deadlineMs: 3_600_000 });
  expect(await flushed).toMatchObject({ complete: true });
  expect(world.receiver.taken("progress").map((body) => body["current_epoch"])).toEqual([0, ...Array.from({ length: 60 }, (_, i) => i)]);
});

it("follows no redirect, says where it leads, and delivers once the address is right", async () => {
  world.receiver.before = ({ kind, path }) =>
    kind === "progress" ? { status: 307, headers: { location: `http://elsewhere:9999${path}` } } : undefined;
  const sdk = await world.start();
  await sdk.reportStarted();
  await eventually(() => sdk.stats().outbox?.sinks["platform"]?.lastError !== undefined, "a failure");
  expect(sdk.stats().outbox?.sinks["platform"]?.lastError).toContain("a redirect to http://elsewhere:9999/");
  expect(sdk.stats().outbox?.sinks["platform"]).toMatchObject({ pending: 1, rejected: 0 });
  world.receiver.before = undefined;
  expect((await sdk.flush()).complete).toBe(true);
});

/** The sink alone, over a real socket, with the timers of this process under the test's hand. */
function theSink() {
  const transport = undiciTransport();
  const [sink] = createPlatformV2Sinks({
    url: world.receiver.callbackUrl,
    job: { operation: "training", jobId: 123, taskType: "detection", primaryMetric: undefined, totalEpochs: 50 },
    mode: "drain",
    transport,
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
  });
  const context = { signal: new AbortController().signal, memory: volatileMemory(), ambiguous: false };
  return { deliver: () => sink?.deliver([recordOf(FACTS.started)], context), close: () => transport.close() };
}

/** Holds the answer to a report until it is let go. */
function held() {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let isHere = false;
  world.receiver.before = ({ kind }) => {
    if (kind !== "progress") return undefined;
    isHere = true;
    return promise;
  };
  return { arrived: () => eventually(() => isHere, "the report"), release: () => resolve(undefined) };
}

it("waits 59 seconds for an answer, as the backend may need", async () => {
  const sink = theSink();
  const gate = held();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const outcome = sink.deliver();
  await gate.arrived();
  vi.advanceTimersByTime(59_000);
  gate.release();
  expect(await outcome).toEqual([{ status: "delivered" }]);
  await sink.close();
});

it("takes an answer that does not come within 75 seconds for an outage, and not for a refusal", async () => {
  const sink = theSink();
  const gate = held();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const outcome = sink.deliver();
  await gate.arrived();
  vi.advanceTimersByTime(75_001);
  expect(await outcome).toEqual([expect.objectContaining({ status: "retry", cause: "unreachable" })]);
  gate.release();
  await sink.close();
});
