/** The outbox as its owner sees it: promises, receipts, closing. In memory, on a clock that the test moves. */
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../../src/base/errors.js";
import { Outbox, type OutboxOptions } from "../../../src/outbox/outbox.js";
import type { Delivery } from "../../../src/outbox/sink.js";
import { FakeClock, settle } from "../../support/fake-clock.js";
import { MemorySink } from "../../support/memory-sink.js";
import { aDraft } from "../../support/records.js";

async function aBench(sinks: readonly MemorySink[], options: Partial<OutboxOptions> = {}): Promise<{ clock: FakeClock; outbox: Outbox }> {
  const clock = new FakeClock();
  return { clock, outbox: await Outbox.open({ directory: undefined, sinks, clock, random: () => 1, ...options }) };
}

const never = (): Promise<never> => new Promise(() => undefined);
const unreachable: Delivery = { status: "retry", cause: "unreachable", reason: "down" };

describe("append", () => {
  it("numbers records from 1 and names them by run and number", async () => {
    const { outbox } = await aBench([]);
    expect(outbox.runId).toMatch(/^[0-9a-f]{32}$/);
    expect(outbox.nextSequence).toBe(1);
    expect([outbox.append(aDraft()), outbox.append(aDraft())].map(({ record }) => record.id)).toEqual([
      `${outbox.runId}-1`,
      `${outbox.runId}-2`,
    ]);
    expect(outbox.nextSequence).toBe(3);
  });

  it("says that a record without a disk is kept in memory alone, and why", async () => {
    const { outbox } = await aBench([]);
    const { record, durable } = outbox.append(aDraft());
    expect(await durable).toEqual({ status: "volatile", record, reason: "no journal folder was given" });
    expect(outbox.stats().journal).toEqual({
      mode: "volatile",
      path: undefined,
      bytes: 0,
      pinnedBytes: 0,
      reason: "no journal folder was given",
    });
  });

  it("refuses what has no JSON form without throwing, and spends no number on it", async () => {
    const { outbox } = await aBench([]);
    const { record, durable } = outbox.append({ fact: { kind: "log", level: "info", message: 1n as never }, traits: {} });
    expect(await durable).toMatchObject({ status: "rejected" });
    expect(await outbox.outcome(record)).toMatchObject({ status: "rejected" });
    expect(outbox.append(aDraft()).record.sequence).toBe(1);
  });

  it("refuses everything after close, without throwing", async () => {
    const { outbox } = await aBench([]);
    await outbox.close();
    const { record, durable } = outbox.append(aDraft());
    expect(await durable).toEqual({ status: "rejected", reason: "closed" });
    expect(await outbox.outcome(record)).toEqual({ status: "rejected", reasons: { journal: "closed" } });
    expect(outbox.stats().accepted).toBe(0);
  });

  it("refuses from the moment that close is called", async () => {
    const sink = new MemorySink();
    const { outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const closed = outbox.close();
    expect(await outbox.append(aDraft()).durable).toMatchObject({ status: "rejected" });
    expect(await closed).toMatchObject({ complete: true, sinks: { memory: { delivered: 1 } } });
  });

  it("gives console lines up before scalars, the oldest first, when memory is full, and never the rest", async () => {
    const losses: unknown[] = [];
    const sink = new MemorySink();
    sink.answer = never;
    const { outbox } = await aBench([sink], {
      maxMemoryBytes: 3_500,
      onLoss: ({ reason, record }) => losses.push([reason, record?.sequence]),
    });
    const text = "x".repeat(900);
    const appended = ["scalar", "console", undefined, "console"].map((shed) =>
      outbox.append(aDraft(text, shed === undefined ? {} : { shed: shed as "console" })),
    );
    await settle();
    expect(losses).toEqual([["shed", 2]]);
    const ended = outbox.outcome(appended[3]!.record);
    outbox.append(aDraft(text));
    outbox.append(aDraft(text));
    await settle();
    expect(losses).toEqual([
      ["shed", 2],
      ["shed", 4],
      ["shed", 1],
    ]);
    expect(await ended).toMatchObject({ status: "rejected" });
    expect(outbox.stats()).toMatchObject({ losses: { shed: 3 }, sinks: { memory: { pending: 3, rejected: 2 } } });
  });
});

describe("outcome", () => {
  it("is delivered once every sink has the record", async () => {
    const [fast, slow] = [new MemorySink({ name: "fast" }), new MemorySink({ name: "slow" })];
    slow.answer = () => (slow.batches.length < 3 ? unreachable : { status: "delivered" });
    const { clock, outbox } = await aBench([fast, slow]);
    let ended: unknown;
    void outbox.outcome(outbox.append(aDraft()).record).then((outcome) => (ended = outcome));
    await clock.advance(2_000);
    expect([fast.sequences, ended]).toEqual([[1], undefined]);
    await clock.advance(1_000);
    expect(ended).toEqual({ status: "delivered" });
  });

  it("names the sinks that refused, and is the same when asked late", async () => {
    const [one, other] = [new MemorySink({ name: "one" }), new MemorySink({ name: "other" })];
    one.answer = () => ({ status: "rejected", reason: "no" });
    const { clock, outbox } = await aBench([one, other]);
    const { record } = outbox.append(aDraft());
    const early = outbox.outcome(record);
    await clock.advance(1_000);
    expect(await early).toEqual({ status: "rejected", reasons: { one: "no" } });
    expect(await outbox.outcome(record)).toEqual({ status: "rejected", reasons: { one: "no" } });
  });

  it("is pending when the outbox closes first", async () => {
    const sink = new MemorySink();
    sink.answer = () => unreachable;
    const { clock, outbox } = await aBench([sink]);
    const ended = outbox.outcome(outbox.append(aDraft()).record);
    const closed = outbox.close({ deadlineMs: 100 });
    await clock.advance(200);
    await closed;
    expect(await ended).toEqual({ status: "pending" });
  });
});

describe("a listener of losses that throws", () => {
  it("harms nobody", async () => {
    const sink = new MemorySink();
    sink.answer = () => ({ status: "rejected", reason: "no" });
    const { clock, outbox } = await aBench([sink], {
      onLoss: () => {
        throw new Error("listener");
      },
    });
    outbox.append(aDraft());
    await clock.advance(1_000);
    expect(outbox.stats().losses.refused).toBe(1);
  });
});

describe("flush", () => {
  it("speaks of what was appended before it, whatever comes meanwhile", async () => {
    const sink = new MemorySink();
    const gate = Promise.withResolvers<Delivery>();
    sink.answer = () => gate.promise;
    const { outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const flushed = outbox.flush();
    await settle();
    outbox.append(aDraft());
    sink.answer = never;
    gate.resolve({ status: "delivered" });
    expect(await flushed).toMatchObject({ complete: true, sinks: { memory: { delivered: 1, pending: 0 } } });
  });

  it("comes back at its deadline, or when its signal aborts, and says what is pending", async () => {
    const sink = new MemorySink();
    sink.answer = never;
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const controller = new AbortController();
    const [timed, aborted] = [outbox.flush({ deadlineMs: 5_000 }), outbox.flush({ signal: controller.signal })];
    controller.abort(new Error("enough"));
    expect(await aborted).toMatchObject({ complete: false, sinks: { memory: { pending: 1 } } });
    await clock.advance(5_000);
    expect(await timed).toMatchObject({ complete: false, sinks: { memory: { pending: 1 } } });
  });

  it("of nothing is done at once", async () => {
    const { outbox } = await aBench([new MemorySink()]);
    expect(await outbox.flush()).toMatchObject({ complete: true });
  });
});

describe("close", () => {
  it("delivers what waits, ends the sinks once, and leaves no timer behind", async () => {
    const sink = new MemorySink();
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const [first, second] = [outbox.close(), outbox.close({ deadlineMs: 1 })];
    expect(second).toBe(first);
    expect(await first).toEqual({ complete: true, sinks: { memory: { delivered: 1, pending: 0, rejected: 0 } }, journalPath: undefined });
    expect([sink.closed, clock.sleeping]).toEqual([1, 0]);
    await outbox[Symbol.asyncDispose]();
    expect(sink.closed).toBe(1);
  });

  it("is bounded when a delivery ignores its signal, and calls its records pending", async () => {
    const sink = new MemorySink();
    sink.answer = never;
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const closed = outbox.close({ deadlineMs: 5_000 });
    await clock.advance(5_000);
    expect(await closed).toMatchObject({ complete: false, sinks: { memory: { delivered: 0, pending: 1 } } });
    expect(clock.sleeping).toBe(0);
  });

  it("keeps to what its receipt said when an answer comes too late", async () => {
    const sink = new MemorySink();
    const gate = Promise.withResolvers<Delivery>();
    sink.answer = () => gate.promise;
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const closed = outbox.close({ deadlineMs: 1_000 });
    await clock.advance(1_000);
    expect(await closed).toMatchObject({ sinks: { memory: { delivered: 0, pending: 1 } } });
    gate.resolve({ status: "delivered" });
    await settle();
    expect(outbox.stats().sinks["memory"]).toMatchObject({ delivered: 0, pending: 1 });
  });

  it("is bounded when a sink never opens and never closes", async () => {
    const sink = new MemorySink({ open: never });
    sink.close = never;
    const { clock, outbox } = await aBench([sink]);
    const closed = outbox.close({ deadlineMs: 3_000 });
    await clock.advance(3_000);
    expect(await closed).toMatchObject({ complete: true });
  });

  it("lets a delivery that heeds its signal say what it had done", async () => {
    const sink = new MemorySink();
    sink.answer = (_batch, { signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve([{ status: "delivered" }, unreachable])));
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    outbox.append(aDraft());
    const closed = outbox.close({ deadlineMs: 10_000 });
    await clock.advance(10_000);
    expect(await closed).toMatchObject({ sinks: { memory: { delivered: 1, pending: 1 } } });
  });

  it("keeps trying until its deadline while a sink is in trouble", async () => {
    const sink = new MemorySink();
    sink.answer = () => unreachable;
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const closed = outbox.close({ deadlineMs: 10_000 });
    await clock.advance(4_000);
    sink.answer = undefined;
    await clock.advance(4_000);
    expect(await closed).toMatchObject({ complete: true, sinks: { memory: { delivered: 1 } } });
  });

  it("ends a flush that still waits", async () => {
    const sink = new MemorySink();
    sink.answer = never;
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const flushed = outbox.flush({ deadlineMs: 3_600_000 });
    const closed = outbox.close({ deadlineMs: 1_000 });
    await clock.advance(1_000);
    await closed;
    expect(await flushed).toMatchObject({ complete: false });
  });

  it("ends when its signal aborts", async () => {
    const sink = new MemorySink();
    sink.answer = never;
    const { clock, outbox } = await aBench([sink]);
    outbox.append(aDraft());
    const controller = new AbortController();
    const closed = outbox.close({ deadlineMs: 3_600_000, signal: controller.signal });
    await settle();
    controller.abort(new Error("SIGTERM twice"));
    expect(await closed).toMatchObject({ complete: false });
    expect(clock.now()).toBe(new FakeClock().now());
  });
});

describe("memory", () => {
  it("remembers by owner and key, and hands out what was written, not what became of it", async () => {
    const { outbox } = await aBench([]);
    const [trainer, other] = [outbox.memory("trainer"), outbox.memory("other")];
    const value = { id: ["a"] };
    await trainer.set("task", value);
    value.id.push("b");
    expect(outbox.memory("trainer").get("task")).toEqual({ id: ["a"] });
    expect(other.get("task")).toBeUndefined();
  });

  it("never rejects, not even for what has no JSON form", async () => {
    const { outbox } = await aBench([]);
    await outbox.memory("x").set("key", 1n as never);
    expect(outbox.memory("x").get("key")).toBeUndefined();
  });
});

describe("replay", () => {
  it("puts dead letters back in line for their sink, with id and number, as possibly arrived", async () => {
    const [sink, other] = [new MemorySink(), new MemorySink({ name: "other" })];
    sink.answer = () => ({ status: "rejected", reason: "no" });
    const { clock, outbox } = await aBench([sink, other]);
    const ids = [outbox.append(aDraft()), outbox.append(aDraft()), outbox.append(aDraft())].map(({ record }) => record.id);
    await clock.advance(1_000);
    sink.answer = undefined;
    expect(await outbox.replay(({ record }) => record.sequence !== 2)).toBe(2);
    await settle();
    expect(sink.delivered.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    expect(sink.batches.at(-1)).toEqual({ sequences: [1, 3], ambiguous: true });
    expect(other.sequences).toEqual([1, 2, 3]);
    expect((await outbox.deadLetters()).map(({ record }) => record.sequence)).toEqual([2]);
  });
});

describe("open", () => {
  it("throws for sinks that share a name, or have the uploader's: a bug of the caller", async () => {
    await expect(aBench([new MemorySink(), new MemorySink()])).rejects.toThrow(ValidationError);
    await expect(aBench([new MemorySink({ name: "upload" })])).rejects.toThrow(ValidationError);
  });
});
