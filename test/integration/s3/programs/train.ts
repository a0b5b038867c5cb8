/**
 * A trainer with nothing to do but to hand files over, through the package's public entry. Says on its output what
 * becomes of them, a JSON line each; ends with what it cost the thread that would train.
 */
import { TrainerSDK } from "trainer-sdk";

interface Order {
  readonly journalDir: string;
  readonly storage: string;
  readonly files: readonly { readonly path: string; readonly type: string; readonly epoch: number; readonly pin?: "copy" | "none" }[];
}

const order = JSON.parse(process.argv[2] ?? "{}") as Order;
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const sdk = await TrainerSDK.init({ jobId: "7", journalDir: order.journalDir, storage: order.storage, sinks: [] });
sdk.on("uploadProgress", (progress) => tell({ progress }));
await new Promise((resolve) => setTimeout(resolve, 500));
const cost = startMeasuring();
const uploads = [];
for (const { path, type, epoch, pin = "copy" } of order.files) {
  const receipt = await sdk.uploadCheckpoint(path, { type, epoch, pin });
  tell({ type, epoch, status: receipt.status, ...("file" in receipt ? { file: receipt.file } : {}) });
  uploads.push(receipt.delivered.then((outcome) => tell({ type, epoch, outcome: outcome.status })));
}
await Promise.all(uploads);
const flushed = await sdk.flush({ deadlineMs: 120_000 });
tell({ flushed: flushed.complete, uploads: sdk.stats().outbox?.uploads, ...cost() });
await sdk.close({ deadlineMs: 1_000 });

/** Memory above the start, and the most CPU time that went by between two turns of the event loop: waiting for a busy machine is not counted. */
function startMeasuring(): () => { readonly grownBytes: number; readonly longestTurnMs: number } {
  globalThis.gc?.();
  const base = process.memoryUsage.rss();
  let most = base;
  let longest = 0;
  let last = process.threadCpuUsage();
  const timer = setInterval(() => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, now.user + now.system - last.user - last.system);
    most = Math.max(most, process.memoryUsage.rss());
    last = process.threadCpuUsage();
  }, 1);
  return () => {
    clearInterval(timer);
    return { grownBytes: most - base, longestTurnMs: longest / 1000 };
  };
}
