/** What the uploader relies on in every place for bytes. Each store's tests call this with a way to make it and to look behind it. */
import { createHash, randomBytes } from "node:crypto";
import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClosedError, ConnectionError, UploadError } from "../../src/base/errors.js";
import type { FileToStore, ObjectStore, UploadProgress } from "../../src/storage/object-store.js";

/** A store with a destination that works. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** What lies under a key, undefined for nothing. */
  read(key: string): Promise<Buffer | undefined>;
  /** What a failed upload left: temporary files, unfinished parts. */
  leftovers(): Promise<readonly string[]>;
  /** From now on the destination answers nothing at all. Resolves, when awaited, once a request has reached it. Absent: it cannot hang. */
  hang?(): { readonly reached: Promise<unknown> };
  /** From now on the destination refuses connections. Absent: not applicable. */
  refuse?(): Promise<void>;
  dispose(): Promise<void>;
}

/** Larger than any store sends in one piece. */
export const LARGE_BYTES = 20 * 1024 * 1024 + 321;

export function describeObjectStoreContract(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`object store contract: ${name}`, () => {
    let root: string;
    let subject: StoreUnderTest;
    const running = new AbortController().signal;

    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), "store-"));
      subject = await create();
    });

    afterEach(async () => {
      await subject.store.close();
      await subject.dispose();
      await rm(root, { recursive: true, force: true });
    });

    async function aFile(content: Buffer): Promise<FileToStore> {
      const path = join(root, "weights.pt");
      await writeFile(path, content);
      return {
        path,
        sizeBytes: content.length,
        sha256: createHash("sha256").update(content).digest("hex"),
        contentType: "application/octet-stream",
      };
    }

    it.each([
      ["a small file", 1000],
      ["an empty file", 0],
      ["a large file", LARGE_BYTES],
    ])("holds %s as it was, once put has resolved", async (_what, sizeBytes) => {
      const content = randomBytes(sizeBytes);
      await subject.store.put("checkpoints/7/last-3-abc.pt", await aFile(content), { signal: running });
      expect((await subject.read("checkpoints/7/last-3-abc.pt"))?.equals(content)).toBe(true);
      expect(await subject.leftovers()).toEqual([]);
    });

    it("announces an address that does not depend on what is stored", async () => {
      const before = subject.store.uriOf("a/b.pt");
      await subject.store.put("a/b.pt", await aFile(Buffer.from("x")), { signal: running });
      expect(subject.store.uriOf("a/b.pt")).toBe(before);
      expect(before).toMatch(/^(s3|https?|file):\/\/.*\/b\.pt$/);
      expect(subject.store.uriOf("a/c.pt")).not.toBe(before);
      expect(subject.store.describe()).not.toBe("");
    });

    it("takes the same key again without harm", async () => {
      const file = await aFile(Buffer.from("weights"));
      await subject.store.put("a/b.pt", file, { signal: running });
      await subject.store.put("a/b.pt", file, { signal: running });
      expect((await subject.read("a/b.pt"))?.toString()).toBe("weights");
    });

    it("keeps two keys apart, in letters of any script", async () => {
      await subject.store.put("работа/モデル.pt", await aFile(Buffer.from("one")), { signal: running });
      await subject.store.put("работа/модель.pt", await aFile(Buffer.from("two")), { signal: running });
      expect((await subject.read("работа/モデル.pt"))?.toString()).toBe("one");
      expect((await subject.read("работа/модель.pt"))?.toString()).toBe("two");
    });

    it("tells progress that only grows and ends with the whole", async () => {
      const seen: UploadProgress[] = [];
      await subject.store.put("a/large.pt", await aFile(randomBytes(LARGE_BYTES)), {
        signal: running,
        onProgress: (progress) => seen.push(progress),
      });
      const sent = seen.map((progress) => progress.sentBytes);
      expect(sent).toEqual([...sent].sort((one, other) => one - other));
      expect(seen.at(-1)).toEqual({ key: "a/large.pt", sentBytes: LARGE_BYTES, totalBytes: LARGE_BYTES });
    });

    it.each([
      ["was overwritten with as many bytes", 1000, (path: string) => writeFile(path, randomBytes(1000))],
      ["has grown", 1000, (path: string) => appendFile(path, "more")],
      ["became shorter", 1000, (path: string) => truncate(path, 10)],
      ["is gone", 1000, (path: string) => rm(path)],
      ["was overwritten, a large one", LARGE_BYTES, (path: string) => writeFile(path, randomBytes(LARGE_BYTES))],
    ])("stores nothing of a file that %s since it was taken in", async (_what, sizeBytes, change) => {
      const file = await aFile(randomBytes(sizeBytes));
      await change(file.path);
      const error: unknown = await subject.store.put("a/b.pt", file, { signal: running }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UploadError);
      expect(error).toMatchObject({ code: "FILE_CHANGED", retryable: false, message: expect.stringContaining(file.path) });
      expect(await subject.read("a/b.pt")).toBeUndefined();
      expect(await subject.leftovers()).toEqual([]);
    });

    it("stores nothing when its signal has aborted, and passes the reason through", async () => {
      const reason = new Error("the outbox is closing");
      await expect(subject.store.put("a/b.pt", await aFile(Buffer.from("x")), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(await subject.read("a/b.pt")).toBeUndefined();
    });

    it("stops in the middle of a large file when its signal aborts, and leaves nothing", async () => {
      const controller = new AbortController();
      const reason = new Error("the outbox is closing");
      const file = await aFile(randomBytes(LARGE_BYTES));
      const putting = subject.store.put("a/b.pt", file, { signal: controller.signal, onProgress: () => controller.abort(reason) });
      await expect(putting).rejects.toBe(reason);
      await subject.store.close();
      expect(await subject.read("a/b.pt")).toBeUndefined();
      expect(await subject.leftovers()).toEqual([]);
    });

    it.each([
      ["small", 1000],
      ["large", LARGE_BYTES],
    ])("gives up a %s file at once when its signal aborts while the destination hangs", async (_what, sizeBytes) => {
      if (!subject.hang) return;
      const file = await aFile(randomBytes(sizeBytes));
      const { reached } = subject.hang();
      const controller = new AbortController();
      const reason = new Error("the outbox is closing");
      const putting = subject.store.put("a/b.pt", file, { signal: controller.signal });
      putting.catch(() => undefined);
      await reached;
      controller.abort(reason);
      await expect(putting).rejects.toBe(reason);
    });

    it("tells an outage as one that passes", async () => {
      if (!subject.refuse) return;
      const file = await aFile(Buffer.from("weights"));
      await subject.refuse();
      const error: unknown = await subject.store.put("a/b.pt", file, { signal: running }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ retryable: true });
    });

    it("takes nothing after it was closed, and closes twice", async () => {
      await subject.store.close();
      await subject.store.close();
      await expect(subject.store.put("a/b.pt", await aFile(Buffer.from("x")), { signal: running })).rejects.toBeInstanceOf(ClosedError);
    });
  });
}
