/** A copy that is given up, half read or damaged: none of it stays open, for a migration goes on with thousands of others. */
import { mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CopyCursor } from "../../../src/migrate/copied-points.js";
import { readRunCopy, RunCopyWriter } from "../../../src/migrate/run-copy.js";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "run-copy-"));
  path = join(folder, "copy");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Handles of this process on files of the folder. */
async function openHandles(): Promise<readonly string[]> {
  const handles = await readdir("/proc/self/fd");
  const targets = await Promise.all(handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => "")));
  return targets.filter((target) => target.startsWith(folder));
}

/** More than a stream reads ahead, and nothing that gets smaller. */
function longCopy(): Buffer {
  let text = '{"kind":"run","version":1,"source":{},"experiment":{},"run":{}}\n';
  for (let n = 0; n < 60_000; n++) text += `{"kind":"points","key":"loss","points":[[${String(n)},${String(n)},${String(Math.sin(n))}]]}\n`;
  return gzipSync(text);
}

describe.runIf(process.platform === "linux")("a copy of a run", () => {
  it("that is given up while it is written leaves no handle open", async () => {
    const writer = new RunCopyWriter(path);
    await writer.points("loss", [{ timestamp: 1, step: 1, value: 1 }]);
    await writer.destroy();
    expect(await openHandles()).toEqual([]);
  });

  it("that is put away before its end leaves no handle open", async () => {
    await writeFile(path, longCopy());
    {
      await using cursor = new CopyCursor(path);
      expect(await cursor.take("run")).toMatchObject({ kind: "run" });
    }
    expect(await openHandles()).toEqual([]);
  });

  it.each([
    ["damaged in its middle", (whole: Buffer) => Buffer.concat([whole.subarray(0, 5000), Buffer.alloc(5000, 7), whole.subarray(10_000)])],
    ["of a newer version", () => gzipSync(`{"kind":"run","version":2}\n${"{}\n".repeat(1_000_000)}`, { level: 0 })],
  ])("that is %s is told of, and leaves no handle open", async (_, make) => {
    await writeFile(path, make(longCopy()));
    const read = async (): Promise<void> => {
      for await (const line of readRunCopy(path)) expect(line.kind).toMatch(/run|points/);
    };
    await expect(read()).rejects.toThrow(/cannot be read|use a newer trainer-sdk/);
    expect(await openHandles()).toEqual([]);
  });

  it("that is not there is told of", async () => {
    await expect(readRunCopy(path).next()).rejects.toThrow(/The copy of a run at .*copy cannot be read/);
  });
});
