import { describe, expect, it } from "vitest";
import type { FileToStore, ObjectStore, PutOptions } from "../../../src/storage/object-store.js";
import { attachmentUploader } from "../../../src/trainer/attachment-uploader.js";
import { withRate } from "../../../src/trainer/upload-rate.js";
import type { TrainerRecord } from "../../../src/records/record.js";
import { FakeClock } from "../../support/fake-clock.js";
import { sinkMemory } from "../../support/upload-memory.js";

const signal = new AbortController().signal;

/** A store whose uploads note that they have begun, and end as the test says. */
function gatedStore(): {
  store: ObjectStore;
  puts: Map<string, PromiseWithResolvers<void>>;
  discarded: string[];
  canDiscard: { now: boolean };
} {
  const puts = new Map<string, PromiseWithResolvers<void>>();
  const discarded: string[] = [];
  const canDiscard = { now: true };
  const store: ObjectStore = {
    kind: "s3",
    describe: () => "a test's store",
    uriOf: (key) => `s3://bucket/${key}`,
    put: async (key: string, _file: FileToStore, { memory }: PutOptions) => {
      await memory?.save("head", { uploadId: "1" });
      const gate = Promise.withResolvers<void>();
      puts.set(key, gate);
      await gate.promise;
      await memory?.save("head", null);
    },
    discard: async (key, memory) => {
      if (!canDiscard.now) return false;
      discarded.push(key);
      await memory.save("head", null);
      return true;
    },
    close: async () => undefined,
  };
  return { store, puts, discarded, canDiscard };
}

function aRecord(sequence: number, key: string): TrainerRecord {
  const file = { uri: "", key, fileName: "a.pt", sizeBytes: 10, sha256: "00", contentType: "x/y" };
  return {
    sequence,
    fact: { kind: "checkpoint", file },
    traits: { attachment: { path: "/a", pinned: true, sizeBytes: 10 } },
  } as unknown as TrainerRecord;
}

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("begun uploads", () => {
  it("are remembered while they run and forgotten when they are whole", async () => {
    const { store, puts } = gatedStore();
    const { memory, values } = sinkMemory();
    const uploader = attachmentUploader({ store, onProgress: () => undefined });
    const upload = uploader.upload(aRecord(1, "a"), { signal, memory, ambiguous: false });
    await turns();
    expect(values.get("begun")).toEqual({ a: 1 });
    puts.get("a")?.resolve();
    expect(await upload).toEqual({ status: "delivered" });
    expect([...values]).toEqual([]);
  });

  it("of an earlier process are taken back when their record does not wait any more, and kept when it does", async () => {
    const { store, discarded } = gatedStore();
    const { memory, values } = sinkMemory();
    values.set("begun", { a: 1, b: 2 });
    values.set("multipart:a:head", { uploadId: "1" });
    const uploader = attachmentUploader({ store, onProgress: () => undefined });
    await uploader.tidy?.((sequence) => sequence === 2, { signal, memory });
    expect(discarded).toEqual(["a"]);
    expect([...values]).toEqual([["begun", { b: 2 }]]);
  });

  it("stay remembered when the store could not be asked, for the next time", async () => {
    const { store, discarded, canDiscard } = gatedStore();
    const { memory, values } = sinkMemory();
    values.set("begun", { a: 1 });
    const uploader = attachmentUploader({ store, onProgress: () => undefined });
    canDiscard.now = false;
    await uploader.tidy?.(() => false, { signal, memory });
    expect(values.get("begun")).toEqual({ a: 1 });
    canDiscard.now = true;
    await uploader.tidy?.(() => false, { signal, memory });
    expect([discarded, [...values]]).toEqual([["a"], []]);
  });

  it("are left alone while another record's upload of the same bytes is under way", async () => {
    const { store, puts, discarded } = gatedStore();
    const { memory } = sinkMemory();
    const uploader = attachmentUploader({ store, onProgress: () => undefined });
    const upload = uploader.upload(aRecord(1, "a"), { signal, memory, ambiguous: false });
    await turns();
    await uploader.tidy?.(() => false, { signal, memory });
    expect(discarded).toEqual([]);
    puts.get("a")?.resolve();
    await upload;
  });
});

describe("the rate", () => {
  it("counts what went over the wire in the last seconds, not what was there already", async () => {
    const clock = new FakeClock();
    const rates: (number | undefined)[] = [];
    const tell = withRate(clock, ({ bytesPerSecond }) => rates.push(bytesPerSecond));
    tell({ key: "a", sentBytes: 500, totalBytes: 5000, resumedBytes: 500 });
    await clock.advance(1000);
    tell({ key: "a", sentBytes: 1500, totalBytes: 5000, resumedBytes: 500 });
    await clock.advance(1000);
    tell({ key: "a", sentBytes: 3500, totalBytes: 5000, resumedBytes: 500 });
    await clock.advance(60_000);
    tell({ key: "a", sentBytes: 3500, totalBytes: 5000, resumedBytes: 500 });
    expect(rates).toEqual([undefined, 1000, 1500, 0]);
  });
});
