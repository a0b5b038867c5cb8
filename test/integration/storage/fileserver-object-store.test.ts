import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UploadError } from "../../../src/base/errors.js";
import { FileServerObjectStore, type FileServerPort } from "../../../src/storage/fileserver-object-store.js";
import type { FileToStore } from "../../../src/storage/object-store.js";

describe("the file server as a store", () => {
  let root: string;
  let file: FileToStore;
  const signal = new AbortController().signal;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "fileserver-"));
    const content = "weights".repeat(100_000);
    file = {
      path: join(root, "a.pt"),
      sizeBytes: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
      contentType: "text/plain",
    };
    await writeFile(file.path, content);
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  function aPort(given: Partial<FileServerPort> = {}): FileServerPort {
    return {
      urlOf: (path) => `http://files:8081/${path}`,
      upload: async (_path, content) => {
        await buffer(content.open());
      },
      head: () => Promise.resolve({ sizeBytes: file.sizeBytes }),
      ...given,
    };
  }

  it.each([
    ["has nothing there afterwards", undefined, /not there after its upload/],
    ["has another length there afterwards", { sizeBytes: 10 }, /has 10 bytes there, not 700000/],
  ])("has not stored a file when it %s", async (_what, stored, message) => {
    const store = new FileServerObjectStore({ fileServer: aPort({ head: () => Promise.resolve(stored) }) });
    const putting = store.put("a/b.pt", file, { signal });
    await expect(putting).rejects.toBeInstanceOf(UploadError);
    await expect(putting).rejects.toMatchObject({ retryable: true, message: expect.stringMatching(message) });
  });

  it("has stored it as far as anybody can tell, when it does not say how long it is", async () => {
    await new FileServerObjectStore({ fileServer: aPort({ head: () => Promise.resolve({ sizeBytes: undefined }) }) }).put("a/b.pt", file, {
      signal,
    });
  });

  it("may be sent the bytes a second time, as after a token that had run out", async () => {
    const bodies: string[] = [];
    const upload: FileServerPort["upload"] = async (_path, content) => {
      for (let attempt = 0; attempt < 2; attempt++) bodies.push((await buffer(content.open())).toString());
    };
    await new FileServerObjectStore({ fileServer: aPort({ upload }) }).put("a/b.pt", file, { signal });
    expect(bodies).toEqual(["weights".repeat(100_000), "weights".repeat(100_000)]);
  });

  it("hears nothing more once the signal has aborted, even from a client that does not listen to it", async () => {
    const controller = new AbortController();
    const reason = new Error("closing");
    const upload = (): Promise<never> => {
      controller.abort(reason);
      return new Promise(() => undefined);
    };
    await expect(
      new FileServerObjectStore({ fileServer: aPort({ upload }) }).put("a/b.pt", file, { signal: controller.signal }),
    ).rejects.toBe(reason);
  });
});
