/** Bytes before words: how uploads go, what takes whose place, and what the lanes and the barrier make of it. */
import { describe, expect, it } from "vitest";
import { Outbox, type OutboxOptions } from "../../../src/outbox/outbox.js";
import type { Delivery, DeliveryContext, Uploader } from "../../../src/outbox/sink.js";
import type { RecordDraft, TrainerRecord } from "../../../src/records/record.js";
import { FakeClock, settle } from "../../support/fake-clock.js";
import { MemorySink } from "../../support/memory-sink.js";
import { aDraft } from "../../support/records.js";

const delivered: Delivery = { status: "delivered" };
const unreachable: Delivery = { status: "retry", cause: "unreachable", reason: "no route" };
const answered: Delivery = { status: "retry", cause: "answered", reason: "500" };

/** An uploader whose uploads end when and as the test says. */
class GatedUploader implements Uploader {
  readonly started: number[] = [];
  readonly contexts: DeliveryContext[] = [];
  /** Records that still waited, of those begun, whenever it was asked to tidy up. */
  readonly tidied: number[][] = [];
  readonly #gates = new Map<number, (outcome: Delivery) => void>();

  async tidy(isWaiting: (sequence: number) => boolean): Promise<void> {
    this.tidied.push(this.started.filter(isWaiting));
  }

  upload(record: TrainerRecord, context: DeliveryContext): Promise<Delivery> {
    this.started.push(record.sequence);
    this.contexts.push(context);
    return new Promise((resolve) => this.#gates.set(record.sequence, resolve));
  }

  async end(sequence: number, outcome: Delivery = delivered): Promise<void> {
    this.#gates.get(sequence)?.(outcome);
    await settle();
  }
}

function aCheckpoint(replaceKey?: string, sizeBytes = 10): RecordDraft {
  return aDraft("checkpoint", {
    attachment: { path: "/nowhere/weights", pinned: false, sizeBytes, ...(replaceKey === undefined ? {} : { replaceKey }) },
  });
}

async function aBench(options: Partial<OutboxOptions> = {}): Promise<{
  clock: FakeClock;
  outbox: Outbox;
  sink: MemorySink;
  uploader: GatedUploader;
  append(...drafts: RecordDraft[]): Promise<TrainerRecord[]>;
}> {
  const clock = new FakeClock();
  const sink = new MemorySink();
  const uploader = new GatedUploader();
  const outbox = await Outbox.open({ directory: undefined, sinks: [sink], uploader, clock, random: () => 1, ...options });
  return {
    clock,
    outbox,
    sink,
    uploader,
    async append(...drafts) {
      const records = drafts.map((draft) => outbox.append(draft).record);
      await settle();
      return records;
    },
  };
}

describe("a record with bytes", () => {
  it("is announced only after its upload, and holds up none that comes after it", async () => {
    const { clock, sink, uploader, append } = await aBench();
    await append(aCheckpoint(), aDraft());
    await clock.advance(1_000);
    expect(sink.sequences).toEqual([2]);
    await uploader.end(1);
    expect(sink.sequences).toEqual([2, 1]);
  });

  it("is uploaded two at a time, oldest first", async () => {
    const { uploader, append, outbox } = await aBench();
    await append(aCheckpoint(), aCheckpoint(), aCheckpoint());
    expect(uploader.started).toEqual([1, 2]);
    await uploader.end(2);
    expect(uploader.started).toEqual([1, 2, 3]);
    expect(outbox.stats().uploads).toEqual({ delivered: 1, pending: 2, rejected: 0, superseded: 0 });
  });

  it("is tried again for ever while the storage is away, by a back-off of its own", async () => {
    const { clock, uploader, append, outbox } = await aBench();
    await append(aCheckpoint());
    for (let attempt = 0; attempt < 50; attempt++) {
      await uploader.end(1, unreachable);
      await clock.advance(60_000);
    }
    expect(uploader.started).toHaveLength(51);
    expect(uploader.contexts.map(({ ambiguous }) => ambiguous)).toEqual([false, ...new Array<boolean>(50).fill(true)]);
    await uploader.end(1);
    expect(outbox.stats().uploads).toMatchObject({ delivered: 1, pending: 0 });
  });

  it("counts an uploader that throws as unreachable", async () => {
    const uploader: Uploader = { upload: () => Promise.reject(new Error("a bug")) };
    const { clock, append, outbox } = await aBench({ uploader });
    await append(aCheckpoint());
    await clock.advance(10 * 24 * 3_600_000);
    expect(outbox.stats().uploads).toMatchObject({ pending: 1, rejected: 0 });
  });

  it.each<[string, Delivery]>([
    ["refused", { status: "rejected", reason: "access denied" }],
    ["refused in the end", { status: "undecided", reason: "access denied", final: true }],
  ])("is a dead letter of the upload at every sink when it is %s", async (_name, outcome) => {
    const { uploader, append, outbox, sink } = await aBench();
    const [record] = await append(aCheckpoint());
    const ended = outbox.outcome(record as TrainerRecord);
    await uploader.end(1, outcome);
    expect(await outbox.deadLetters()).toMatchObject([{ sink: "upload", reason: "upload-failed", detail: "access denied" }]);
    expect(outbox.stats()).toMatchObject({
      losses: { "upload-failed": 1 },
      uploads: { rejected: 1, pending: 0 },
      sinks: { memory: { rejected: 1, pending: 0 } },
    });
    expect(await ended).toEqual({ status: "rejected", reasons: { upload: "access denied" } });
    expect(sink.sequences).toEqual([]);
  });

  it("is a dead letter when answered failures have spent its budget", async () => {
    const { clock, uploader, append, outbox } = await aBench({ answeredBudgetMs: 600_000 });
    await append(aCheckpoint());
    await uploader.end(1, answered);
    await clock.advance(599_999);
    await uploader.end(1, answered);
    expect(outbox.stats().uploads).toMatchObject({ pending: 1 });
    await clock.advance(60_000);
    await uploader.end(1, answered);
    expect(await outbox.deadLetters()).toMatchObject([{ sink: "upload", reason: "upload-failed", detail: "500" }]);
  });

  it("is a dead letter at once when there is nowhere to store it", async () => {
    const { append, outbox } = await aBench({ uploader: undefined });
    await append(aCheckpoint());
    expect(await outbox.deadLetters()).toMatchObject([{ sink: "upload", reason: "upload-failed" }]);
  });
});

describe("a newer checkpoint of the same key", () => {
  it("takes the place of an older one that waits, which is no failure", async () => {
    const { uploader, append, outbox, sink } = await aBench();
    await append(aCheckpoint(), aCheckpoint());
    const [older] = await append(aCheckpoint("last"));
    const ended = outbox.outcome(older as TrainerRecord);
    await append(aCheckpoint("last"));
    expect(await ended).toEqual({ status: "superseded" });
    expect(outbox.stats()).toMatchObject({
      uploads: { superseded: 1, pending: 3 },
      losses: { superseded: 1 },
      sinks: { memory: { pending: 3, rejected: 0 } },
    });
    for (const sequence of [1, 2, 4]) await uploader.end(sequence);
    expect(uploader.started).toEqual([1, 2, 4]);
    expect(sink.sequences).toEqual([1, 2, 4]);
    expect(await outbox.deadLetters()).toEqual([]);
  });

  it("waits for the older one that is on the wire, so that it is announced after it", async () => {
    const { uploader, append, sink } = await aBench();
    await append(aCheckpoint("last"));
    await append(aCheckpoint("last"));
    expect(uploader.started).toEqual([1]);
    await uploader.end(1);
    await uploader.end(2);
    expect(sink.sequences).toEqual([1, 2]);
  });

  it("takes the place of the older one once its attempt has failed", async () => {
    const { clock, uploader, append, outbox } = await aBench();
    const [older] = await append(aCheckpoint("last"));
    const ended = outbox.outcome(older as TrainerRecord);
    await append(aCheckpoint("last"));
    await uploader.end(1, unreachable);
    expect(await ended).toEqual({ status: "superseded" });
    await clock.advance(1_000);
    expect(uploader.started).toEqual([1, 2]);
  });

  it("never takes the place of one without a key, or of another key", async () => {
    const { append, outbox } = await aBench();
    await append(aCheckpoint(), aCheckpoint("best"), aCheckpoint("last"), aCheckpoint("last"), aCheckpoint());
    expect(outbox.stats().uploads).toMatchObject({ superseded: 1, pending: 4 });
  });
});

describe("past the limit of pinned bytes", () => {
  const pinned = (replaceKey: string | undefined, sizeBytes: number): RecordDraft => {
    const draft = aCheckpoint(replaceKey, sizeBytes);
    return { ...draft, traits: { attachment: { ...draft.traits.attachment!, pinned: true } } };
  };

  it("replaceable copies go, the oldest first, and never a best one", async () => {
    const losses: unknown[] = [];
    const { append, outbox } = await aBench({
      maxPinnedBytes: 100,
      onLoss: ({ reason, record }) => losses.push([reason, record?.sequence]),
    });
    await append(pinned(undefined, 40), pinned(undefined, 40));
    await append(pinned("epoch", 15), pinned("last", 5));
    expect(losses).toEqual([]);
    await append(pinned(undefined, 10));
    expect(losses).toEqual([["shed", 3]]);
    expect(outbox.stats().journal.pinnedBytes).toBe(95);
    await append(pinned(undefined, 60));
    expect(losses).toEqual([
      ["shed", 3],
      ["shed", 4],
    ]);
    expect(outbox.stats()).toMatchObject({ uploads: { pending: 4 }, losses: { shed: 2 } });
  });

  it("a copy that is being replaced counts no more: neither the newer one nor another is given up for it", async () => {
    const losses: unknown[] = [];
    const { append, outbox, uploader } = await aBench({
      maxPinnedBytes: 100,
      onLoss: ({ reason, record }) => losses.push([reason, record?.sequence]),
    });
    await append(pinned("last", 60), pinned("epoch", 30));
    await uploader.end(1, unreachable);
    await uploader.end(2, unreachable);
    await append(pinned("last", 60));
    expect(losses).toEqual([["superseded", 1]]);
    expect(outbox.stats()).toMatchObject({ uploads: { pending: 2, rejected: 0 }, journal: { pinnedBytes: 90 } });
  });

  it("no more are given up than must be, however many come at once", async () => {
    const losses: unknown[] = [];
    const { append, uploader } = await aBench({
      maxPinnedBytes: 100,
      onLoss: ({ reason, record }) => losses.push([reason, record?.sequence]),
    });
    await append(pinned("a", 60), pinned("b", 30));
    await uploader.end(1, unreachable);
    await uploader.end(2, unreachable);
    await append(pinned("c", 20), pinned("d", 10));
    expect(losses).toEqual([["shed", 1]]);
  });
});

describe("a barrier and the uploads before it", () => {
  const end = aDraft("the end", { barrier: true });

  it("go in order: the barrier waits for them, and nothing passes it", async () => {
    const { clock, uploader, append, sink } = await aBench();
    await append(aCheckpoint(), aDraft(), end, aDraft());
    await clock.advance(60_000);
    expect(sink.sequences).toEqual([2]);
    await uploader.end(1);
    expect(sink.sequences).toEqual([2, 1, 3, 4]);
  });

  it("part when the wait is over: the barrier goes, and what is late is a dead letter at that sink", async () => {
    const { clock, uploader, append, sink, outbox } = await aBench({ barrierWaitMs: 60_000 });
    const [late] = await append(aCheckpoint(), aDraft(), end);
    const ended = outbox.outcome(late as TrainerRecord);
    await clock.advance(59_999);
    expect(sink.sequences).toEqual([2]);
    await clock.advance(1);
    expect(sink.sequences).toEqual([2, 3]);
    expect(await outbox.deadLetters()).toMatchObject([{ sink: "memory", reason: "after-final", record: { sequence: 1 } }]);
    await uploader.end(1);
    expect(sink.sequences).toEqual([2, 3]);
    expect(await ended).toMatchObject({ status: "rejected", reasons: { memory: expect.stringContaining("upload") as string } });
  });

  it("count the wait from when all else is settled, not from the verb", async () => {
    const { clock, append, sink } = await aBench({ barrierWaitMs: 60_000 });
    sink.answer = () => unreachable;
    await append(aCheckpoint(), aDraft(), end);
    await clock.advance(3_600_000);
    sink.answer = undefined;
    await clock.advance(60_000);
    expect(sink.sequences).toEqual([2]);
    await clock.advance(60_000);
    expect(sink.sequences).toEqual([2, 3]);
  });
});

it("the uploader is asked to tidy up at the start, and whenever an upload is given up or replaced", async () => {
  const { clock, uploader, append, outbox } = await aBench();
  expect(uploader.tidied).toEqual([[]]);
  await append(aCheckpoint("last"), aCheckpoint());
  await uploader.end(1, unreachable);
  await append(aCheckpoint("last"));
  expect(uploader.tidied.slice(1)).toEqual([[2, 3]]);
  await uploader.end(2, { status: "rejected", reason: "refused" });
  expect(uploader.tidied.at(-1)).not.toContain(2);
  await uploader.end(3);
  await clock.advance(1);
  await outbox.close({ deadlineMs: 0 });
});
