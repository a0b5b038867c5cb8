/** How records reach one sink, and what its answers do. In memory, on a clock that the test moves. */
import { describe, expect, it } from "vitest";
import type { Logger } from "../../../src/base/logger.js";
import { Outbox, type OutboxOptions } from "../../../src/outbox/outbox.js";
import type { Delivery } from "../../../src/outbox/sink.js";
import { FakeClock, settle } from "../../support/fake-clock.js";
import { MemorySink } from "../../support/memory-sink.js";
import { aDraft } from "../../support/records.js";

const unreachable: Delivery = { status: "retry", cause: "unreachable", reason: "connection refused" };
const answered: Delivery = { status: "retry", cause: "answered", reason: "500" };

interface Bench {
  readonly clock: FakeClock;
  readonly outbox: Outbox;
  append(count: number): Promise<void>;
}

async function aBench(sinks: readonly MemorySink[], options: Partial<OutboxOptions> = {}): Promise<Bench> {
  const clock = new FakeClock();
  // Full jitter drawn at its upper end: waits are then 500, 1000, 2000, ... ms.
  const outbox = await Outbox.open({ directory: undefined, sinks, clock, random: () => 1, ...options });
  await settle();
  return {
    clock,
    outbox,
    async append(count) {
      for (let index = 0; index < count; index++) outbox.append(aDraft());
      await settle();
    },
  };
}

function aLog(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const log =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level} ${message}`);
    };
  return { lines, logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") } };
}

const batchesOf = (sink: MemorySink): (readonly number[])[] => sink.batches.map(({ sequences }) => sequences);

describe("a batch", () => {
  it("waits until its oldest record is as old as a batch may be, and goes then", async () => {
    const sink = new MemorySink();
    const { clock, append } = await aBench([sink]);
    await append(1);
    await clock.advance(600);
    await append(1);
    await clock.advance(399);
    expect(sink.batches).toEqual([]);
    await clock.advance(1);
    expect(batchesOf(sink)).toEqual([[1, 2]]);
  });

  it("goes at once when it is full, by count", async () => {
    const sink = new MemorySink({ limits: { maxRecords: 3, maxBytes: 1e6 } });
    const { append } = await aBench([sink]);
    await append(7);
    // What a full batch leaves behind is as old as the batch was.
    expect(batchesOf(sink)).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  });

  it("leaves nothing behind to wait anew because more came meanwhile", async () => {
    const sink = new MemorySink({ limits: { maxRecords: 100, maxBytes: 2_000 } });
    const gate = Promise.withResolvers<Delivery>();
    sink.answer = () => gate.promise;
    const { outbox, append } = await aBench([sink]);
    for (let index = 0; index < 3; index++) outbox.append(aDraft("x".repeat(700)));
    await settle();
    await append(1);
    expect(batchesOf(sink)).toEqual([[1, 2]]);
    gate.resolve({ status: "delivered" });
    await settle();
    expect(batchesOf(sink)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("goes at once when it is full, by bytes, and never holds more than it may", async () => {
    const sink = new MemorySink({ limits: { maxRecords: 100, maxBytes: 2_000 } });
    const { outbox } = await aBench([sink]);
    for (let index = 0; index < 5; index++) outbox.append(aDraft("x".repeat(700)));
    await settle();
    expect(batchesOf(sink)).toEqual([[1, 2], [3, 4], [5]]);
  });

  it("holds a record that is too large for any batch alone", async () => {
    const sink = new MemorySink({ limits: { maxRecords: 100, maxBytes: 2_000 } });
    const { outbox } = await aBench([sink]);
    for (const length of [10, 9_000, 10]) outbox.append(aDraft("x".repeat(length)));
    await settle();
    expect(batchesOf(sink)).toEqual([[1], [2], [3]]);
  });

  it("passes over what the sink has nothing to say about, which counts as delivered", async () => {
    const sink = new MemorySink({ accepts: ({ sequence }) => sequence % 3 === 0 });
    const { clock, outbox, append } = await aBench([sink]);
    await append(9);
    await clock.advance(1_000);
    expect(batchesOf(sink)).toEqual([[3, 6, 9]]);
    expect(outbox.stats().sinks["memory"]).toMatchObject({ delivered: 9, pending: 0, settledSequence: 9 });
  });

  it("goes at once on flush, and flush waits for it", async () => {
    const sink = new MemorySink();
    const { outbox, append } = await aBench([sink]);
    await append(2);
    outbox.append(aDraft());
    const receipt = await outbox.flush();
    expect(receipt).toEqual({ complete: true, sinks: { memory: { delivered: 3, pending: 0, rejected: 0 } }, journalPath: undefined });
    expect(sink.sequences).toEqual([1, 2, 3]);
  });
});

describe("a sink that is unreachable", () => {
  it("is tried again after growing waits, for ever, and gets everything in order at last", async () => {
    const sink = new MemorySink();
    sink.answer = () => unreachable;
    const { clock, append, outbox } = await aBench([sink]);
    const attempts: number[] = [];
    sink.answer = () => {
      attempts.push(clock.monotonic());
      return unreachable;
    };
    await append(1);
    await clock.advance(20_000);
    expect(attempts).toEqual([1_000, 1_500, 2_500, 4_500, 8_500, 16_500]);
    await append(2);
    await clock.advance(3 * 24 * 3_600_000);
    expect(attempts.at(-1)! - attempts.at(-2)!).toBe(60_000);
    expect(outbox.stats().sinks["memory"]).toMatchObject({ state: "waiting", pending: 3, rejected: 0, lastError: "connection refused" });
    sink.answer = undefined;
    await clock.advance(60_000);
    expect(sink.sequences).toEqual([1, 2, 3]);
    expect(outbox.stats().sinks["memory"]).toMatchObject({ state: "ready", pending: 0 });
  });

  it("is believed when it says how long to wait", async () => {
    const sink = new MemorySink();
    sink.answer = () => ({ ...unreachable, retryAfterMs: 7_000 });
    const { clock, append } = await aBench([sink]);
    await append(1);
    await clock.advance(1_000);
    await clock.advance(6_999);
    expect(sink.batches).toHaveLength(1);
    await clock.advance(1);
    expect(sink.batches).toHaveLength(2);
  });

  it("is asked again at once by a flush, this once", async () => {
    const sink = new MemorySink();
    sink.answer = () => unreachable;
    const { clock, append, outbox } = await aBench([sink]);
    await append(1);
    await clock.advance(10_000);
    const before = sink.batches.length;
    const flushed = outbox.flush({ deadlineMs: 5_000 });
    await settle();
    expect(sink.batches).toHaveLength(before + 1);
    await clock.advance(5_000);
    expect(sink.batches).toHaveLength(before + 1);
    expect(await flushed).toMatchObject({ complete: false, sinks: { memory: { delivered: 0, pending: 1 } } });
  });

  it("is one that throws, too", async () => {
    const sink = new MemorySink();
    sink.answer = () => Promise.reject(new Error("a bug"));
    const { clock, append, outbox } = await aBench([sink]);
    await append(1);
    await clock.advance(1_000);
    expect(outbox.stats().sinks["memory"]).toMatchObject({ state: "waiting", pending: 1, lastError: "a bug" });
    sink.answer = undefined;
    await clock.advance(500);
    expect(sink.sequences).toEqual([1]);
  });

  it("is one that answers with the wrong number of outcomes, which is logged as its bug", async () => {
    const sink = new MemorySink();
    sink.answer = () => [{ status: "delivered" }, { status: "delivered" }];
    const { logger, lines } = aLog();
    const { clock, append, outbox } = await aBench([sink], { logger });
    await append(1);
    await clock.advance(1_000);
    expect(outbox.stats().sinks["memory"]).toMatchObject({ pending: 1, delivered: 0 });
    expect(lines).toContainEqual(expect.stringMatching(/^error A bug in the sink memory/));
  });

  it("leaves the other sinks alone", async () => {
    const [down, up] = [new MemorySink({ name: "down" }), new MemorySink({ name: "up" })];
    down.answer = () => new Promise(() => undefined);
    const { clock, append } = await aBench([down, up]);
    await append(3);
    await clock.advance(1_000);
    await append(2);
    await clock.advance(1_000);
    expect(up.sequences).toEqual([1, 2, 3, 4, 5]);
    expect(down.batches).toHaveLength(1);
  });

  it("is warned of once a burst, and of its return", async () => {
    const sink = new MemorySink();
    sink.answer = () => unreachable;
    const { logger, lines } = aLog();
    const { clock, append } = await aBench([sink], { logger });
    await append(1);
    await clock.advance(60_000);
    sink.answer = undefined;
    await clock.advance(60_000);
    expect(lines).toEqual([
      "warn The sink memory does not take records at present; they wait in the journal.",
      "info The sink memory takes records again.",
    ]);
  });
});

describe("the outcomes of a batch", () => {
  it("settle the records before a retry, and the rest comes again", async () => {
    const sink = new MemorySink();
    sink.answer = (batch) =>
      batch.map(({ sequence }) => (sequence === 3 && sink.batches.length < 2 ? unreachable : { status: "delivered" }) as Delivery);
    const { clock, append } = await aBench([sink]);
    await append(5);
    await clock.advance(5_000);
    expect(batchesOf(sink)).toEqual([
      [1, 2, 3, 4, 5],
      [3, 4, 5],
    ]);
  });

  it("make one refused record a dead letter, and its neighbours go on", async () => {
    const losses: unknown[] = [];
    const sink = new MemorySink();
    sink.answer = (batch) =>
      batch.map(({ sequence }) => (sequence === 2 ? { status: "rejected", reason: "bad tag" } : { status: "delivered" }) as Delivery);
    const { clock, outbox, append } = await aBench([sink], {
      onLoss: ({ reason, sink: name, record, detail }) => losses.push([reason, name, record?.sequence, detail]),
    });
    await append(3);
    await clock.advance(1_000);
    expect(sink.sequences).toEqual([1, 3]);
    expect(losses).toEqual([["refused", "memory", 2, "bad tag"]]);
    expect(await outbox.deadLetters()).toMatchObject([{ sink: "memory", reason: "refused", detail: "bad tag", record: { sequence: 2 } }]);
    expect(outbox.stats()).toMatchObject({ losses: { refused: 1 }, sinks: { memory: { delivered: 2, rejected: 1, pending: 0 } } });
  });

  it("find the one record at fault when the sink cannot tell, and lose no other", async () => {
    const sink = new MemorySink();
    sink.answer = (batch) =>
      batch.some(({ sequence }) => sequence === 37) ? { status: "undecided", reason: "bad batch", final: true } : { status: "delivered" };
    const { outbox, append } = await aBench([sink]);
    await append(100);
    await settle(50);
    expect(sink.sequences).toEqual(Array.from({ length: 100 }, (_, index) => index + 1).filter((sequence) => sequence !== 37));
    expect(await outbox.deadLetters()).toMatchObject([{ reason: "refused", record: { sequence: 37 } }]);
    expect(sink.batches.length).toBeLessThanOrEqual(15);
  });

  it("keep the place in the search for the record at fault over an outage", async () => {
    const sink = new MemorySink();
    let calls = 0;
    sink.answer = (batch) =>
      ++calls % 2 === 0
        ? unreachable
        : batch.some(({ sequence }) => sequence === 5)
          ? { status: "undecided", reason: "bad", final: true }
          : { status: "delivered" };
    const { clock, outbox, append } = await aBench([sink]);
    await append(8);
    await clock.advance(3_600_000);
    expect(sink.sequences).toEqual([1, 2, 3, 4, 6, 7, 8]);
    expect(await outbox.deadLetters()).toHaveLength(1);
  });
});

describe("a record that fails with answers", () => {
  it("is given up when its budget in time is spent, and the lane goes on", async () => {
    const sink = new MemorySink();
    sink.answer = (batch) => batch.map(({ sequence }) => (sequence === 2 ? answered : { status: "delivered" }) as Delivery);
    const { clock, outbox, append } = await aBench([sink], { answeredBudgetMs: 3_600_000 });
    await append(3);
    await clock.advance(3_500_000);
    expect(sink.sequences).toEqual([1]);
    await clock.advance(300_000);
    expect(sink.sequences).toEqual([1, 3]);
    expect(await outbox.deadLetters()).toMatchObject([{ reason: "budget-spent", detail: "500", record: { sequence: 2 } }]);
  });

  it("spends nothing while the sink is unreachable, nor when the wall clock jumps", async () => {
    const sink = new MemorySink();
    sink.answer = () => answered;
    const { clock, outbox, append } = await aBench([sink], { answeredBudgetMs: 3_600_000 });
    await append(1);
    await clock.advance(2_000);
    clock.setWallClock(clock.now() + 1e12);
    await clock.advance(60_000);
    clock.setWallClock(0);
    await clock.advance(60_000);
    expect(await outbox.deadLetters()).toEqual([]);
    sink.answer = () => unreachable;
    await clock.advance(100 * 3_600_000);
    expect(await outbox.deadLetters()).toEqual([]);
  });

  it("in a batch that fails as a whole drags no neighbour down that would pass alone", async () => {
    const sink = new MemorySink();
    sink.answer = (batch) => (batch.some(({ sequence }) => sequence === 3) ? answered : { status: "delivered" });
    const { clock, outbox, append } = await aBench([sink], { answeredBudgetMs: 600_000 });
    await append(8);
    await clock.advance(24 * 3_600_000);
    expect(sink.sequences).toEqual([1, 2, 4, 5, 6, 7, 8]);
    expect(await outbox.deadLetters()).toMatchObject([{ reason: "budget-spent", record: { sequence: 3 } }]);
  });
});

describe("a sink is told that records may have arrived already", () => {
  it.each<[string, () => Delivery | Promise<Delivery>]>([
    ["after an attempt without an answer", () => unreachable],
    ["after an answered failure", () => answered],
    ["after a throw", () => Promise.reject(new Error("reset"))],
    ["after a batch was taken apart", () => ({ status: "undecided", reason: "?", final: false })],
  ])("%s", async (_name, outcome) => {
    const sink = new MemorySink();
    sink.answer = () => (sink.batches.length === 1 ? outcome() : { status: "delivered" });
    const { clock, append } = await aBench([sink]);
    await append(2);
    await clock.advance(1_000);
    await append(1);
    await clock.advance(5_000);
    expect(sink.batches[0]?.ambiguous).toBe(false);
    expect(sink.batches[1]?.ambiguous).toBe(true);
    await append(1);
    await clock.advance(1_000);
    expect(sink.batches.at(-1)).toEqual({ sequences: [4], ambiguous: false });
  });
});

describe("opening a sink", () => {
  it("comes before the first delivery, again and again until it succeeds, even when nothing is to be delivered", async () => {
    let opened = 0;
    const sink = new MemorySink({ open: () => Promise.resolve(++opened < 4 ? unreachable : { status: "delivered" }) });
    const { clock, outbox, append } = await aBench([sink]);
    expect(opened).toBe(1);
    expect(outbox.stats().sinks["memory"]?.state).toBe("waiting");
    await append(1);
    await clock.advance(3_499);
    expect(opened).toBe(3);
    expect(sink.batches).toEqual([]);
    await clock.advance(1);
    expect(opened).toBe(4);
    expect(sink.sequences).toEqual([1]);
  });

  it("refused turns it off: its records stay, and nobody waits for it", async () => {
    const { logger, lines } = aLog();
    const sink = new MemorySink({ open: () => Promise.resolve({ status: "rejected", reason: "no such task" }) });
    const { outbox, append } = await aBench([sink], { logger });
    await append(2);
    const receipt = await outbox.flush();
    expect(receipt).toMatchObject({ complete: false, sinks: { memory: { delivered: 0, pending: 2, rejected: 0 } } });
    expect(outbox.stats().sinks["memory"]).toMatchObject({ state: "off", lastError: "no such task" });
    expect(lines[0]).toMatch(/^error The sink memory is off/);
    expect(sink.batches).toEqual([]);
  });
});

describe("a barrier", () => {
  const end = { fact: { kind: "log", level: "info", message: "the end" }, traits: { barrier: true } } as const;

  it("goes at once and alone, after everything before it and before everything after it", async () => {
    const sink = new MemorySink();
    const { outbox } = await aBench([sink]);
    outbox.append(aDraft());
    outbox.append(aDraft());
    outbox.append(end);
    outbox.append(aDraft());
    await settle();
    expect(batchesOf(sink)).toEqual([[1, 2], [3], [4]]);
  });

  it("waits for what is before it when that fails", async () => {
    const sink = new MemorySink();
    sink.answer = () => unreachable;
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    outbox.append(end);
    await clock.advance(3_600_000);
    expect(new Set(sink.batches.flatMap(({ sequences }) => sequences))).toEqual(new Set([1]));
    sink.answer = undefined;
    await clock.advance(60_000);
    expect(sink.sequences).toEqual([1, 2]);
  });
});
