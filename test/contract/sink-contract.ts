/**
 * What the outbox relies on in every sink. A sink's own tests call this with a way to make it and a way to look at what
 * its destination holds; the fake that the outbox is tested with passes the same suite.
 */
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/base/json.js";
import type { Delivery, DeliveryContext, Sink, SinkMemory } from "../../src/outbox/sink.js";
import type { TrainerRecord } from "../../src/records/record.js";

/** A sink with a destination that works. */
export interface SinkUnderTest {
  readonly sink: Sink;
  /** At least three records that this sink accepts, in rising sequence, none of them a barrier. */
  readonly records: readonly TrainerRecord[];
  /** Ids of the records that the destination now holds, in its order; without those it was sent twice, if it can tell. */
  arrived(): Promise<readonly string[]> | readonly string[];
  /** Makes the destination answer nothing at all until the test ends (a hanging server). Absent: the sink cannot hang. */
  hang?(): void;
  /** Makes the destination refuse every connection. Absent: not applicable. */
  refuse?(): void;
  dispose?(): Promise<void> | void;
}

/** Memory without a journal, for tests of sinks. */
export function volatileMemory(values: Map<string, JsonValue> = new Map()): SinkMemory {
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value);
      return Promise.resolve();
    },
  };
}

/** Registers the suite under `name`. */
export function describeSinkContract(name: string, create: () => Promise<SinkUnderTest> | SinkUnderTest): void {
  describe(`sink contract: ${name}`, () => {
    it("has a stable name and sane limits", () =>
      withSink(create, ({ sink }) => {
        expect(sink.name).toMatch(/^[a-z][a-z0-9-]*$/);
        expect(sink.name).not.toBe("upload");
        expect(sink.limits.maxRecords).toBeGreaterThanOrEqual(1);
        expect(sink.limits.maxBytes).toBeGreaterThanOrEqual(1024);
      }));

    it("says of the same record always the same, whether it accepts it", () =>
      withSink(create, ({ sink, records }) => {
        for (const record of records) expect([sink.accepts(record), sink.accepts(record)]).toEqual([true, true]);
      }));

    it("opens, delivers a batch, and the destination holds every record once and in order", () =>
      withSink(create, async ({ sink, records, arrived }) => {
        await open(sink);
        const outcomes = perRecord(await sink.deliver(records, context()), records.length);
        expect(outcomes.map((outcome) => outcome.status)).toEqual(records.map(() => "delivered"));
        expect(await arrived()).toEqual(records.map((record) => record.id));
      }));

    it("delivers one record at a time as well", () =>
      withSink(create, async ({ sink, records, arrived }) => {
        await open(sink);
        for (const record of records) expect(perRecord(await sink.deliver([record], context()), 1)[0]?.status).toBe("delivered");
        expect(await arrived()).toEqual(records.map((record) => record.id));
      }));

    it("opens again with the same memory without harm, as after a restart", () =>
      withSink(create, async ({ sink, records, arrived }) => {
        const memory = volatileMemory();
        await open(sink, memory);
        await open(sink, memory);
        await sink.deliver(records, context({ memory }));
        expect(await arrived()).toEqual(records.map((record) => record.id));
      }));

    it("sends nothing when its signal has aborted, and does not claim delivery", () =>
      withSink(create, async ({ sink, records, arrived }) => {
        await open(sink);
        const signal = AbortSignal.abort(new Error("the outbox is closing"));
        const outcome = await sink.deliver(records, context({ signal })).catch((error: unknown) => error);
        if (!(outcome instanceof Error)) {
          for (const own of perRecord(outcome as Delivery, records.length)) expect(own.status).toBe("retry");
        }
        expect(await arrived()).toEqual([]);
      }));

    it("gives up a delivery that hangs when its signal aborts", (test) =>
      withSink(create, async ({ sink, records, hang }) => {
        if (!hang) return test.skip("this destination cannot hang");
        await open(sink);
        hang();
        const controller = new AbortController();
        const pending = sink.deliver(records, context({ signal: controller.signal })).catch((error: unknown) => error);
        setImmediate(() => controller.abort(new Error("the outbox is closing")));
        const outcome = await pending;
        if (!(outcome instanceof Error)) expect(perRecord(outcome as Delivery, records.length).at(-1)?.status).toBe("retry");
      }));

    it("calls an outage unreachable, which waits for ever", (test) =>
      withSink(create, async ({ sink, records, refuse }) => {
        if (!refuse) return test.skip("this destination cannot be down");
        await open(sink);
        refuse();
        const outcome = perRecord(await sink.deliver(records, context()), records.length)[0];
        expect(outcome).toMatchObject({ status: "retry", cause: "unreachable" });
      }));

    it("closes without a delivery before", () =>
      withSink(create, async ({ sink }) => {
        await sink.close?.();
      }));
  });
}

async function withSink(
  create: () => Promise<SinkUnderTest> | SinkUnderTest,
  use: (subject: SinkUnderTest) => Promise<void> | void,
): Promise<void> {
  const subject = await create();
  try {
    await use(subject);
  } finally {
    await subject.sink.close?.();
    await subject.dispose?.();
  }
}

async function open(sink: Sink, memory: SinkMemory = volatileMemory()): Promise<void> {
  const outcome = (await sink.open?.(context({ memory }))) ?? { status: "delivered" };
  expect(outcome).toEqual({ status: "delivered" });
}

function context(given: Partial<DeliveryContext> = {}): DeliveryContext {
  return { signal: new AbortController().signal, memory: volatileMemory(), ambiguous: false, ...given };
}

function perRecord(outcome: readonly Delivery[] | Delivery, count: number): readonly Delivery[] {
  if (!Array.isArray(outcome)) return new Array<Delivery>(count).fill(outcome as Delivery);
  expect(outcome).toHaveLength(count);
  return outcome as readonly Delivery[];
}
