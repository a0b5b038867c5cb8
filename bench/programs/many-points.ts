/**
 * As many points as one process can say: `metrics` in each call, until the receipt says that all are delivered. Samples
 * memory, the journal's size and the event loop's delay. Waits for the journal when it is far ahead, as a training would
 * not have to.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { TrainerSDK } from "trainer-sdk";
import { answer, input } from "./input.ts";
import { LoopWatch } from "./loop-watch.ts";

/** Calls between two turns of the event loop: well under a millisecond of work. */
const CALLS_A_TURN = 20;
const MAX_PENDING_RECORDS = 20_000;
const SAMPLE_MS = 500;

const { points, metrics, journalDir, single } = input<{ points: number; metrics: number; journalDir: string; single: boolean }>();
const sdk = await TrainerSDK.init({ jobId: "many-points", journalDir });
const { logger } = sdk.currentTask();

function say(step: number): Promise<unknown> {
  if (single)
    return logger.reportScalar({ title: "chart", series: `line ${String(step % 10)}`, value: step, iteration: Math.floor(step / 10) });
  const values: Record<string, number> = {};
  for (let at = 0; at < metrics; at++) values[names[at] ?? ""] = step / (at + 1);
  return sdk.reportProgress({ iteration: step, metrics: values });
}
const names = Array.from({ length: metrics }, (_, at) => `train_metric${String(at)}`);

await say(0);
await sdk.flush();
const samples: { atMs: number; rssBytes: number; heapBytes: number; journalBytes: number; pending: number }[] = [];
const loop = new LoopWatch();
loop.start();
const cpu = process.cpuUsage();
const startedAt = performance.now();
let sampledAt = Number.NEGATIVE_INFINITY;

function pending(): number {
  return sdk.stats().outbox?.sinks["clearml"]?.pending ?? 0;
}
function sample(): void {
  const now = performance.now();
  if (now - sampledAt < SAMPLE_MS) return;
  sampledAt = now;
  const { rss, heapUsed } = process.memoryUsage();
  samples.push({
    atMs: now - startedAt,
    rssBytes: rss,
    heapBytes: heapUsed,
    journalBytes: sdk.stats().outbox?.journal.bytes ?? 0,
    pending: pending(),
  });
}

const steps = Math.ceil(points / (single ? 1 : metrics));
let last: Promise<unknown> = Promise.resolve();
for (let step = 1; step <= steps; step++) {
  last = say(step);
  if (step % CALLS_A_TURN !== 0) continue;
  await nextTurn();
  if (step % (CALLS_A_TURN * 25) !== 0) continue;
  await last;
  sample();
  while (pending() > MAX_PENDING_RECORDS) {
    await sleep(2);
    sample();
  }
}
await last;
const saidMs = performance.now() - startedAt;
const receipt = await sdk.flush({ deadlineMs: 600_000 });
const wholeMs = performance.now() - startedAt;
const loopFigures = loop.stop();
const used = process.cpuUsage(cpu);
const { losses } = sdk.stats().outbox ?? { losses: {} };
answer({
  points: steps * (single ? 1 : metrics),
  complete: receipt.complete,
  losses,
  saidSeconds: saidMs / 1000,
  wholeSeconds: wholeMs / 1000,
  cpuSeconds: (used.user + used.system) / 1e6,
  samples,
  loop: loopFigures,
});
await sdk.close();
