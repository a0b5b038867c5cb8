/** A real trainer that is really sent a SIGTERM, as a preempted machine does it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { createClearML } from "../../../src/clearml/index.js";

const CHILD = fileURLToPath(new URL("stopping-child.ts", import.meta.url));
const RESOLVER = new URL("../../support/resolve-typescript.js", import.meta.url).href;

let folder: string;
let server: DevServer;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-signal-"));
  server = await startDevServer();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Stopped {
  readonly code: number | null;
  readonly out: string;
  readonly ms: number;
}

/** Runs the trainer until it says that it runs and `before` is done, sends it the signal, and waits for its end. */
async function stopped(mode: string, options: { env?: Record<string, string>; before?: () => Promise<void> } = {}): Promise<Stopped> {
  const child = spawn(process.execPath, ["--import", RESOLVER, CHILD], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      ...server.env,
      JOB_ID: "9",
      TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
      CHECKPOINT_URI: "clearml",
      MODE: mode,
      WEIGHTS: path.join(folder, "weights.pt"),
      ...options.env,
    },
  });
  children.push(child);
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  while (!out.includes("running")) await once(child.stdout, "data");
  await options.before?.();
  const start = performance.now();
  child.kill("SIGTERM");
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, ms: performance.now() - start };
}

async function task() {
  await using clearml = createClearML({}, { ...server.env });
  const { tasks } = await clearml.session.call("tasks.get_all", { only_fields: ["id", "status", "status_message", "status_reason"] });
  return tasks as readonly Record<string, unknown>[];
}

/** The callbacks of the job, oldest first. */
async function received(): Promise<readonly { readonly at: string; readonly body: Record<string, unknown> }[]> {
  const answer = await fetch(`${server.env.CALLBACK_URL}?job_id=9`);
  const { callbacks } = (await answer.json()) as { callbacks: readonly { path: string; body: Record<string, unknown> }[] };
  return callbacks.map(({ path: at, body }) => ({ at, body }));
}

describe("a trainer that is sent SIGTERM", () => {
  it("whose loop is deaf has its end told for it, resumable, delivers, and ends with 143 well within the notice", async () => {
    const { code, ms } = await stopped("deaf");
    expect(code).toBe(143);
    expect(ms).toBeLessThan(3_000);
    expect(await task()).toMatchObject([{ status: "stopped", status_message: "SIGTERM" }]);
    const token = await TrainerSDK.readResumeToken(path.join(folder, "journal"));
    expect(token).toMatchObject({ reason: "SIGTERM", epoch: 4, iteration: 400, checkpoints: { last: { epoch: 4, stored: true } } });
    const callbacks = await received();
    expect(callbacks.at(-1)).toMatchObject({
      at: "/stopped",
      body: {
        reason: "SIGTERM",
        epoch: 4,
        results: { resumable: true, resume: { checkpoints: { last: { uri: token?.checkpoints["last"]?.uri } } } },
      },
    });
  });

  it("whose loop listens is left to tell its end in its own words, which are resumable, too", async () => {
    expect((await stopped("listens")).code).toBe(143);
    expect((await received()).at(-1)).toMatchObject({
      at: "/stopped",
      body: { reason: "the loop saw it", results: { resumable: true, resume: { checkpoints: { last: { epoch: 4 } } } } },
    });
    expect(await task()).toMatchObject([{ status: "stopped", status_message: "the loop saw it" }]);
    expect(await TrainerSDK.readResumeToken(path.join(folder, "journal"))).toMatchObject({ reason: "the loop saw it", epoch: 4 });
  });

  it("is not ended where that was not asked for, and listens to signals no longer once it is closed", async () => {
    const { code, out } = await stopped("returns");
    expect([code, out]).toEqual([0, "running\nclosed by itself 0\n"]);
  });

  it("with every server gone hands over what is pending and ends in time; the next start goes on from the token", async () => {
    const places = { TRAINER_HANDOVER_URI: pathToFileURL(path.join(folder, "handed-over")).href };
    const { code, ms } = await stopped("deaf", { env: { ...places, CALLBACK_URL: "http://127.0.0.1:9/callbacks" } });
    expect(code).toBe(143);
    expect(ms).toBeLessThan(4_500);
    const archives = (await readdir(path.join(folder, "handed-over"), { recursive: true })).filter((name) => name.endsWith(".tar.gz"));
    expect(archives).toHaveLength(1);
    await using sdk = await TrainerSDK.init({
      env: { ...server.env, JOB_ID: "9", TRAINER_JOURNAL_DIR: path.join(folder, "journal"), CHECKPOINT_URI: "clearml" },
    });
    expect(sdk.resume).toMatchObject({ epoch: 4, reason: "SIGTERM" });
    expect((await sdk.flush()).complete).toBe(true);
    expect((await received()).map(({ at }) => at)).toContain("/stopped");
  });
});
