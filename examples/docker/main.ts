/**
 * The trainer in the image. On SIGTERM it saves its state, tells that it was stopped, and ends with 143 within the notice; the
 * next container of the job, on the same journal, goes on from the last checkpoint that was stored.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as computing } from "node:timers/promises";
import { TrainerSDK } from "trainer-sdk";

interface State {
  readonly epoch: number;
  readonly weight: number;
}

const workFolder = process.env["WORK_DIR"] ?? ".";
const stateFile = path.join(workFolder, "state.json");

const sdk = await TrainerSDK.init({ logger: console });
// Docker waits 10 s before it kills, Kubernetes 30: name what yours gives, less a moment for the container itself.
sdk.stopOnSignals({ deadlineMs: Number(process.env["STOP_DEADLINE_MS"] ?? 8_000), exit: true });

const epochs = Number(sdk.config["epochs"] ?? 100);
let state: State = { epoch: 0, weight: 1 };
if (sdk.resume?.checkpoints["last"]?.stored === true) {
  const { path: file } = await sdk.downloadCheckpoint({ type: "last" }, { to: path.join(workFolder, "earlier.json"), replace: true });
  state = JSON.parse(await readFile(file, "utf8")) as State;
}
console.log(`going on after epoch ${String(state.epoch)}`);

await sdk.reportStarted({ totalEpochs: epochs });
while (state.epoch < epochs && !sdk.signal.aborted) {
  await computing(50);
  state = { epoch: state.epoch + 1, weight: state.weight * 0.9 };
  const { epoch, weight } = state;
  await sdk.reportProgress({ epoch, totalEpochs: epochs, metrics: { train_loss: weight } });
  await writeFile(stateFile, JSON.stringify(state));
  await sdk.uploadCheckpoint(stateFile, { type: "last", epoch });
  console.log(`epoch ${String(epoch)}`);
}
if (sdk.signal.aborted) {
  await sdk.reportStopped("the container was asked to go");
} else {
  await sdk.reportCompleted({ finalMetrics: { loss: state.weight } });
}
await sdk.close();
