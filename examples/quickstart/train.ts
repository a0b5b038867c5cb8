/**
 * The smallest trainer that is whole: gradient descent on a line, told through the SDK. Everything about where it reports to
 * comes from the environment, so this file is the same on a laptop and in a cluster.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { TrainerSDK } from "trainer-sdk";

const EPOCHS = 20;
const POINTS = Array.from({ length: 100 }, (_, index) => ({ x: index / 100, y: 3 * (index / 100) + 0.5 }));

const weightsFile = path.resolve(process.env["WORK_DIR"] ?? ".", "line.json");
const sdk = await TrainerSDK.init({ logger: console });
let slope = 0;
let offset = 0;

await sdk.reportStarted({ totalEpochs: EPOCHS });
for (let epoch = 1; epoch <= EPOCHS && !sdk.signal.aborted; epoch++) {
  let loss = 0;
  for (const { x, y } of POINTS) {
    const error = slope * x + offset - y;
    slope -= 0.05 * error * x;
    offset -= 0.05 * error;
    loss += (error * error) / POINTS.length;
  }
  // Not awaited: the call costs microseconds and its promise never rejects.
  void sdk.reportProgress({ epoch, totalEpochs: EPOCHS, metrics: { train_loss: loss, "line/slope": slope, "line/offset": offset } });
  await writeFile(weightsFile, JSON.stringify({ slope, offset }));
  await sdk.uploadCheckpoint(weightsFile, { type: "last", epoch });
}
if (sdk.signal.aborted) {
  await sdk.reportStopped(String(sdk.signal.reason));
} else {
  await sdk.registerModel({ name: "line", path: weightsFile, framework: "JSON", epoch: EPOCHS });
  await sdk.reportCompleted({ finalMetrics: { slope, offset } });
}
const { complete, journalPath } = await sdk.close();
if (!complete) throw new Error(`Not everything was delivered. The rest waits in ${String(journalPath)}; see trainer-sdk sync.`);
