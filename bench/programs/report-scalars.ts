/** Our side of the same points: `reportScalar` for each, then `flush`. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { TrainerSDK } from "trainer-sdk";
import { percentile } from "../statistics.ts";
import { answer, input } from "./input.ts";

const { points, series, journalDir } = input<{ points: number; series: number; journalDir: string }>();
const sdk = await TrainerSDK.init({ jobId: "scalars", journalDir });
const { logger } = sdk.currentTask();
await logger.reportScalar({ title: "warm", series: "up", value: 1, iteration: 0 });
await sdk.flush();

const callsMs: number[] = [];
const cpu = process.cpuUsage();
const startedAt = performance.now();
for (let at = 0; at < points; at++) {
  const enteredAt = performance.now();
  void logger.reportScalar({
    title: "chart",
    series: `line ${String(at % series)}`,
    value: at / points,
    iteration: Math.floor(at / series),
  });
  callsMs.push(performance.now() - enteredAt);
  // A step is over: the loop goes round once, as in any training that awaits something.
  if (at % series === series - 1) await nextTurn();
}
const loopMs = performance.now() - startedAt;
const receipt = await sdk.flush();
const wholeMs = performance.now() - startedAt;
const used = process.cpuUsage(cpu);
answer({
  taskId: sdk.currentTask().id,
  complete: receipt.complete,
  callSeconds: callsMs.reduce((sum, value) => sum + value, 0) / 1000,
  callP50Us: percentile(callsMs, 0.5) * 1000,
  callP99Us: percentile(callsMs, 0.99) * 1000,
  callMaxUs: percentile(callsMs, 1) * 1000,
  loopSeconds: loopMs / 1000,
  wholeSeconds: wholeMs / 1000,
  cpuSeconds: (used.user + used.system) / 1e6,
});
await sdk.close();
