import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { FileStore } from "../../src/devserver/index.js";
import { createFolderFiles } from "../../src/devserver/files/folder-files.js";
import { createMemoryFiles } from "../../src/devserver/files/memory-files.js";
import { readBytes } from "../../src/protocol/handler.js";
import { FakeClock } from "../support/fake-clock.js";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<FileStore> {
  const path = await mkdtemp(join(tmpdir(), "file-store-"));
  folders.push(path);
  return createFolderFiles({ folder: path });
}

async function* pieces(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function text(files: FileStore, path: string, start = 0, end = Number.MAX_SAFE_INTEGER): Promise<string | undefined> {
  const file = await files.open(path);
  return file && Buffer.from(await readBytes(file.read(start, Math.min(end, file.sizeBytes - 1)))).toString();
}

describe.each([
  ["memory", () => Promise.resolve(createMemoryFiles(new FakeClock()))],
  ["folder", folder],
  ["temporary folder", () => Promise.resolve(createFolderFiles({ folder: undefined }))],
])("a store of files: %s", (_name, open) => {
  it("gives back what was written, whole or in part, and replaces it", async () => {
    const files = await open();
    await files.write("a/b/c.txt", pieces("hello ", "world"));
    expect([await text(files, "a/b/c.txt"), await text(files, "a/b/c.txt", 6, 8)]).toEqual(["hello world", "wor"]);
    await files.write("a/b/c.txt", pieces("new"));
    expect([await text(files, "a/b/c.txt"), (await files.open("a/b/c.txt"))?.sizeBytes]).toEqual(["new", 3]);
    await files.close();
  });

  it("keeps an empty file", async () => {
    const files = await open();
    await files.write("empty", pieces());
    expect(await text(files, "empty")).toBe("");
    await files.close();
  });

  it("keeps the earlier file when the source of a later one fails", async () => {
    const files = await open();
    await files.write("a", pieces("old"));
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw new Error("gone");
    }
    await expect(files.write("a", broken())).rejects.toThrow("gone");
    expect(await text(files, "a")).toBe("old");
    await files.close();
  });

  it("knows nothing of what is not there, and of folders", async () => {
    const files = await open();
    await files.write("dir/file", pieces("x"));
    for (const path of ["none", "dir", "dir/file/below"]) {
      expect(await files.open(path)).toBeUndefined();
      expect(await files.delete(path)).toBe(false);
    }
    expect(await files.deleteTree("none")).toBe(false);
    await files.close();
  });

  it("deletes one file, or a folder with all in it and nothing beside", async () => {
    const files = await open();
    for (const path of ["dir/a", "dir/b", "dir2/c"]) await files.write(path, pieces("x"));
    expect([await files.delete("dir/a"), await files.open("dir/a")]).toEqual([true, undefined]);
    expect([await files.deleteTree("dir"), await files.open("dir/b")]).toEqual([true, undefined]);
    expect(await text(files, "dir2/c")).toBe("x");
    await files.close();
  });
});

describe("a folder of files", () => {
  it("holds nothing of an upload that failed", async () => {
    const files = await folder();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw new Error("gone");
    }
    await expect(files.write("a", broken())).rejects.toThrow("gone");
    expect(await readdir(folders[0]!)).toEqual([]);
  });
});
