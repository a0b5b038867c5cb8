/**
 * What a call of `reportProgress` with 10 metrics costs its caller, one call a step as in a training loop: from the entry
 * to the return, and from the entry to the promise's resolution.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { TrainerSDK } from "trainer-sdk";
import { answer, input } from "./input.ts";
import { LoopWatch } from "./loop-watch.ts";

const WARM_UP_CALLS = 500;

const { calls, journalDir, pauseMs } = input<{ calls: number; journalDir: string; pauseMs: number }>();
const sdk = await TrainerSDK.init({ jobId: "verb-cost", journalDir });

function metricsAt(step: number): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (let at = 0; at < 10; at++) metrics[`train_metric${String(at)}`] = step / (at + 1);
  return metrics;
}

const returned: number[] = [];
const durable: number[] = [];
let volatile = 0;
const loop = new LoopWatch();
for (let step = 1; step <= WARM_UP_CALLS + calls; step++) {
  if (step === WARM_UP_CALLS + 1) loop.start();
  const metrics = metricsAt(step);
  const enteredAt = performance.now();
  const promise = sdk.reportProgress({ iteration: step, metrics });
  const tookMs = performance.now() - enteredAt;
  if (step > WARM_UP_CALLS) {
    returned.push(tookMs * 1000);
    void promise.then(({ status }) => {
      durable.push(performance.now() - enteredAt);
      if (status !== "durable") volatile++;
    });
  }
  await sleep(pauseMs);
}
await sleep(1000);
const loopFigures = loop.stop();

// The same calls back to back: what they cost while the processor's caches still hold what they need.
const backToBack: number[] = [];
for (let step = 1; step <= 2000; step++) {
  const metrics = metricsAt(WARM_UP_CALLS + calls + step);
  const enteredAt = performance.now();
  void sdk.reportProgress({ iteration: WARM_UP_CALLS + calls + step, metrics });
  backToBack.push((performance.now() - enteredAt) * 1000);
  if (step % 20 === 0) await nextTurn();
}
// The same pace with nothing but the record's text to make: what any code costs whose turn comes once in a while.
const textAlone: number[] = [];
for (let step = 1; step <= 1000; step++) {
  const metrics = metricsAt(step);
  const enteredAt = performance.now();
  JSON.stringify({ kind: "progress", iteration: step, metrics });
  textAlone.push((performance.now() - enteredAt) * 1000);
  await sleep(pauseMs);
}
answer({ textAloneUs: textAlone, backToBackUs: backToBack, returnedUs: returned, durableMs: durable, volatile, loop: loopFigures });
await sdk.close({ deadlineMs: 0 });
process.exit(0);
