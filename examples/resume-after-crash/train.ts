/**
 * A trainer that can be killed at any moment and started again. Its state is a file that it replaces by a rename, after the
 * epoch was reported: a kill before the rename makes the next start tell that epoch again, which overwrites its points.
 * With `CRASH_IN_EPOCH` it kills itself in that epoch, at the worst place, the way the kernel does when memory runs out.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { TrainerSDK } from "trainer-sdk";

const EPOCHS = 10;
const workFolder = process.env["WORK_DIR"] ?? ".";
const stateFile = path.join(workFolder, "last.json");
const nextFile = path.join(workFolder, "next.json");

interface State {
  readonly epoch: number;
  readonly weight: number;
}

async function readState(): Promise<State> {
  return readFile(stateFile, "utf8").then(
    (text) => JSON.parse(text) as State,
    () => ({ epoch: 0, weight: 1 }),
  );
}

const sdk = await TrainerSDK.init({ logger: console });
let state = await readState();
console.log(`going on after epoch ${String(state.epoch)}`);
if (state.epoch === 0) await sdk.reportStarted({ totalEpochs: EPOCHS });

while (state.epoch < EPOCHS) {
  state = { epoch: state.epoch + 1, weight: state.weight / 2 };
  const { epoch, weight } = state;
  await writeFile(nextFile, JSON.stringify(state));
  // Awaited: both are on the disk before the program says that this epoch is behind it.
  await sdk.reportProgress({ epoch, totalEpochs: EPOCHS, metrics: { train_loss: weight } });
  await sdk.uploadCheckpoint(nextFile, { type: "last", epoch });
  if (String(epoch) === process.env["CRASH_IN_EPOCH"]) process.kill(process.pid, "SIGKILL");
  await rename(nextFile, stateFile);
}
await sdk.reportCompleted({ finalMetrics: { loss: state.weight } });
const { complete } = await sdk.close();
if (!complete) throw new Error("Not everything was delivered. Start this program again, or see trainer-sdk sync.");
