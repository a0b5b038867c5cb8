import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { renameSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../src/base/clock.js";
import { UploadError } from "../../../src/base/errors.js";
import { pinBytes } from "../../../src/storage/pin-bytes.js";
import { pinFile, type PinFileOptions, type PinnedFile } from "../../../src/storage/pin-file.js";

let root: string;
let source: string;
let directory: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pin-"));
  source = join(root, "last.pt");
  directory = join(root, "pins");
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** A clock that tells a moment long after every write, calls `onLook` at each look at the file, and never waits. */
function aClock(onLook: () => void = () => {}): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => {
      onLook();
      return Date.now() + 3_600_000;
    },
    monotonic: () => 0,
    sleep: (ms) => {
      slept.push(ms);
      return Promise.resolve();
    },
  };
}

async function aSource(content: string | Buffer): Promise<void> {
  await writeFile(source, content);
  // Written long ago, so that every later write shows.
  await utimes(source, new Date(0), new Date(0));
}

function pin(given: Partial<PinFileOptions> = {}): ReturnType<typeof pinFile> {
  return pinFile({ source, directory, pin: "copy", clock: aClock(), ...given });
}

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

describe("pinFile with a copy", () => {
  it("keeps what the file held, whatever becomes of the file", async () => {
    const content = Buffer.alloc(3 * 1024 * 1024 + 17, "weights");
    await aSource(content);
    const pinned = (await pin()) as PinnedFile;
    await writeFile(source, "another epoch");
    expect(pinned).toEqual({
      path: expect.stringMatching(/pins\/[0-9a-f]{32}\.pt$/),
      pinned: true,
      sizeBytes: content.length,
      sha256: sha256(content),
    });
    expect((await readFile(pinned.path)).equals(content)).toBe(true);
  });

  it("follows a symbolic link to the file itself", async () => {
    await aSource("weights");
    await symlink(source, join(root, "link.pt"));
    expect(await pin({ source: join(root, "link.pt") })).toMatchObject({ sha256: sha256("weights") });
  });

  it("takes the file again when it was written to while it was being read", async () => {
    await aSource("epoch 1");
    let looks = 0;
    const clock = aClock(() => {
      if (looks++ === 0) writeFileSync(source, "epoch 2");
    });
    const pinned = (await pin({ clock })) as PinnedFile;
    expect(await readFile(pinned.path, "utf8")).toBe("epoch 2");
    expect(pinned.sha256).toBe(sha256("epoch 2"));
    expect(await readdir(directory)).toHaveLength(1);
    expect(clock.slept).toEqual([200]);
  });

  it("gives up on a file that changes through three attempts, and leaves nothing behind", async () => {
    await aSource("epoch 0");
    let looks = 0;
    const clock = aClock(() => writeFileSync(source, `epoch ${"!".repeat(++looks)}`));
    const error: unknown = await pin({ clock }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UploadError);
    expect(error).toMatchObject({ code: "FILE_CHANGED", retryable: false, message: expect.stringContaining(source) });
    expect(looks).toBe(3);
    expect(await readdir(directory)).toEqual([]);
  });

  it("notices another file under the same name, even of the same length and modification time", async () => {
    await aSource("epoch 1");
    let looks = 0;
    const clock = aClock(() => {
      if (looks++ > 0) return;
      writeFileSync(join(root, "next"), "epoch 2");
      utimesSync(join(root, "next"), new Date(0), new Date(0));
      renameSync(join(root, "next"), source);
    });
    expect(await pin({ clock })).toMatchObject({ sha256: sha256("epoch 2") });
    expect(looks).toBe(2);
  });

  it("waits until a write that follows at once would show in the file's times", async () => {
    await writeFile(source, "half");
    const clock = aClock();
    const frozen = Math.floor((await stat(source)).ctimeMs) + 2;
    const waiting: Clock = {
      ...clock,
      now: () => frozen,
      sleep: (ms) => {
        clock.slept.push(ms);
        writeFileSync(source, "full");
        return Promise.resolve();
      },
    };
    const pinned = (await pin({ clock: waiting })) as PinnedFile;
    // One wait, shorter than a clock tick, and no second attempt: what counts is what the file held after it.
    expect(clock.slept).toHaveLength(1);
    expect(clock.slept[0]).toBeLessThanOrEqual(20);
    expect(pinned.sha256).toBe(sha256("full"));
  });

  it.each([
    ["is missing", () => Promise.resolve(), /there is no such file \(ENOENT\)/],
    ["is empty", () => writeFile(source, ""), /is empty/],
    ["is a folder", () => mkdir(source), /is a folder/],
  ])("says as a value that the file %s", async (_what, prepare, reason) => {
    await prepare();
    expect(await pin()).toEqual({ rejected: expect.stringMatching(reason) });
    expect(await pin({ pin: "none" })).toEqual({ rejected: expect.stringMatching(reason) });
  });

  it("says as a value that its own folder cannot be written", async () => {
    await aSource("weights");
    await writeFile(directory, "a file where the folder should be");
    expect(await pin()).toEqual({ rejected: expect.stringMatching(/cannot be taken in: .* at .*pins/) });
  });

  it("says as a value that it is no regular file", async () => {
    expect(await pin({ source: "/dev/null" })).toEqual({ rejected: "/dev/null is not a regular file." });
  });

  it("stops with the signal's own reason and leaves nothing behind", async () => {
    await aSource(Buffer.alloc(4 * 1024 * 1024));
    const controller = new AbortController();
    const reason = new Error("the job was stopped");
    const clock = aClock(() => controller.abort(reason));
    await expect(pin({ clock, signal: controller.signal })).rejects.toBe(reason);
    expect(await readdir(directory)).toEqual([]);
    await expect(pin({ signal: controller.signal })).rejects.toBe(reason);
  });

  it("lets the event loop turn while it copies", async () => {
    await aSource(Buffer.alloc(32 * 1024 * 1024));
    let turns = 0;
    const turning = setInterval(() => turns++, 0);
    await pin();
    clearInterval(turning);
    // 64 slices, each read and written by another thread.
    expect(turns).toBeGreaterThan(10);
  });
});

describe("a file that is overwritten while its bytes are being read", () => {
  const old = Buffer.alloc(2 * 1024 * 1024, "epoch 1 ");
  const fresh = Buffer.alloc(2 * 1024 * 1024, "epoch 2 ");

  /** A signal that calls back when it is looked at for the second time: between two slices of the file. */
  function signalBetweenSlices(act: () => void): AbortSignal {
    const { signal } = new AbortController();
    let looks = 0;
    return Object.assign(signal, {
      throwIfAborted: () => {
        if (++looks === 4) act();
      },
    });
  }

  it.each(["copy", "none"] as const)("is never taken half and half (%s)", async (how) => {
    await aSource(old);
    const clock = aClock();
    const pinned = await pin({ pin: how, clock, signal: signalBetweenSlices(() => writeFileSync(source, fresh)) });
    expect(pinned).toMatchObject({ sizeBytes: fresh.length, sha256: sha256(fresh) });
    // The first attempt was given up, not the change overlooked.
    expect(clock.slept).toEqual([200]);
  });
});

describe("pinFile without a copy", () => {
  it("hashes the file where it is", async () => {
    await aSource("weights");
    expect(await pin({ pin: "none" })).toEqual({ path: source, pinned: false, sizeBytes: 7, sha256: sha256("weights") });
    await expect(readdir(directory)).rejects.toThrow("ENOENT");
  });

  it("reads again what was written to meanwhile", async () => {
    await aSource("epoch 1");
    let looks = 0;
    const clock = aClock(() => {
      if (looks++ === 0) writeFileSync(source, "epoch 2");
    });
    expect(await pin({ pin: "none", clock })).toMatchObject({ sha256: sha256("epoch 2") });
  });

  it("notices a file that became shorter", async () => {
    await aSource("epoch 10");
    let looks = 0;
    const clock = aClock(() => {
      if (looks++ === 0) truncateSync(source, 5);
    });
    const pinned = await pin({ pin: "none", clock });
    expect(pinned).toMatchObject({ sizeBytes: 5, sha256: sha256("epoch") });
  });
});

describe("pinBytes", () => {
  it("keeps the bytes as they were at the call", async () => {
    const content = Buffer.from("confusion matrix");
    const taking = pinBytes({ content, fileName: "matrix.json", directory });
    content.fill("x");
    const pinned = (await taking) as PinnedFile;
    expect(pinned).toEqual({ path: expect.stringMatching(/\.json$/), pinned: true, sizeBytes: 16, sha256: sha256("confusion matrix") });
    expect(await readFile(pinned.path, "utf8")).toBe("confusion matrix");
  });

  it("keeps nothing at all as well", async () => {
    expect(await pinBytes({ content: new Uint8Array(), fileName: "none", directory })).toMatchObject({ sizeBytes: 0, sha256: sha256("") });
  });

  it("says as a value that the folder cannot be written", async () => {
    await writeFile(directory, "");
    expect(await pinBytes({ content: Buffer.from("x"), fileName: "a.txt", directory })).toEqual({
      rejected: expect.stringMatching(/^a\.txt cannot be kept/),
    });
  });
});
