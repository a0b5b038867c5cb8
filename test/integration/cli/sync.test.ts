/** `trainer-sdk sync` against real servers: what trainers left is delivered, once, and what is not is said. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runSync, type SyncOptions } from "../../../src/cli/sync-command.js";
import type { SyncResult } from "../../../src/cli/sync-result.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import type { TrainerOptions } from "../../../src/trainer/options.js";
import type { CloseReceipt } from "../../../src/trainer/close-run.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { released } from "../../support/released.js";
import { S3_ENV, startS3, type S3Server } from "../../support/s3-server.js";
import { ServerReader } from "../../../examples/mnist/server-reader.ts";

let folder: string;
let server: DevServer;
let s3: S3Server;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-sync-"));
  server = await startDevServer();
  s3 = await startS3({ buckets: ["models", "handover"] });
});
afterEach(async () => {
  await server.close();
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const environment = (): Record<string, string> => ({ ...server.env, ...S3_ENV, CHECKPOINT_URI: `s3://${s3.server.host}/models` });
const EVERYWHERE = ["api", "files", "callbacks"] as const;
/** Of what `leave` says to every sink. */
const LINES = 3;

/** A trainer that says everything there is to say while every server is down, and leaves. */
async function leave(job: string, options: TrainerOptions = {}): Promise<CloseReceipt> {
  for (const channel of EVERYWHERE) server.faults.set(channel, { mode: "refuse" });
  s3.intercept((pass, request) =>
    request.url.pathname.startsWith("/handover/") ? pass(request) : Promise.resolve({ status: 503, headers: {}, body: "" }),
  );
  const env = { ...environment(), JOB_ID: job, PROJECT_ID: "5", TRAINER_JOURNAL_DIR: path.join(folder, "journals", job) };
  const sdk = await TrainerSDK.init({ env, batchAgeMs: 10, ...options });
  for (let epoch = 1; epoch <= 4; epoch++) await sdk.reportProgress({ epoch, metrics: { train_loss: 1 / epoch } });
  for (let line = 1; line <= LINES; line++) await sdk.log("info", `line ${String(line)}`);
  const weights = path.join(folder, "weights.pt");
  await writeFile(weights, `best weights of ${job}`);
  await sdk.uploadCheckpoint(weights, { type: "best", isBest: true, epoch: 4 });
  await sdk.registerModel({ name: "detector", path: weights });
  await sdk.reportCompleted({ finalMetrics: { accuracy: 0.9 } });
  const receipt = await sdk.close({ deadlineMs: 3_000 });
  expect(receipt.complete).toBe(false);
  server.faults.clear();
  s3.intercept((pass, request) => pass(request));
  await released(path.join(folder, "journals", job));
  return receipt;
}

/** What must be at the servers of a job that `leave` left, each once. */
async function expectEverything(job: string): Promise<void> {
  const reader = new ServerReader(server.env);
  const tasks = await reader.tasksNamed(`Training Job ${job}`);
  expect(tasks).toMatchObject([{ status: "completed" }]);
  const id = tasks[0]?.id ?? "";
  expect((await reader.scalars(id)).get("loss/train")?.x).toEqual([1, 2, 3, 4]);
  expect((await reader.log(id)).map(({ msg }) => msg)).toEqual(["line 1", "line 2", "line 3"]);
  expect(await reader.models(id)).toHaveLength(2);
  const callbacks = await reader.callbacks(job);
  for (const [kind, count] of [
    ["progress", 4],
    ["checkpoint", 1],
    ["model", 1],
    ["completed", 1],
  ] as const) {
    expect([kind, new Set(callbacks.filter((one) => one.kind === kind).map(({ idempotencyKey }) => idempotencyKey)).size]).toEqual([
      kind,
      count,
    ]);
  }
  const stored = s3.s3.objects().filter(({ key }) => key.includes(`/${job}/best-`));
  expect(stored.map(({ body }) => Buffer.from(body).toString())).toEqual([`best weights of ${job}`]);
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly error: string;
  readonly json: { readonly ok: boolean; readonly journals: readonly SyncResult[] } | undefined;
}

async function sync(
  places: readonly string[],
  options: SyncOptions = { json: true },
  env: Record<string, string | undefined> = {},
): Promise<Said> {
  let [out, error] = ["", ""];
  const { CHECKPOINT_URI: _, CALLBACK_URL: __, ...others } = environment();
  const code = await runSync(
    places,
    { deadlineSeconds: 20, ...options },
    { ...others, ...env },
    {
      out: (text) => void (out += text),
      error: (text) => void (error += text),
      stop: new AbortController().signal,
    },
  );
  return { code, out, error, json: options.json === true ? (JSON.parse(out) as Said["json"]) : undefined };
}

describe("sync of folders", () => {
  it("delivers everything that is below a folder, whose jobs it learns from the journals, and has nothing to do after that", async () => {
    await leave("1");
    await leave("2");
    const first = await sync([path.join(folder, "journals")]);
    expect([...(first.json?.journals ?? [])].sort((one, other) => String(one.jobId).localeCompare(String(other.jobId)))).toMatchObject([
      { jobId: "1", status: "delivered", uploads: 2 },
      { jobId: "2", status: "delivered", uploads: 2 },
    ]);
    expect([first.code, first.json?.ok]).toEqual([0, true]);
    await expectEverything("1");
    await expectEverything("2");
    const requests = server.requests.counts().total;
    const second = await sync([path.join(folder, "journals")]);
    expect(second.json?.journals.map(({ status }) => status)).toEqual(["nothing-pending", "nothing-pending"]);
    expect(server.requests.counts().total).toEqual(requests);
  });

  it("finds what was pinned although the folder lies elsewhere now", async () => {
    await leave("1");
    await rename(path.join(folder, "journals", "1"), path.join(folder, "moved"));
    expect((await sync([path.join(folder, "moved")])).code).toBe(0);
    await expectEverything("1");
  });

  it("says in words for a person what it does and what it did", async () => {
    await leave("1");
    const { code, out } = await sync([path.join(folder, "journals", "1")], {});
    expect(code).toBe(0);
    expect((await sync(["https://user:password@backups/1"], {})).out).toBe(
      "https://user:password@backups/1: failed\n  nothing is fetched from https://: name a path, s3://bucket/prefix or file:///folder\n0 of 1 journal delivered, 1 failed\n",
    );
    expect(out).toMatch(
      /journals\/1 \(job 1\): delivered\n {2}platform: \d+ delivered\n {2}clearml: \d+ delivered\n1 of 1 journal delivered\n$/,
    );
  });

  it("goes on with the others when one is damaged, missing or in use, and ends with 1", async () => {
    await leave("1");
    const held = path.join(folder, "journals", "held");
    const live = await TrainerSDK.init({
      env: { ...server.env, CALLBACK_URL: "http://127.0.0.1:9/", JOB_ID: "held", TRAINER_JOURNAL_DIR: held },
    });
    await live.log("info", "still running");
    const newer = path.join(folder, "journals", "newer");
    await mkdir(newer);
    await cp(path.join(folder, "journals", "1"), newer, { recursive: true });
    for (const name of (await readdir(newer)).filter((one) => one.startsWith("journal-"))) {
      await writeFile(path.join(newer, name), "");
    }
    const nowhere = path.join(folder, "nowhere");
    const { code, json } = await sync([nowhere, path.join(folder, "journals")]);
    expect(code).toBe(1);
    expect(Object.fromEntries(json?.journals.map(({ source, status }) => [path.basename(source), status]) ?? [])).toEqual({
      nowhere: "failed",
      "1": "delivered",
      held: "locked",
      newer: "failed",
    });
    await live.close({ deadlineMs: 0 });
    await expectEverything("1");
  });

  it("waits no longer than it was told, and says who is not there; the folder keeps it all for the next time", async () => {
    await leave("1");
    server.faults.set("callbacks", { mode: "refuse" });
    const { code, json } = await sync([path.join(folder, "journals")], { json: true, deadlineSeconds: 1 });
    expect(code).toBe(1);
    expect(json?.journals).toMatchObject([
      { status: "pending", sinks: { clearml: { pending: 0 } }, reasons: { platform: expect.stringMatching(/\S/) as string } },
    ]);
    server.faults.clear();
    await released(path.join(folder, "journals", "1"));
    expect((await sync([path.join(folder, "journals")])).json?.journals).toMatchObject([{ status: "delivered" }]);
    await expectEverything("1");
  });

  it("says what is missing in the environment, and delivers the rest", async () => {
    await leave("1");
    const { code, json } = await sync([path.join(folder, "journals")], { json: true }, { CLEARML_API_ACCESS_KEY: undefined });
    expect(code).toBe(1);
    expect(json?.journals).toMatchObject([
      {
        status: "pending",
        sinks: { platform: { pending: 0 } },
        reasons: { clearml: expect.stringContaining("CLEARML_API_ACCESS_KEY") as string },
      },
    ]);
    expect((await sync([path.join(folder, "journals")])).code).toBe(0);
    await expectEverything("1");
  });

  it("changes nothing in a dry run", async () => {
    await leave("1");
    const directory = path.join(folder, "journals", "1");
    const contents = async (): Promise<string[]> =>
      Promise.all((await readdir(directory)).filter((name) => name !== "pins").map((name) => readFile(path.join(directory, name), "utf8")));
    const before = await contents();
    const requests = server.requests.counts().total;
    const { code, json } = await sync([directory], { json: true, dryRun: true });
    expect(code).toBe(1);
    expect(json?.journals).toMatchObject([{ jobId: "1", status: "pending", uploads: 2 }]);
    expect(await contents()).toEqual(before);
    expect(server.requests.counts().total).toEqual(requests);
  });

  it("sends callbacks where it is told to", async () => {
    await leave("1");
    const url = `${server.env.CALLBACK_URL.replace(/\/$/, "")}/of-{jobId}`;
    expect((await sync([path.join(folder, "journals")], { json: true, callbackUrl: url })).code).toBe(0);
    const answer = await fetch(`${server.env.CALLBACK_URL}?job_id=1`);
    const { callbacks } = (await answer.json()) as { callbacks: readonly { path: string }[] };
    expect(callbacks.map(({ path: at }) => at)).toContain("/of-1/completed");
  });
});

describe("sync of hand-overs", () => {
  it.each(["s3", "folder"] as const)(
    "in %s delivers from the archive alone, marks it done, and passes it over after that",
    async (kind) => {
      const place = kind === "s3" ? `s3://${s3.server.host}/handover/cluster` : pathToFileURL(path.join(folder, "handed-over")).href;
      const { handedOverTo } = await leave("1", { handover: place });
      expect(handedOverTo).toMatch(/\/handover\/1\/[0-9a-f]{32}-[0-9a-f]{8}\.tar\.gz$/);
      await rm(path.join(folder, "journals"), { recursive: true });
      const first = await sync([place]);
      expect(first.json?.journals).toMatchObject([{ jobId: "1", status: "delivered" }]);
      expect(first.json?.journals[0]).not.toHaveProperty("note");
      expect(first.code).toBe(0);
      await expectEverything("1");
      const second = await sync([place]);
      expect(second.json).toEqual({ ok: true, dryRun: false, journals: [] });
    },
  );

  it("and of the same journal's folder, in any order, doubles nothing", async () => {
    const handover = pathToFileURL(path.join(folder, "handed-over")).href;
    await leave("1", { handover });
    // Without the folder's knowledge of its archive, as a copy of it would be.
    await rm(path.join(folder, "journals", "1", "handed-over.json"));
    expect((await sync([path.join(folder, "journals")])).code).toBe(0);
    expect((await sync([handover])).json?.journals).toMatchObject([{ status: "delivered" }]);
    await expectEverything("1");

    await leave("2", { handover });
    expect((await sync([handover])).code).toBe(0);
    expect((await sync([path.join(folder, "journals")])).code).toBe(0);
    await expectEverything("2");
  });

  it.each(["sync", "the next start"] as const)("of a folder that %s has delivered are passed over", async (by) => {
    const handover = pathToFileURL(path.join(folder, "handed-over")).href;
    await leave("1", { handover });
    if (by === "sync") await sync([path.join(folder, "journals")]);
    else {
      const env = { ...environment(), JOB_ID: "1", TRAINER_JOURNAL_DIR: path.join(folder, "journals", "1") };
      const next = await TrainerSDK.init({ env, handover });
      expect(await next.close()).toMatchObject({ complete: true });
    }
    expect((await sync([handover])).json?.journals).toEqual([]);
  });

  it("leaves an archive unmarked that it could not deliver whole", async () => {
    const handover = pathToFileURL(path.join(folder, "handed-over")).href;
    await leave("1", { handover });
    server.faults.set("callbacks", { mode: "refuse" });
    expect((await sync([handover], { json: true, deadlineSeconds: 1 })).code).toBe(1);
    server.faults.clear();
    expect((await sync([path.join(folder, "handed-over")])).json?.journals).toMatchObject([{ status: "delivered" }]);
    await expectEverything("1");
  });

  it("says that an archive is none", async () => {
    const bad = path.join(folder, "bad.tar.gz");
    await writeFile(bad, "no archive");
    const { code, json } = await sync([bad, "s3://localhost/x", folder]);
    expect(code).toBe(1);
    expect(json?.journals.map(({ status }) => status)).toEqual(["failed", "failed", "failed"]);
  });
});

it("as a program prints its one line and ends with its code", async () => {
  await leave("1");
  const bin = new URL("../../../dist/cli/bin.cjs", import.meta.url).pathname;
  const child = spawn(process.execPath, [bin, "sync", "--json", path.join(folder, "journals")], {
    env: { PATH: process.env["PATH"], ...environment() },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  expect(await once(child, "close")).toEqual([0, null]);
  expect(JSON.parse(out)).toMatchObject({ ok: true, journals: [{ jobId: "1", status: "delivered" }] });
  await expectEverything("1");
});
