/** Packing files that somebody else is still writing to. */
import { appendFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { packFiles, unpackFiles, type ArchivedFile } from "../../../src/clearml/zip-files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "zip-files-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A file that grows each time somebody looks at it, `times` times. */
function busyFile(times: number): ArchivedFile {
  const path = join(folder, "busy.log");
  writeFileSync(path, "begin\n");
  let left = times;
  return {
    name: "busy.log",
    sizeBytes: 6,
    get path() {
      if (left-- > 0) appendFileSync(path, "more\n");
      return path;
    },
  };
}

it("a file that settles is packed as it is then", async () => {
  const target = join(folder, "archive.zip");
  await packFiles([busyFile(2)], target, new AbortController().signal);
  await unpackFiles(target, join(folder, "back"), new AbortController().signal);
  expect(await readFile(join(folder, "back", "busy.log"), "utf8")).toBe("begin\nmore\nmore\n");
});

it("a file that never settles is given up, and said to be", async () => {
  const packing = packFiles([busyFile(Infinity)], join(folder, "archive.zip"), new AbortController().signal);
  await expect(packing).rejects.toMatchObject({ code: "FILE_CHANGED", retryable: false });
});
