/**
 * A small trainer that does what it is told, a line of standard input at a time: `epoch 3`, `large 70`, `extras`, `flush`, `end`. After each
 * it says the line again, so whoever tells it knows what is durable.
 */
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { TrainerSDK } from "../../../../src/index.js";

const { FOLDER = "." } = process.env;
const sdk = await TrainerSDK.init({ batchAgeMs: 20 });
const task = sdk.currentTask();
console.log("ready");

for await (const line of createInterface({ input: process.stdin })) {
  const [what, number] = line.split(" ");
  if (what === "epoch") await epoch(Number(number));
  else if (what === "large") await large(Number(number));
  else if (what === "extras") await extras();
  else if (what === "flush") await sdk.flush();
  else if (what === "end") {
    await sdk.reportCompleted({ finalMetrics: { map: 0.9 }, results: { images: 3 } });
    console.log(`closed ${String((await sdk.close()).complete)}`);
    break;
  }
  console.log(line);
}

async function epoch(number: number): Promise<void> {
  const metrics = { train_loss: 1 / number, "val/größe": number === 2 ? Number.NaN : number, "map@50": number / 100 };
  await sdk.reportProgress({ epoch: number, totalEpochs: 100, metrics });
  await task.logger.reportScalar({ title: "lr", series: "group 0", value: 0.1 / number, iteration: number });
  if (number % 5 !== 0) return;
  const weights = `${FOLDER}/weights.pt`;
  await writeFile(weights, `weights of epoch ${String(number)}`);
  await sdk.uploadCheckpoint(weights, { type: "last", epoch: number });
}

/** A checkpoint of so many MiB, of which no two parts are alike. */
async function large(mebibytes: number): Promise<void> {
  const bytes = Buffer.alloc(mebibytes * 1024 ** 2);
  for (let at = 0; at < bytes.length; at += 4096) bytes.writeUInt32LE(at, at);
  await writeFile(`${FOLDER}/large.pt`, bytes);
  await sdk.uploadCheckpoint(`${FOLDER}/large.pt`, { type: "best", epoch: 1, isBest: true });
}

async function extras(): Promise<void> {
  await task.addTags("candidate", "team blue");
  await task.connectConfiguration({ layers: [1, 2, 3] }, { name: "net" });
  await task.uploadArtifact({ name: "labels", json: { cat: 0 } });
  const curve = {
    name: "a",
    data: [
      [0, 0],
      [1, 1],
    ],
  } as const;
  await task.logger.reportLine({ title: "roc", iteration: 1, series: [curve] });
  const pixels = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  await task.logger.reportImage({ title: "masks", series: "val", iteration: 12, content: pixels, fileName: "mask.png" });
}
