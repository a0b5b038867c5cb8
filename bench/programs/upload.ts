/** One checkpoint to S3 through `uploadCheckpoint`: pinning apart, then from pinned to verified; memory above the base. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { TrainerSDK } from "trainer-sdk";
import { answer, input } from "./input.ts";
import { LoopWatch } from "./loop-watch.ts";

const { file, storage, journalDir } = input<{ file: string; storage: string; journalDir: string }>();
const sdk = await TrainerSDK.init({ jobId: "upload", journalDir, storage, sinks: [] });

// The base holds what any upload loads.
const small = path.join(journalDir, "small.bin");
await writeFile(small, "warm");
const warm = await sdk.uploadCheckpoint(small, { type: "warm" });
const warmed = await warm.delivered;
if (warmed.status !== "delivered") throw new Error(`the first upload ended ${JSON.stringify([warm, warmed, sdk.stats()])}`);
globalThis.gc?.();
const baseBytes = process.memoryUsage.rss();
let mostBytes = baseBytes;
const sampler = setInterval(() => (mostBytes = Math.max(mostBytes, process.memoryUsage.rss())), 10);
const loop = new LoopWatch();
loop.start();
const cpu = process.cpuUsage();
const startedAt = performance.now();
const receipt = await sdk.uploadCheckpoint(file, { type: "last", epoch: 1 });
const pinnedAt = performance.now();
const outcome = await receipt.delivered;
const verifiedAt = performance.now();
const used = process.cpuUsage(cpu);
const loopFigures = loop.stop();
clearInterval(sampler);
if (outcome.status !== "delivered") throw new Error(`the upload ended ${JSON.stringify([receipt, outcome])}`);
answer({
  pinSeconds: (pinnedAt - startedAt) / 1000,
  seconds: (verifiedAt - pinnedAt) / 1000,
  cpuSeconds: (used.user + used.system) / 1e6,
  grownBytes: mostBytes - baseBytes,
  loop: loopFigures,
});
await sdk.close();
