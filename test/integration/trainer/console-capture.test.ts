/** A real process that prints, and what ClearML's console holds of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { aTrainerWorld } from "../../support/trainer-world.js";

const CHILD = fileURLToPath(new URL("printing-child.ts", import.meta.url));
const RESOLVER = new URL("../../support/resolve-typescript.js", import.meta.url).href;

describe("a process that prints with captureConsole", () => {
  let folder: string;
  let server: DevServer;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "trainer-printing-"));
    server = await startDevServer();
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(ending: string): Promise<{ out: string; err: string; console: string }> {
    const child = spawn(process.execPath, ["--import", RESOLVER, CHILD, ending], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], ...server.env, JOB_ID: "9", TRAINER_JOURNAL_DIR: path.join(folder, "journal") },
      timeout: 50_000,
      killSignal: "SIGKILL",
    });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    await using clearml = createClearML({}, { ...server.env });
    const tasks = [];
    for await (const task of clearml.tasks.getAll({})) tasks.push(task);
    const lines: string[] = [];
    for await (const line of clearml.events.iterateLog({ task: tasks[0]?.id ?? "" })) lines.push(`${line.level ?? ""} ${line.msg ?? ""}`);
    return { out, err, console: lines.flatMap((line) => line.split("\n")).join("\n") };
  }

  it("prints what it always printed, and the task's console holds its lines up to the end", async () => {
    const { out, err, console: lines } = await run("completed");
    expect(err).toBe("a complaint\n");
    expect(out).toContain("before the first word\n");
    expect(out).toContain(`sdk: reportProgress: not kept`);
    // The SDK's own words come from timers, in between whatever the process prints.
    expect(out.replaceAll(/sdk: [^\n]*\n/g, "")).toContain("\r99%\r100%\nthe last line ends\nafter the end\n");
    expect(out).toContain("after close\n");
    expect(lines).toMatch(/^info before the first word$/m);
    expect(lines).toMatch(/^error a complaint$/m);
    expect(lines.match(/%/g)).toHaveLength(1);
    expect(lines).toMatch(/100%$/m);
    expect(lines).toMatch(/the last line$/m);
    for (const never of ["sdk:", "after the end", "after close"]) expect(lines).not.toContain(never);
  });

  it("has its lines up to close when no end is reported", async () => {
    const { console: lines } = await run("none");
    expect(lines).toContain("the last line ends\nafter the end");
    expect(lines).not.toContain("after close");
  });
});

describe("captured lines", () => {
  const world = aTrainerWorld();
  const streams = () => ({ stdout: { write: (_text: string): boolean => true }, stderr: { write: (_text: string): boolean => true } });

  it("are not sent to the backend, which asked for the job's own words", async () => {
    const captured = streams();
    const sdk = await world.start({ captureConsole: { streams: captured } });
    await sdk.log("info", "said");
    captured.stdout.write("printed\n");
    expect((await sdk.close()).complete).toBe(true);
    expect(world.platform.callbacks("/log").map(({ body }) => (body as { message: string }).message)).toEqual(["said"]);
    expect(world.platform.lines(world.platform.tasks()[0]?.id ?? "").map(({ message }) => message)).toEqual(["said", "printed"]);
  });

  it("do not bring an ended job back to life when a later start says nothing itself", async () => {
    const sdk = await world.start();
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.reportCompleted();
    await sdk.close();
    const captured = streams();
    const later = await world.start({ captureConsole: { streams: captured } });
    captured.stdout.write("starting\n");
    expect((await later.close()).complete).toBe(true);
    expect(world.platform.tasks()).toMatchObject([{ status: "completed" }]);
  });

  it("that came before the only word, the end, are there", async () => {
    const captured = streams();
    const sdk = await world.start({ captureConsole: { streams: captured } });
    captured.stderr.write("out of memory\n");
    await sdk.reportFailed(new Error("out of memory"));
    expect((await sdk.close()).complete).toBe(true);
    expect(world.platform.lines(world.platform.tasks()[0]?.id ?? "").map(({ message }) => message)).toContain("out of memory");
  });

  it("of a silent rank are its own", async () => {
    const captured = streams();
    const { write } = captured.stdout;
    await world.start({ captureConsole: { streams: captured } }, { RANK: "1" });
    expect(captured.stdout.write).toBe(write);
  });
});
