/** A process that fetches a data set, says so, and holds it until its input ends: something to race with and to kill. */
import { downloadDataset } from "../../../../src/trainer/downloads.js";

const { uri, cacheDir, to } = JSON.parse(process.argv[2] ?? "{}") as { uri: string; cacheDir?: string; to?: string };
let told = false;
const set = await downloadDataset(uri, {
  ...(cacheDir === undefined ? {} : { cacheDir }),
  ...(to === undefined ? {} : { to }),
  parallel: 2,
  onProgress: ({ receivedBytes }) => {
    if (told || receivedBytes === 0) return;
    told = true;
    console.log("begun");
  },
});
console.log(`done ${JSON.stringify({ path: set.path, fetchedBytes: set.fetchedBytes })}`);
process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
