/** The demo as a person or a script starts it, and its verdict when what it reads back is not what was reported. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkRun } from "../../examples/mnist/check-run.ts";
import { startServer, startTrainer } from "../../examples/mnist/child-processes.ts";
import { type Download, ServerReader } from "../../examples/mnist/server-reader.ts";

const DEMO = fileURLToPath(new URL("../../examples/mnist/demo.ts", import.meta.url));

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-demo-test-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs the demo with `folder` as its temporary folder. */
function demo(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [DEMO, ...args], { env: { ...process.env, TMPDIR: folder } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** Starts the demo and sends SIGINT once it has printed `words`; `answered` is the dashboard's status just before. */
async function interruptAt(words: string, ...args: string[]): Promise<{ ended: Promise<number | null>; page: string; answered: number }> {
  const child = spawn(process.execPath, [DEMO, ...args], { env: { ...process.env, TMPDIR: folder }, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  let said = "";
  const shown = new Promise<void>((resolve) =>
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes(words)) resolve();
    }),
  );
  await Promise.race([shown, ended.then(() => Promise.reject(new Error(said)))]);
  const page = /Dashboard: (\S+)/.exec(said)?.[1] ?? "";
  const { status } = await fetch(page);
  child.kill("SIGINT");
  return { ended, page, answered: status };
}

describe("the demo", () => {
  it("ends with one line of JSON that the servers alone could have told", async () => {
    const { code, stdout, stderr } = await demo("--json", "--epochs", "2", "--train-images", "3000");
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    expect(report).toEqual({
      ok: true,
      task: { id: expect.stringMatching(/^[0-9a-f]{32}$/), status: "completed" },
      scalars: expect.objectContaining({
        "loss/train": 2,
        "accuracy/train": 2,
        "learning_rate/metrics": 2,
        "loss/val": 2,
        "accuracy/val": 2,
      }),
      checkpoints: ["last", "best"].map((type) => ({
        type,
        uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\//),
        bytes: expect.any(Number),
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      })),
      model: { id: expect.stringMatching(/^[0-9a-f]{32}$/), uri: expect.any(String), accuracy: expect.any(Number) },
      callbacks: { progress: 2, checkpoint: expect.any(Number), model: 1, completed: 1 },
    });
    expect(report.model.accuracy).toBeGreaterThan(0.7);
    expect(stderr).toContain("Dashboard: http://");
    expect(await readdir(folder), "temporary files are gone").toEqual([]);
  });

  it("takes everything down on Ctrl-C in mid-run", async () => {
    const { ended, page } = await interruptAt("epoch 2/", "--epochs", "500", "--train-images", "3000");
    expect(await ended).toBe(130);
    await expect(fetch(page)).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
  });

  it("leaves the dashboard up with --keep, until Ctrl-C", async () => {
    const { ended, page, answered } = await interruptAt("until Ctrl-C", "--keep", "--epochs", "1", "--train-images", "1000");
    expect(answered).toBe(200);
    expect(await ended).toBe(0);
    await expect(fetch(page)).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
  });

  it("explains itself, and leaves with 2 when an option does not exist", async () => {
    expect(await demo("--help")).toMatchObject({ code: 0, stdout: expect.stringContaining("--keep") });
    expect(await demo("--jsno")).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--jsno") });
  });
});

describe("the demo's verdict", () => {
  it("is no when the bytes at an announced address are not those that were reported", async () => {
    const server = await startServer();
    try {
      const env = {
        ...server.env,
        JOB_ID: "verdict",
        CONFIG: JSON.stringify({ epochs: 1, trainImages: 640, validationImages: 100, hiddenUnits: 8 }),
        CHECKPOINT_URI: "clearml",
        TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
        MNIST_WORK_DIR: path.join(folder, "work"),
      };
      expect((await startTrainer({ env }).ended).code).toBe(0);
      const expected = { jobId: "verdict", taskName: "Training Job verdict", epochs: 1 };
      expect((await checkRun(new ServerReader(server.env), expected)).problems).toEqual([]);

      const { report, problems } = await checkRun(new TamperedReader(server.env), expected);
      expect(report.ok).toBe(false);
      expect(problems).toEqual(
        expect.arrayContaining([expect.stringContaining("not those that were announced"), expect.stringContaining("accuracy is")]),
      );
      expect((await checkRun(new ServerReader(server.env), { ...expected, epochs: 2 })).report.ok).toBe(false);
    } finally {
      await server.stop();
    }
  });
});

/** Finds every number of a weights file negated. */
class TamperedReader extends ServerReader {
  override async download(uri: string): Promise<Download> {
    const { bytes } = await super.download(uri);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const changed = Buffer.from(bytes);
    for (let at = start; at < changed.length; at += 4) changed.writeFloatLE(-changed.readFloatLE(at), at);
    return { bytes: changed, sha256: "0".repeat(64) };
  }
}
