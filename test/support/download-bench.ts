/** What tests of downloads share: a world around each of them, what was fetched in it, and connections that break half-way. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { WireHandler } from "../../src/protocol/handler.js";
import { startDownloadWorld, type DownloadWorld } from "./download-world.js";

export interface DownloadBench {
  readonly world: DownloadWorld;
  /** Objects, or parts of them, that the store has given out. */
  gets(): number;
  /** Sizes of what is being gathered in the cache, smallest first. */
  partSizes(): Promise<number[]>;
  /** Files of those that are not whole, as far as the next process can tell: their name says so until the last byte is safe. */
  unfinished(): Promise<number>;
  /** Resolves when so much of a file is on the disk. */
  onDisk(sizeBytes: number): Promise<unknown>;
}

/** Sets it up around each test of the file. */
export function aDownloadBench(): DownloadBench {
  let world: DownloadWorld;
  beforeEach(async () => {
    world = await startDownloadWorld();
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
  });
  const parts = async (): Promise<string[]> => {
    const sets = path.join(world.folder, "cache", "sets");
    const [source = ""] = await readdir(sets).catch(() => []);
    const folder = path.join(sets, source, "parts");
    return (await readdir(folder).catch(() => [])).map((name) => path.join(folder, name));
  };
  // One may get its final name between the two looks.
  const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => stat(file.replace(/\.part$/, "")))).size;
  const partSizes = async (): Promise<number[]> => (await Promise.all((await parts()).map(sizeOf))).sort();
  return {
    get world() {
      return world;
    },
    gets: () => world.s3.s3.calls().filter(({ operation, status }) => operation === "GetObject" && status < 300).length,
    partSizes,
    unfinished: async () => (await parts()).filter((file) => file.endsWith(".part")).length,
    onDisk: (sizeBytes) => expect.poll(partSizes, { timeout: 30_000 }).toContain(sizeBytes),
  };
}

/** What a promise is rejected with; undefined when it is not. */
export const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Half of an object, then silence until the gate opens; then the connection breaks. */
export function halfOf(whole: Awaited<ReturnType<WireHandler>>, gate: Promise<unknown>): Awaited<ReturnType<WireHandler>> {
  const body = whole.body as Uint8Array;
  const { "content-length": _length, ...headers } = whole.headers ?? {};
  return {
    ...whole,
    headers: { ...headers, "content-length": String(body.length) },
    body: (async function* () {
      yield body.subarray(0, body.length / 2);
      await gate;
    })(),
    destroy: true,
  };
}
