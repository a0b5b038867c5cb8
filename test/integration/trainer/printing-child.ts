/** A trainer for console-capture.test.ts: prints as programs do, with the capture on, a logger that prints, and an end. */
import { TrainerSDK } from "../../../src/index.js";

const print = (message: string): void => {
  console.log(`sdk: ${message}`);
};
const sdk = await TrainerSDK.init({
  batchAgeMs: 10,
  captureConsole: { gatherMs: 20 },
  logger: { debug: print, info: print, warn: print, error: print },
});
console.log("before the first word");
await sdk.reportProgress({ epoch: -1 });
await sdk.reportProgress({ epoch: 1, metrics: { loss: 0.5 } });
console.error("a complaint");
for (let percent = 0; percent <= 100; percent++) process.stdout.write(`\r${String(percent)}%`);
process.stdout.write("\nthe last line");
const [ending] = process.argv.slice(2);
if (ending === "completed") await sdk.reportCompleted();
process.stdout.write(" ends\nafter the end\n");
await sdk.close();
console.log("after close");
