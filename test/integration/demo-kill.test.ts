/**
 * The trainer of the demo against the real server, both in processes of their own, the trainer killed in mid-run. Its
 * ledger (examples/mnist/ledger.ts) lists what the SDK called durable; the servers are then asked for every line of it.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startServer, startTrainer } from "../../examples/mnist/child-processes.ts";
import { ServerReader } from "../../examples/mnist/server-reader.ts";

const EPOCHS = 4;
const CONFIG = { trainImages: 3200, validationImages: 500, hiddenUnits: 16, batchSize: 32 };
const STEPS_PER_EPOCH = CONFIG.trainImages / CONFIG.batchSize;
const JOB = "killed-job";
const TASK_NAME = `Training Job ${JOB}`;

/** Where the metrics of a report are drawn. */
const CHART_OF: Readonly<Record<string, string>> = {
  train_loss: "loss/train",
  train_accuracy: "accuracy/train",
  learning_rate: "learning_rate/metrics",
  val_loss: "loss/val",
  val_accuracy: "accuracy/val",
};

interface LedgerLine {
  readonly id: string;
  readonly verb: string;
  readonly epoch?: number;
  readonly iteration?: number;
  readonly value?: number;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly message?: string;
  readonly type?: string;
}

let folder: string;
let server: Awaited<ReturnType<typeof startServer>>;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-kill-"));
  server = await startServer("--fault-control");
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Spoils the answers of every server, or of those whose path holds `match`. */
async function spoil(mode: "refuse" | "drop-answer", match?: string): Promise<void> {
  for (const channel of ["api", "files", "callbacks"]) {
    const fault = { channel, mode, ...(match === undefined || channel !== "api" ? {} : { match }) };
    const answer = await fetch(`${server.env.CLEARML_WEB_HOST}/__faults`, { method: "POST", body: JSON.stringify(fault) });
    expect(answer.status, await answer.text()).toBe(200);
  }
}

async function mend(): Promise<void> {
  expect((await fetch(`${server.env.CLEARML_WEB_HOST}/__faults`, { method: "DELETE" })).status).toBe(200);
}

/** How many requests of a channel were spoiled so far. */
async function spoiledRequests(channel: string): Promise<number> {
  const { hits } = (await (await fetch(`${server.env.CLEARML_WEB_HOST}/__faults`)).json()) as { hits: Record<string, number> };
  return hits[channel] ?? 0;
}

interface Life {
  readonly epochs?: number;
  /** SIGKILL once this holds; asked at each of the trainer's steps. */
  readonly killWhen?: (step: number) => boolean | Promise<boolean>;
}

/** Starts the trainer and waits for its end, whichever it is. */
async function runTrainer({ epochs = EPOCHS, killWhen = () => false }: Life = {}): Promise<{
  code: number | null;
  signal: NodeJS.Signals | null;
  lines: string[];
}> {
  const lines: string[] = [];
  const trainer = startTrainer({
    env: {
      ...server.env,
      JOB_ID: JOB,
      PROJECT_ID: "kill",
      CONFIG: JSON.stringify({ ...CONFIG, epochs }),
      CHECKPOINT_URI: "clearml",
      TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
      MNIST_WORK_DIR: path.join(folder, "work"),
      DEMO_LEDGER: path.join(folder, "ledger"),
    },
    onLine: (line) => lines.push(line),
    onStep: ({ step }) => {
      void Promise.resolve(killWhen(step)).then((now) => now && trainer.child.kill("SIGKILL"));
    },
  });
  return { ...(await trainer.ended), lines };
}

/** In the middle of an epoch's training. */
function inEpoch(epoch: number): (step: number) => boolean {
  return (step) => step === (epoch - 0.5) * STEPS_PER_EPOCH;
}

async function ledger(): Promise<readonly LedgerLine[]> {
  const text = await readFile(path.join(folder, "ledger"), "utf8");
  // A kill may cut the last line of the book itself; what is cut was not noted.
  return text
    .slice(0, text.lastIndexOf("\n"))
    .split("\n")
    .map((line) => JSON.parse(line) as LedgerLine);
}

/** Asks the servers for everything in the ledger. */
async function expectEverythingOnce(epochs = EPOCHS): Promise<void> {
  const noted = await ledger();
  const reader = new ServerReader(server.env);
  const tasks = await reader.tasksNamed(TASK_NAME);
  expect(tasks).toHaveLength(1);
  const task = tasks[0]!;
  expect(task.status).toBe("completed");

  const scalars = await reader.scalars(task.id);
  // Compared as the 32-bit floats that ClearML's index keeps.
  const valueAt = (chart: string, x: number): number => Math.fround(scalars.get(chart)?.y[scalars.get(chart)!.x.indexOf(x)] ?? Number.NaN);
  for (const { verb, iteration, value, epoch, metrics } of noted) {
    if (verb === "scalar") expect(valueAt("batch loss/train", iteration!), `batch loss at ${iteration}`).toBe(Math.fround(value!));
    for (const [name, reported] of Object.entries(metrics ?? {}))
      expect(valueAt(CHART_OF[name]!, epoch!), `${name} of epoch ${epoch}`).toBe(Math.fround(reported));
  }
  for (const chart of Object.values(CHART_OF))
    expect(scalars.get(chart)?.x, chart).toEqual(Array.from({ length: epochs }, (_, index) => index + 1));

  // Every console line carries its record's number: the same number twice is a line shown twice.
  const shown = (await reader.log(task.id)).map((event) => `${String(event["trainer_sdk_run"])}-${String(event["trainer_sdk_sequence"])}`);
  expect(new Set(shown).size).toBe(shown.length);
  for (const { id, verb, message } of noted) if (verb === "log") expect(shown, message).toContain(id);

  const received = await reader.callbacks(JOB);
  const byKey = new Map(received.map((callback) => [callback.idempotencyKey, callback]));
  expect(byKey.has("")).toBe(false);
  const newestLast = noted.findLast(({ verb, type }) => verb === "checkpoint" && type === "last")!;
  for (const line of noted) {
    if (line.verb === "scalar") continue;
    const callback = byKey.get(line.id);
    // A `last` checkpoint that still waited may have been replaced by a newer one, which then must be there.
    if (callback === undefined && line.type === "last" && line !== newestLast) continue;
    expect(callback?.kind, `callback of ${line.verb} ${line.id}`).toBe(line.verb);
  }
  const completed = [...byKey.values()].filter(({ kind }) => kind === "completed");
  expect(completed).toHaveLength(1);
  expect([...byKey.values()].at(-1)?.kind).toBe("completed");

  const artifacts = (task.execution?.artifacts ?? []).map(({ key }) => key).filter((key) => key.startsWith("checkpoint_"));
  expect(artifacts.sort()).toEqual(["checkpoint_best", "checkpoint_last"]);
  for (const artifact of task.execution?.artifacts ?? [])
    expect((await reader.download(artifact.uri!)).sha256, artifact.key).toBe(artifact.hash);
  const models = await reader.models(task.id);
  expect(models.filter(({ tags }) => tags?.includes("mnist"))).toHaveLength(1);
  expect(new Set(models.map(({ name }) => name)).size).toBe(models.length);
}

describe("a trainer that is killed in mid-run and started again", () => {
  it("delivers what was durable although no server had heard of it before the kill", async () => {
    await spoil("refuse");
    const killed = await runTrainer({ killWhen: inEpoch(2) });
    expect(killed.signal).toBe("SIGKILL");
    await mend();
    const beforeKill = await ledger();
    expect(beforeKill.some(({ verb, epoch }) => verb === "checkpoint" && epoch === 1)).toBe(true);
    expect(await new ServerReader(server.env).tasksNamed(TASK_NAME)).toEqual([]);

    const second = await runTrainer();
    expect(second.lines.join("\n")).toContain("going on after epoch");
    expect(second.code, second.lines.join("\n")).toBe(0);
    expect((await ledger()).length).toBeGreaterThan(beforeKill.length);
    await expectEverythingOnce();
  });

  it("shows nothing twice although the servers' answers were lost before the kill", async () => {
    const epochs = 30;
    await spoil("drop-answer", "events.");
    const answersWereLost = async (): Promise<boolean> => (await spoiledRequests("api")) > 0 && (await spoiledRequests("callbacks")) > 0;
    expect((await runTrainer({ epochs, killWhen: answersWereLost })).signal).toBe("SIGKILL");
    await mend();
    const second = await runTrainer({ epochs });
    expect(second.code, second.lines.join("\n")).toBe(0);
    await expectEverythingOnce(epochs);
  });

  it("holds when it is killed twice, with servers that answer all the time", async () => {
    expect((await runTrainer({ killWhen: inEpoch(2) })).signal).toBe("SIGKILL");
    expect((await runTrainer({ killWhen: inEpoch(3) })).signal).toBe("SIGKILL");
    const third = await runTrainer();
    expect(third.code, third.lines.join("\n")).toBe(0);
    await expectEverythingOnce();
  });

  it("says nothing more when it is started again after its end", async () => {
    expect((await runTrainer()).code).toBe(0);
    const before = await new ServerReader(server.env).callbacks(JOB);
    expect((await runTrainer()).code).toBe(0);
    expect(await new ServerReader(server.env).callbacks(JOB)).toEqual(before);
    await expectEverythingOnce();
  });
});
