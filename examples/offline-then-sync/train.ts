/** A trainer on a machine that reaches no ClearML: `run.ts` starts it with `CLEARML_OFFLINE_MODE`. It knows nothing of that. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { TrainerSDK } from "trainer-sdk";

const EPOCHS = 5;
const sdk = await TrainerSDK.init({ logger: console });
await sdk.reportStarted({ totalEpochs: EPOCHS });
for (let epoch = 1; epoch <= EPOCHS; epoch++) {
  await sdk.reportProgress({ epoch, totalEpochs: EPOCHS, metrics: { train_loss: 1 / epoch } });
  await sdk.log("info", `epoch ${String(epoch)} of ${String(EPOCHS)}`);
}
const weights = path.join(process.env["WORK_DIR"] ?? ".", "best.json");
await writeFile(weights, JSON.stringify({ weight: 1 / EPOCHS }));
await sdk.uploadCheckpoint(weights, { type: "best", epoch: EPOCHS, isBest: true });
await sdk.reportCompleted({ finalMetrics: { loss: 1 / EPOCHS } });
// Offline nothing can be delivered: that `complete` is false is no failure here.
await sdk.close();
