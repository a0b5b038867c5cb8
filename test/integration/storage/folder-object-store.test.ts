import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UploadError } from "../../../src/base/errors.js";
import { FolderObjectStore } from "../../../src/storage/folder-object-store.js";
import type { FileToStore } from "../../../src/storage/object-store.js";

describe("a folder as a store", () => {
  let root: string;
  let directory: string;
  const signal = new AbortController().signal;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "folder-"));
    directory = join(root, "share");
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  async function aFile(content = "weights"): Promise<FileToStore> {
    const path = join(root, "source.pt");
    await writeFile(path, content);
    return {
      path,
      sizeBytes: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
      contentType: "application/octet-stream",
    };
  }

  it.each(["../outside.pt", "a/../../outside.pt", "/etc/outside.pt", "a//b", "./a", "", "a\\b", "a\0b"])(
    "refuses the key %j",
    async (key) => {
      const putting = new FolderObjectStore({ directory }).put(key, await aFile(), { signal });
      await expect(putting).rejects.toBeInstanceOf(UploadError);
      await expect(putting).rejects.toMatchObject({ retryable: false });
      expect(await readdir(root, { recursive: true })).toEqual(["source.pt"]);
    },
  );

  it("refuses a way out through a symbolic link", async () => {
    await mkdir(directory);
    await mkdir(join(root, "elsewhere"));
    await symlink(join(root, "elsewhere"), join(directory, "link"));
    await expect(new FolderObjectStore({ directory }).put("link/a.pt", await aFile(), { signal })).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining("symbolic link"),
    });
    expect(await readdir(join(root, "elsewhere"))).toEqual([]);
  });

  it("is found again by the address it announced", async () => {
    const store = new FolderObjectStore({ directory: join(root, "with space #1") });
    await store.put("a/b c.pt", await aFile(), { signal });
    expect(await readFile(fileURLToPath(store.uriOf("a/b c.pt")), "utf8")).toBe("weights");
  });

  it("replaces a file that does not hold what it should", async () => {
    const store = new FolderObjectStore({ directory });
    await mkdir(join(directory, "a"), { recursive: true });
    await writeFile(join(directory, "a/b.pt"), "torn...");
    await store.put("a/b.pt", await aFile(), { signal });
    expect(await readFile(join(directory, "a/b.pt"), "utf8")).toBe("weights");
  });

  it("does not write again what it holds already", async () => {
    const store = new FolderObjectStore({ directory });
    const file = await aFile();
    await store.put("a/b.pt", file, { signal });
    // With the source gone a second write could not succeed.
    await rm(file.path);
    await store.put("a/b.pt", file, { signal });
  });

  it("says what stands in the way, and that it does not pass by itself", async () => {
    await writeFile(directory, "a file where the folder should be");
    await expect(new FolderObjectStore({ directory }).put("a/b.pt", await aFile(), { signal })).rejects.toMatchObject({
      code: "UPLOAD_FAILED",
      retryable: false,
      message: expect.stringContaining("a part of the path is a file"),
    });
  });
});
