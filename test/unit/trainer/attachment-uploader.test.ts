import { describe, expect, it } from "vitest";
import { UploadError } from "../../../src/base/errors.js";
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

it("bytes that two records share are sent again from the other's copy when the first one's file is gone", async () => {
  const paths: string[] = [];
  const first = Promise.withResolvers<never>();
  const store: ObjectStore = {
    ...gatedStore().store,
    put: (_key, { path }) => {
      paths.push(path);
      return path === "/overwritten" ? first.promise : Promise.resolve();
    },
  };
  const { memory } = sinkMemory();
  const uploader = attachmentUploader({ store, onProgress: () => undefined });
  const context = { signal, memory, ambiguous: false };
  const own = aRecord(1, "a");
  const unpinned = { ...own, traits: { attachment: { path: "/overwritten", pinned: false, sizeBytes: 10 } } };
  const outcomes = [uploader.upload(unpinned, context), uploader.upload(aRecord(2, "a"), context)];
  await turns();
  first.reject(new UploadError("the file is another", { code: "FILE_CHANGED", retryable: false }));
  expect(await Promise.all(outcomes)).toMatchObject([{ status: "rejected" }, { status: "delivered" }]);
  expect(paths).toEqual(["/overwritten", "/a"]);
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

describe("a second name", () => {
  /** A store that keeps what was put last, and refuses the names that it is told to. */
  function keepingStore(refused: readonly string[] = []) {
    const kept = new Map<string, string>();
    const store: ObjectStore = {
      kind: "folder",
      describe: () => "a test's store",
      uriOf: (key) => key,
      put: (key, { sha256 }) => {
        if (refused.includes(key)) return Promise.reject(new UploadError(`no ${key} here`, { retryable: false }));
        kept.set(key, sha256);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
    return { kept, store };
  }

  function named(sequence: number, key: string, aliasKey: string): TrainerRecord {
    const record = aRecord(sequence, key);
    const { file } = record.fact as { file: object };
    return { ...record, fact: { kind: "checkpoint", file: { ...file, sha256: key, aliasKey } } } as unknown as TrainerRecord;
  }

  it("leads to the newest file, even when an older one arrives later", async () => {
    const { kept, store } = keepingStore();
    const { memory } = sinkMemory();
    const context = { signal, memory, ambiguous: false };
    await attachmentUploader({ store, onProgress: () => undefined }).upload(named(2, "newer", "best.pt"), context);
    // Another process, as after a restart.
    await attachmentUploader({ store, onProgress: () => undefined }).upload(named(1, "older", "best.pt"), context);
    expect(Object.fromEntries(kept)).toEqual({ newer: "newer", older: "older", "best.pt": "newer" });
  });

  it("costs a warning when the store refuses it, and the file is announced all the same", async () => {
    const { kept, store } = keepingStore(["best.pt"]);
    const { memory } = sinkMemory();
    const warnings: string[] = [];
    const logger = { debug: () => undefined, info: () => undefined, warn: (text: string) => warnings.push(text), error: () => undefined };
    const uploader = attachmentUploader({ store, logger, onProgress: () => undefined });
    expect(await uploader.upload(named(1, "a", "best.pt"), { signal, memory, ambiguous: false })).toEqual({ status: "delivered" });
    expect([...kept.keys()]).toEqual(["a"]);
    expect(warnings).toEqual([expect.stringContaining("no best.pt here")]);
  });
});
