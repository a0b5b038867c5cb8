/**
 * A trainer for the tests of the activities, made as a user makes one. Says in `LEDGER` what it does, by its number. Holds
 * at epoch `HOLD_AT` until `GATE` is there. `END`: `complete`, `crash:<code>`, `reportFailed`, `oom`, `kill:<signal>`.
 * `oom@1` for the first trainer alone. `hoard:<MiB>`: takes so much memory after its epochs; `hoard:<MiB>/<fence>` also
 * keeps it until it is killed, if it is the trainer of that number, and completes if not.
 * `DEAF`: goes on when it is told to stop.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TrainerSDK } from "../../../src/index.js";

const { LEDGER = "", GATE = "", END = "complete", EPOCHS = "3", HOLD_AT = "", DEAF = "", FILES = "", MEMORY_EVENTS = "" } = process.env;
const fence = process.env["TRAINER_FENCE"] ?? "-";
const note = (words: string): void => {
  appendFileSync(LEDGER, `${fence} ${words} ${String(process.pid)}\n`);
};
const sdk = await TrainerSDK.init({ batchAgeMs: 10, stopPollIntervalMs: 100 });
if (DEAF === "") sdk.stopOnSignals({ deadlineMs: 10_000, graceMs: 5_000, exit: true });
else process.on("SIGTERM", () => undefined);
note("began");
await sdk.reportStarted({ totalEpochs: Number(EPOCHS) });
const mayGoOn = (): boolean => sdk.signal.aborted && DEAF === "";
for (let epoch = (sdk.resume?.epoch ?? 0) + 1; epoch <= Number(EPOCHS) && !mayGoOn(); epoch++) {
  await sdk.reportProgress({ epoch, totalEpochs: Number(EPOCHS), metrics: { train_loss: 1 / epoch } });
  const file = path.join(FILES, `weights-${fence}.pt`);
  await writeFile(file, `weights of epoch ${String(epoch)}`);
  await sdk.uploadCheckpoint(file, { type: "last", epoch });
  console.log(`epoch ${String(epoch)} is done`);
  note(`epoch:${String(epoch)}`);
  if (String(epoch) === HOLD_AT) while (!existsSync(GATE) && !mayGoOn()) await sleep(20);
}
// An end with a number happens to the trainer of that number alone: `oom@1`.
const [what = "", only] = END.split("@");
const [kind, argument = ""] = only === undefined || only === fence ? what.split(":") : ["complete"];
if (kind === "hoard") {
  const [mebibytes, doomed] = argument.split("/");
  const hoard = Array.from({ length: Number(mebibytes) }, () => Buffer.alloc(1024 * 1024, 1));
  note(`hoarded-${String(hoard.length)}`);
  while (doomed === fence) await sleep(1_000, hoard);
}
if (mayGoOn()) {
  await sdk.reportStopped((sdk.signal.reason as Error).message);
  note("stopped");
} else if (kind === "complete" || kind === "hoard") {
  await sdk.reportCompleted({ finalMetrics: { train_loss: 1 / Number(EPOCHS) } });
  note("completed");
} else if (kind === "reportFailed") {
  await sdk.reportFailed(new Error(process.env["WORDS"] ?? "the loss ran away"));
  note("failed");
  process.exitCode = 1;
} else if (kind === "crash") {
  console.error("a wild pointer appeared");
  await sdk.flush();
  process.exit(Number(argument));
} else if (kind === "kill") {
  process.kill(process.pid, argument);
} else if (kind === "oom") {
  const count = Number(/^oom_kill (\d+)$/m.exec(readFileSync(MEMORY_EVENTS, "utf8"))?.[1]);
  writeFileSync(MEMORY_EVENTS, `low 0\noom 1\noom_kill ${String(count + 1)}\n`);
  process.kill(process.pid, "SIGKILL");
}
await sdk.close({ deadlineMs: 2_000 });
