/** A checkpoint to S3 on loopback: from pinned to verified, the digest included, beside other uploaders in turns. */
import { randomFillSync } from "node:crypto";
import { open } from "node:fs/promises";
import path from "node:path";
import { installedUploaders } from "../peers/uploaders.ts";
import { loopFigures } from "../loop-figures.ts";
import type { LoopFigures } from "../programs/loop-watch.ts";
import { aim, floor, type Figure, type Row } from "../row.ts";
import { startS3 } from "../s3-server.ts";
import { median } from "../statistics.ts";

interface Upload {
  readonly pinSeconds: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly grownBytes: number;
  readonly loop: LoopFigures;
}

const MIB = 1024 * 1024;

export const checkpoint: Row = {
  name: "checkpoint",
  title: "checkpoint to S3 on loopback: from pinned to verified, digest included; pinning apart",
  async measure({ workplace, quick, progress }) {
    const [sizeMib, rounds] = quick ? [128, 1] : [512, 5];
    const s3 = await startS3(workplace);
    if (s3 === undefined)
      return [{ what: "MB/s", value: undefined, unit: "MB/s", bars: [floor("above", 10)], note: "there is no S3 server" }];
    const clearml = await workplace.clearml();
    try {
      const file = await randomFile(path.join(await workplace.freshFolder("file"), "weights.bin"), sizeMib);
      const uploaders = await installedUploaders(workplace, s3, clearml.env);
      const ours: Upload[] = [];
      const theirs = new Map(uploaders.map(({ name }) => [name, [] as number[]]));
      for (let round = 1; round <= rounds; round++) {
        progress(`round ${String(round)} of ${String(rounds)}, ${String(sizeMib)} MiB`);
        ours.push(
          await workplace.program<Upload>("upload", { file, storage: s3.uri, journalDir: await workplace.freshFolder("journal") }, s3.env),
        );
        await s3.empty();
        for (const { name, upload } of uploaders) {
          theirs.get(name)?.push(await upload(file, `other-${String(round)}.bin`));
          await s3.empty();
        }
      }
      const rate = (seconds: readonly number[]): number => (sizeMib * MIB) / 1e6 / median(seconds);
      const own = rate(ours.map(({ seconds }) => seconds));
      const bars = uploaders.filter(({ isBar }) => isBar).map(({ name }) => ({ name, rate: rate(theirs.get(name) ?? []) }));
      const fastest = bars.toSorted((one, other) => other.rate - one.rate)[0];
      const middle = (of: (upload: Upload) => number): number => median(ours.map(of));
      return [
        {
          what: "ours, pinned to verified",
          value: own,
          unit: "MB/s",
          bars: [floor("above", 10)],
          note: `${String(sizeMib)} MiB, median of ${String(rounds)}`,
        },
        ...uploaders.map(({ name }): Figure => ({ what: name, value: rate(theirs.get(name) ?? []), unit: "MB/s", bars: [] })),
        {
          what: "ours / the fastest",
          value: fastest && own / fastest.rate,
          unit: "x",
          bars: [aim("at least", 0.9)],
          note: fastest?.name ?? "no other uploader is installed",
        },
        {
          what: "pinning",
          value: rate(ours.map(({ pinSeconds }) => pinSeconds)),
          unit: "MB/s",
          bars: [],
          note: "copy and digest; the training waits for this alone",
        },
        {
          what: "memory above base",
          value: Math.max(...ours.map(({ grownBytes }) => grownBytes)) / MIB,
          unit: "MiB",
          bars: [aim("at most", 100)],
          note: "most of all rounds",
        },
        {
          what: "CPU a GB, pinning included",
          value: (middle(({ cpuSeconds }) => cpuSeconds) * 1e9) / (sizeMib * MIB),
          unit: "s",
          bars: [],
        },
        ...loopFigures("upload", {
          ownMaxMs: middle(({ loop }) => loop.ownMaxMs),
          ownStalls: Math.max(...ours.map(({ loop }) => loop.ownStalls)),
          collectorMaxMs: middle(({ loop }) => loop.collectorMaxMs),
          wallP99Ms: middle(({ loop }) => loop.wallP99Ms),
          wallMaxMs: middle(({ loop }) => loop.wallMaxMs),
        }),
      ];
    } finally {
      await Promise.all([s3.stop(), clearml.stop()]);
    }
  },
};

/** Bytes that nothing on the way can compress. */
async function randomFile(file: string, sizeMib: number): Promise<string> {
  const handle = await open(file, "w");
  const chunk = Buffer.alloc(MIB);
  for (let at = 0; at < sizeMib; at++) await handle.write(randomFillSync(chunk));
  await handle.sync();
  await handle.close();
  return file;
}
