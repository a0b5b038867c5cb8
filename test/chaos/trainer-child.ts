/**
 * The trainer: a real process with the SDK in it, which says all there is to say, writes each promise that was kept into
 * the ledger, and dies where it was told. Its disk and its clock are the bench's; everything else is as users have it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { join } from "node:path";
import { nodeDisk } from "../../src/outbox/disk.js";
import type { Receipt, UploadReceipt } from "../../src/trainer/receipt.js";
import { TrainerSDK } from "../../src/trainer/trainer-sdk.js";
import { bytesOf, digestOf, valueOf } from "./contents.ts";
import { fastClock } from "./fast-clock.ts";
import { killingDisk } from "./killing-disk.ts";
import { note, readLedger, saidIn, type Kind } from "./ledger.ts";
import { lossyDisk } from "./lossy-disk.ts";
import type { JobPlan, Start } from "./schedule.ts";

export interface TrainerOrders {
  readonly jobId: string;
  readonly ending: JobPlan["ending"];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly ledger: string;
  /**
   * `work`: steps until it is killed. `end`: some steps, files that nobody waits for, the end, and close. `deliver`: only
   * what the journal holds. `finish`: the end, when the job has none yet, and close.
   */
  readonly mode: "work" | "end" | "deliver" | "finish";
  readonly kill: Start["kill"] | undefined;
  readonly powerCut: boolean;
  readonly clockJumps: Start["clockJumps"];
}

const orders = JSON.parse(process.argv[2] ?? "") as TrainerOrders;
const { jobId, ledger, folder, kill } = orders;
/** Steps of one life, should nobody kill it. */
const MAX_STEPS = 400;
const CLOSE_REAL_MS = 40_000;

function strike(): never {
  note(ledger, { t: "strike", window: kill?.at ?? "" });
  process.kill(process.pid, "SIGKILL");
  // The signal is there before the call returns; this only tells the compiler.
  for (;;);
}

const clock = fastClock();
const under = orders.powerCut ? lossyDisk() : nodeDisk;
const disk = kill && kill.at !== "random" ? killingDisk(under, kill, strike) : under;
mkdirSync(folder, { recursive: true });
const sdk = await TrainerSDK.init({
  env: orders.env,
  journalDir: join(folder, "journal"),
  strict: true,
  clock,
  batchAgeMs: 300,
  stopPollIntervalMs: 2_000,
  journal: { disk, segmentBytes: 24 * 1024 },
});
const counts = new Map<Kind, number>();
for (const { kind, number } of saidIn(readLedger(ledger))) counts.set(kind, number);
for (const { afterMs, byMs } of orders.clockJumps)
  setTimeout(() => {
    clock.jump(byMs);
    note(ledger, { t: "jump", byMs });
  }, afterMs).unref();
process.send?.({ t: "ready" });

/** Makes a call and notes it before, and its promise after. */
async function say(kind: Kind, call: (number: number) => { value: unknown; made: () => Promise<Receipt | UploadReceipt> }): Promise<void> {
  const number = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, number);
  const { value, made } = call(number);
  note(ledger, { t: "call", kind, number, value });
  const receipt = await made();
  const file = "file" in receipt ? receipt.file : undefined;
  note(ledger, {
    t: "answer",
    kind,
    number,
    status: receipt.status,
    ...("id" in receipt ? { recordId: receipt.id, sequence: receipt.sequence } : {}),
    ...("reason" in receipt ? { reason: receipt.reason } : {}),
    ...(file ? { uri: file.uri, sha256: file.sha256 } : {}),
  });
}

const num = (name: string, number: number): number => valueOf(jobId, name, number);
const task = sdk.currentTask();

const started = (): Promise<void> =>
  say("started", () => ({ value: { totalEpochs: 100 }, made: () => sdk.reportStarted({ totalEpochs: 100 }) }));
const progress = (): Promise<void> =>
  say("progress", (number) => {
    const metrics = { train_loss: num("train_loss", number), "val/accuracy": num("val/accuracy", number) };
    return { value: metrics, made: () => sdk.reportProgress({ iteration: number, epoch: number, metrics }) };
  });
const validation = (): Promise<void> =>
  say("validation", (number) => {
    const metrics = { test_f1: num("test_f1", number) };
    return { value: metrics, made: () => sdk.reportValidation({ iteration: number, metrics }) };
  });
const scalar = (): Promise<void> =>
  say("scalar", (number) => {
    const value = num("lr", number);
    return { value, made: () => task.logger.reportScalar({ title: "lr", series: "group 0", value, iteration: number }) };
  });
const plot = (): Promise<void> =>
  say("plot", (number) => {
    const value = num("plot", number);
    return { value, made: () => task.logger.reportHistogram({ title: "bars", series: "values", values: [value], iteration: number }) };
  });
const sample = (): Promise<void> =>
  say("sample", (number) => {
    const content = bytesOf(jobId, "sample", number);
    return {
      value: { sha256: digestOf(content) },
      made: () => task.logger.reportImage({ title: "images", series: "seen", content, fileName: "seen.png", iteration: number }),
    };
  });
const log = (): Promise<void> =>
  say("log", (number) => {
    const message = `line ${String(number)} of ${jobId}: ${"x".repeat(number % 200)}`;
    return { value: message, made: () => sdk.log("info", message) };
  });
/** The same file each time, overwritten at once by something else after its promise: only the pinned bytes may arrive. */
const checkpoint = (type: "last" | "best"): Promise<void> => {
  const path = join(folder, `${type}.pt`);
  return say(`checkpoint-${type}`, (number) => {
    const bytes = bytesOf(jobId, type, number);
    writeFileSync(path, bytes);
    return {
      value: { sha256: digestOf(bytes) },
      made: async () => {
        const receipt = await sdk.uploadCheckpoint(path, { type, epoch: number, isBest: type === "best" });
        writeFileSync(path, "what must never arrive");
        return receipt;
      },
    };
  });
};
const model = (): Promise<void> =>
  say("model", (number) => {
    const bytes = bytesOf(jobId, "model", number);
    const path = join(folder, `model-${String(number)}.onnx`);
    writeFileSync(path, bytes);
    return {
      value: { name: `model-${String(number)}`, sha256: digestOf(bytes) },
      made: () => sdk.registerModel({ name: `model-${String(number)}`, path, framework: "ONNX" }),
    };
  });
const artifact = (): Promise<void> =>
  say("artifact", (number) => {
    const text = `artifact ${String(number)} of ${jobId} ${String(num("artifact", number))}`;
    return {
      value: { name: `artifact-${String(number)}`, sha256: digestOf(Buffer.from(text)) },
      made: () => task.uploadArtifact({ name: `artifact-${String(number)}`, text }),
    };
  });
const tags = (): Promise<void> =>
  say("tags", (number) => ({ value: `tag-${String(number)}`, made: () => task.addTags(`tag-${String(number)}`) }));
const hyperparameters = (): Promise<void> =>
  say("hyperparameters", (number) => {
    const value = num("hyperparameter", number);
    return { value, made: () => task.connect({ [`step-${String(number)}`]: value }, { section: "Chaos" }) };
  });
const configuration = (): Promise<void> =>
  say("configuration", (number) => {
    const value = `text ${String(num("configuration", number))}`;
    return { value, made: () => task.connectConfiguration(value, { name: `configuration-${String(number)}` }) };
  });

async function step(number: number): Promise<void> {
  const said = [progress(), scalar(), log()];
  if (number % 2 === 0) said.push(validation(), log());
  if (number % 4 === 1) said.push(checkpoint("last"));
  if (number % 6 === 2) said.push(checkpoint("best"));
  if (number % 3 === 1) said.push(plot());
  if (number % 8 === 2) said.push(sample());
  if (number % 7 === 3) said.push(artifact());
  if (number % 9 === 4) said.push(model());
  if (number % 5 === 1) said.push(tags());
  if (number % 6 === 4) said.push(hyperparameters());
  if (number % 8 === 5) said.push(configuration());
  await Promise.all(said);
}

function final(): Promise<void> {
  return say("final", (number) => {
    if (orders.ending === "completed")
      return { value: "completed", made: () => sdk.reportCompleted({ finalMetrics: { score: num("score", number) } }) };
    if (orders.ending === "failed") return { value: "failed", made: () => sdk.reportFailed(new Error("the chaos bench said so")) };
    return { value: "stopped", made: () => sdk.reportStopped("the chaos bench said so") };
  });
}

async function close(): Promise<void> {
  const receipt = await sdk.close({ deadlineMs: CLOSE_REAL_MS * 10 });
  note(ledger, { t: "closed", complete: receipt.complete, receipt: receipt.sinks, losses: sdk.stats().outbox?.losses });
}

if (orders.mode === "work") {
  if (!counts.has("started")) void started();
  const first = counts.get("progress") ?? 0;
  for (let number = first; number < first + MAX_STEPS; number++) {
    await step(number);
    await wait(8);
  }
  await close();
} else if (orders.mode === "end") {
  if (!counts.has("started")) void started();
  for (let number = 0; number < 3; number++) await step(number);
  const files = [checkpoint("last"), model(), checkpoint("best")];
  const ended = final();
  await Promise.all([...files, ended]);
  // The end is durable now, and waits for files that cannot be stored.
  if (kill?.at === "in-final-barrier" && kill.variant === 3) strike();
  await close();
} else {
  if (orders.mode === "finish") await final();
  await close();
}
process.disconnect();
