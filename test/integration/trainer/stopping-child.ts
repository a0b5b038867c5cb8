/** A trainer for stop-on-signals.test.ts: reports, says that it runs, and goes on until it is told to stop, or for ever. */
import { writeFile } from "node:fs/promises";
import { TrainerSDK } from "../../../src/index.js";

const { MODE = "deaf", WEIGHTS = "" } = process.env;
const sdk = await TrainerSDK.init({ batchAgeMs: 10 });
sdk.stopOnSignals({ deadlineMs: 3_000, graceMs: MODE === "deaf" ? 200 : 1_500, exit: MODE !== "returns" });
await sdk.reportProgress({ epoch: 4, iteration: 400, metrics: { loss: 0.5 } });
await writeFile(WEIGHTS, "weights of epoch 4");
await sdk.uploadCheckpoint(WEIGHTS, { type: "last", epoch: 4 });
console.log("running");

// A hold on the process, as a training has one.
const hold = setInterval(() => undefined, 1_000);
if (MODE !== "deaf") {
  await new Promise((resolve) => {
    sdk.signal.addEventListener("abort", resolve, { once: true });
  });
  await sdk.log("info", `told to stop: ${(sdk.signal.reason as Error).message}`);
  await sdk.reportStopped("the loop saw it");
  if (MODE === "returns") {
    await sdk.close();
    console.log("closed by itself", process.listenerCount("SIGTERM"));
    clearInterval(hold);
  }
}
