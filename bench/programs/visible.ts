/** From a call of `reportScalar` with default settings to the first read that returns the point. Reads all the time. */
import { setTimeout as sleep } from "node:timers/promises";
import { TrainerSDK } from "trainer-sdk";
import { createClearML } from "trainer-sdk/clearml";
import { answer, input } from "./input.ts";

const READ_EVERY_MS = 10;

const { points, everyMs, journalDir } = input<{ points: number; everyMs: number; journalDir: string }>();
const sdk = await TrainerSDK.init({ jobId: "visible", journalDir });
const bound = await sdk.currentTask().bound();
if (bound === undefined) throw new Error("there is no task");
await using reader = createClearML();

const saidAt = new Map<number, number>();
const seenMs: number[] = [];

async function read(): Promise<void> {
  for await (const { iteration } of reader.events.iterateScalars({ task: bound?.id ?? "", metric: "chart", variants: ["line"] })) {
    const at = saidAt.get(iteration);
    if (at === undefined) continue;
    saidAt.delete(iteration);
    seenMs.push(performance.now() - at);
  }
}

const over = new AbortController();
const reading = (async () => {
  while (!over.signal.aborted || saidAt.size > 0) {
    await read();
    await sleep(READ_EVERY_MS);
  }
})();
for (let iteration = 1; iteration <= points; iteration++) {
  saidAt.set(iteration, performance.now());
  void sdk.currentTask().logger.reportScalar({ title: "chart", series: "line", value: iteration, iteration });
  // No multiple of the batch's age, so that points fall anywhere within it.
  await sleep(everyMs);
}
over.abort();
await reading;
answer({ seenMs });
await sdk.close();
