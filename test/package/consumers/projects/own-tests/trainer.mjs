// The code under test: a trainer as a user writes it.
import { TrainerSDK } from "trainer-sdk";

export async function train(options) {
  const sdk = await TrainerSDK.init(options);
  for (let epoch = 1; epoch <= 2 && !sdk.signal.aborted; epoch++) {
    sdk.reportProgress({ epoch, totalEpochs: 2, metrics: { train_loss: 1 / epoch } });
  }
  await sdk.uploadCheckpoint(new URL("./weights.bin", import.meta.url).pathname, { type: "best", epoch: 2, isBest: true });
  await sdk.reportCompleted();
  return sdk.close({ deadlineMs: 20_000 });
}
