/** A trainer that returns from its main function without `close` must not hold a machine, whatever hangs behind it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const ENTRY = new URL("../../../dist/index.js", import.meta.url).href;
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

let folder: string;
let server: Server;
const sockets = new Set<Socket>();

/** Takes every connection, reads everything, answers nothing. */
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-forgotten-"));
  server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined).resume());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(body: string): Promise<{ code: number | null; out: string; ms: number }> {
  const { port } = server.address() as AddressInfo;
  const host = `http://127.0.0.1:${String(port)}`;
  const script = path.join(folder, "train.mjs");
  await writeFile(script, `import { TrainerSDK } from ${JSON.stringify(ENTRY)};\nimport { writeFileSync } from "node:fs";\n${body}`);
  const child = spawn(process.execPath, [script], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      JOB_ID: "7",
      TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
      CALLBACK_URL: `${host}/callbacks`,
      CLEARML_API_HOST: host,
      CLEARML_WEB_HOST: host,
      CLEARML_FILES_HOST: host,
      CLEARML_API_ACCESS_KEY: "key",
      CLEARML_API_SECRET_KEY: "secret",
      CHECKPOINT_URI: `s3://127.0.0.1:${String(port)}/models`,
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "secret",
      WEIGHTS: path.join(folder, "weights.bin"),
    },
  });
  let out = "";
  let mainEndedAt = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    if (out.includes("main has ended")) mainEndedAt ||= performance.now();
  });
  const guard = setTimeout(() => child.kill("SIGKILL"), 40_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(guard);
  return { code, out, ms: performance.now() - mainEndedAt };
}

it("ends by itself with requests to ClearML, the backend and the store hanging", async () => {
  const { code, out, ms } = await run(`
    writeFileSync(process.env.WEIGHTS, "weights");
    const sdk = await TrainerSDK.init({ batchAgeMs: 1 });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.uploadCheckpoint(process.env.WEIGHTS, { type: "last", epoch: 1 });
    // Long enough for every request to be under way.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    console.log("main has ended");
  `);
  expect(sockets.size).toBeGreaterThanOrEqual(3);
  expect({ code, out }).toEqual({ code: 0, out: "main has ended\n" });
  // What the S3 client does by the clock of its own takes seconds; a request's timeout would take 30 at least.
  expect(ms).toBeLessThan(15_000);
});

it("stays up for whoever waits for the task, a delivery, a flush or the close", async () => {
  const { code, out } = await run(`
    writeFileSync(process.env.WEIGHTS, "weights");
    const sdk = await TrainerSDK.init({ batchAgeMs: 1 });
    const upload = await sdk.uploadCheckpoint(process.env.WEIGHTS, { type: "last", epoch: 1 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    // A timer without a hold: it fires only while something else keeps the process up.
    const later = () => new Promise((resolve) => setTimeout(resolve, 100).unref());
    const waits = { bound: sdk.currentTask().bound() };
    await later();
    const { delivered } = upload;
    await later();
    console.log("still here");
    const flushed = await sdk.flush({ deadlineMs: 50 });
    const closed = await sdk.close({ deadlineMs: 50 });
    console.log(flushed.complete, closed.complete, await waits.bound, (await delivered).status);
  `);
  expect({ code, out }).toEqual({ code: 0, out: "still here\nfalse false undefined pending\n" });
});
