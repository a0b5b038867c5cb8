/** What a store makes of uploads that were cut off: goes on, begins anew, or takes back. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import type { FileToStore, UploadProgress } from "../../../src/storage/object-store.js";
import { S3ObjectStore } from "../../../src/storage/s3-object-store.js";
import { startS3, type S3Server } from "../../support/s3-server.js";
import { uploadMemory } from "../../support/upload-memory.js";

const PART_BYTES = 8 * 1024 * 1024;
const running = new AbortController().signal;

let root: string;
let started: S3Server;
let store: S3ObjectStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "s3-resume-"));
  started = await startS3({ rights: ["s3:PutObject", "s3:AbortMultipartUpload"] });
  store = aStore();
});

afterEach(async () => {
  await store.close();
  await started.server.close();
  await rm(root, { recursive: true, force: true });
});

function aStore(): S3ObjectStore {
  return new S3ObjectStore({
    logger: silentLogger,
    settings: {
      bucket: "models",
      prefix: "",
      endpoint: started.server.url,
      region: "us-east-1",
      credentials: { accessKeyId: "test-key", secretAccessKey: "test-secret" },
      isAws: false,
      uriBase: `s3://${started.server.host}/models`,
    },
  });
}

async function aFile(parts: number, name = "weights.pt"): Promise<FileToStore> {
  const content = randomBytes(parts * PART_BYTES - 3);
  const path = join(root, name);
  await writeFile(path, content);
  return {
    path,
    sizeBytes: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
    contentType: "application/x-pytorch",
  };
}

/** A put that is cut off by its signal once so many parts are stored. */
async function cutOff(file: FileToStore, afterParts: number, memory = uploadMemory()): Promise<ReturnType<typeof uploadMemory>> {
  const controller = new AbortController();
  const reason = new Error("the process ends");
  const onProgress = ({ sentBytes }: UploadProgress): void => {
    if (sentBytes >= afterParts * PART_BYTES) controller.abort(reason);
  };
  await expect(store.put("a/b.pt", file, { signal: controller.signal, memory: memory.memory, onProgress })).rejects.toBe(reason);
  await store.close();
  store = aStore();
  return memory;
}

/** By number; empty ones merely ask whether the upload is known. */
const sentParts = (): (number | undefined)[] =>
  started.s3
    .calls()
    .flatMap(({ operation, partNumber, status, headers }) =>
      operation === "UploadPart" && status === 200 && headers["content-length"] !== "0" ? [partNumber] : [],
    );

it("leaves the parts where they are, sends the others, and forgets the upload when it is whole", async () => {
  const file = await aFile(8);
  const { memory, pages } = await cutOff(file, 4);
  expect(started.s3.uploads()).toHaveLength(1);
  const before = sentParts().length;
  const told: UploadProgress[] = [];
  await store.put("a/b.pt", file, { signal: running, memory, onProgress: (progress) => told.push(progress) });
  // Those that were answered while the process ended were not noted any more: one for each slot at the most.
  expect(sentParts().length - before).toBeLessThanOrEqual(8 - before + 4);
  expect(sentParts().length - before).toBeLessThan(8);
  expect(told.at(-1)).toMatchObject({ sentBytes: file.sizeBytes, totalBytes: file.sizeBytes, resumedBytes: expect.any(Number) });
  expect(started.s3.calls().filter(({ operation }) => operation === "CreateMultipartUpload")).toHaveLength(1);
  expect(started.s3.object("models", "a/b.pt")?.metadata).toEqual({ sha256: file.sha256 });
  expect([...pages]).toEqual([]);
});

it("sends a part again whose bytes on the disk are not those that were sent", async () => {
  const file = await aFile(3);
  const { memory, pages } = await cutOff(file, 1);
  const [page, parts] = [...pages].find(([name]) => name.startsWith("parts:")) as [string, [number, string, string][]];
  const number = parts[0]?.[0];
  pages.set(
    page,
    parts.map(([at, etag]) => [at, etag, "another digest"]),
  );
  const before = sentParts().length;
  await store.put("a/b.pt", file, { signal: running, memory });
  expect(sentParts().slice(before)).toContain(number);
  expect(
    createHash("sha256")
      .update(started.s3.object("models", "a/b.pt")?.body ?? "")
      .digest("hex"),
  ).toBe(file.sha256);
});

it("begins anew, at once, when the store knows nothing of the upload any more", async () => {
  const file = await aFile(4);
  const { memory, pages } = await cutOff(file, 2);
  const head = pages.get("head") as Record<string, string>;
  pages.set("head", { ...head, uploadId: "long-gone" });
  await store.put("a/b.pt", file, { signal: running, memory });
  expect(started.s3.object("models", "a/b.pt")?.metadata).toEqual({ sha256: file.sha256 });
  expect([...pages]).toEqual([]);
});

it("takes an upload of other bytes back before it begins its own", async () => {
  const { memory, pages } = await cutOff(await aFile(4, "other.pt"), 2);
  const file = await aFile(2);
  await store.put("a/b.pt", file, { signal: running, memory });
  expect(started.s3.uploads()).toEqual([]);
  expect(started.s3.object("models", "a/b.pt")?.metadata).toEqual({ sha256: file.sha256 });
  expect([...pages]).toEqual([]);
});

it("takes back at once what can never be completed, memory or not", async () => {
  const file = await aFile(4);
  const { memory, pages } = await cutOff(file, 2);
  await writeFile(file.path, randomBytes(file.sizeBytes));
  await expect(store.put("a/b.pt", file, { signal: running, memory })).rejects.toMatchObject({ code: "FILE_CHANGED" });
  expect(started.s3.uploads()).toEqual([]);
  expect([...pages]).toEqual([]);
});

it("discards what is remembered; a store that cannot be asked keeps it remembered", async () => {
  const { memory, pages } = await cutOff(await aFile(4), 2);
  started.intercept(async () => ({ status: 403, body: "<Error><Code>AccessDenied</Code></Error>" }));
  expect(await store.discard("a/b.pt", memory, { signal: running })).toBe(false);
  expect(pages.size).toBeGreaterThan(0);
  started.intercept((pass, request) => pass(request));
  expect(await store.discard("a/b.pt", memory, { signal: running })).toBe(true);
  expect(started.s3.uploads()).toEqual([]);
  expect([...pages]).toEqual([]);
  expect(await store.discard("a/b.pt", memory, { signal: running })).toBe(true);
});

it("notices that the store has forgotten the upload, though it refuses parts by closing the connection on them", async () => {
  const file = await aFile(4);
  const { memory, pages } = await cutOff(file, 2);
  const head = pages.get("head") as Record<string, string>;
  pages.set("head", { ...head, uploadId: "long-gone" });
  started.intercept(async (pass, request) => {
    const isLarge = Number(request.headers["content-length"] ?? 0) > 100_000;
    return isLarge && request.url.searchParams.get("uploadId") === "long-gone" ? { status: 404, destroy: true } : pass(request);
  });
  await store.put("a/b.pt", file, { signal: running, memory });
  expect(started.s3.object("models", "a/b.pt")?.metadata).toEqual({ sha256: file.sha256 });
});

it("begins anew, at once, when the store has lost a part that it had taken", async () => {
  const file = await aFile(4);
  const { memory, pages } = await cutOff(file, 2);
  const [page, parts] = [...pages].find(([name]) => name.startsWith("parts:")) as [string, [number, string, string][]];
  pages.set(
    page,
    parts.map(([number, , sha256]) => [number, '"of no part"', sha256]),
  );
  await store.put("a/b.pt", file, { signal: running, memory });
  expect(started.s3.object("models", "a/b.pt")?.metadata).toEqual({ sha256: file.sha256 });
  expect(started.s3.uploads()).toEqual([]);
  expect([...pages]).toEqual([]);
});
