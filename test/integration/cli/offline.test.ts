/** A job without a server: recorded in the journal, written as a session, brought to a server by `sync`. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runJournalExport } from "../../../src/cli/export-session.js";
import { runSync } from "../../../src/cli/sync-command.js";
import { createClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { released } from "../../support/released.js";

let folder: string;
let journal: string;
let server: DevServer;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "cli-offline-"));
  journal = path.join(folder, "journal");
  server = await startDevServer();
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** The job's whole life without a server, under the official client's own variable. */
async function record(env: Record<string, string> = { CLEARML_OFFLINE_MODE: "1" }): Promise<TrainerSDK> {
  const weights = path.join(folder, "best.pt");
  await writeFile(weights, "weights");
  const sdk = await TrainerSDK.init({ env: { JOB_ID: "9", PROJECT_ID: "3", ...env }, journalDir: journal, strict: true });
  await sdk.reportProgress({ epoch: 1, totalEpochs: 1, metrics: { train_loss: 0.5 } });
  await sdk.log("info", "recorded far from any server");
  await sdk.uploadCheckpoint(weights, { type: "best", epoch: 1, isBest: true });
  await sdk.reportCompleted({});
  return sdk;
}

function aTerminal() {
  const said = { out: "", error: "" };
  const terminal = {
    out: (text: string) => void (said.out += text),
    error: (text: string) => void (said.error += text),
    isInteractive: false,
    stop: new AbortController().signal,
  };
  return { said, terminal };
}

async function run(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ code: number; out: string; error: string }> {
  const { said, terminal } = aTerminal();
  const [command, ...rest] = args;
  const code =
    command === "sync"
      ? await runSync(rest, { json: true }, env, terminal)
      : await runJournalExport(rest[0] ?? "", { out: folder, json: true }, env, terminal);
  return { code, ...said };
}

async function whatArrived() {
  await using clearml = createClearML({}, { ...server.env });
  const tasks = [];
  for await (const task of clearml.tasks.getAll({ search_hidden: true })) {
    const lines: string[] = [];
    for await (const { msg } of clearml.events.iterateLog({ task: task.id })) lines.push(msg ?? "");
    const points: unknown[] = [];
    for await (const { metric, variant, iter, value } of clearml.events.iterateEvents({ task: task.id, type: "training_stats_scalar" }))
      points.push([metric, variant, iter, value]);
    tasks.push({
      name: task.name,
      status: task.status,
      lines,
      points,
      artifacts: task.execution?.artifacts?.map(({ key, uri }) => ({ key, uri })),
    });
  }
  return tasks;
}

describe("CLEARML_OFFLINE_MODE", () => {
  it("keeps everything for ClearML without a word to any server, and ends at once", async () => {
    const sdk = await record({ ...server.env, CALLBACK_URL: "", CLEARML_OFFLINE_MODE: "true" });
    expect(await sdk.currentTask().bound()).toBeUndefined();
    const receipt = await sdk.close({ deadlineMs: 60_000 });
    expect(receipt.complete).toBe(false);
    expect(receipt.sinks["clearml"]?.pending).toBeGreaterThan(3);
    expect(server.requests.entries({})).toEqual([]);
  });

  it("leaves a journal that sync delivers", async () => {
    await (await record()).close();
    await released(journal);
    const { code, out } = await run(["sync", journal], { ...server.env, CALLBACK_URL: undefined, CLEARML_OFFLINE_MODE: "1" });
    expect(out).toContain('"status":"delivered"');
    expect(code).toBe(0);
    expect(await whatArrived()).toMatchObject([
      { name: "Training Job 9", status: "completed", lines: ["recorded far from any server"], points: [["loss", "train", 1, 0.5]] },
    ]);
  });

  it("leaves a journal of which export makes a session, and sync brings that to a server once", async () => {
    await (await record()).close();
    await released(journal);
    const exported = await run(["export", journal], {});
    expect(exported.code).toBe(0);
    const zips = (await readdir(folder)).filter((name) => name.endsWith(".zip"));
    expect(zips).toEqual([expect.stringMatching(/^offline-[0-9a-f]{32}\.zip$/)]);

    const zip = path.join(folder, zips[0] ?? "");
    expect(await run(["sync", zip], { ...server.env })).toMatchObject({
      code: 0,
      out: expect.stringContaining('"status":"delivered"') as string,
    });
    expect(await run(["sync", zip], { ...server.env })).toMatchObject({
      code: 0,
      out: expect.stringContaining("imported before") as string,
    });
    expect(await whatArrived()).toMatchObject([
      {
        name: "Training Job 9",
        status: "completed",
        lines: ["recorded far from any server"],
        points: [["loss", "train", 1, 0.5]],
        artifacts: [{ key: "checkpoint_best", uri: expect.stringContaining(server.filesUrl) as string }],
      },
    ]);
  });

  it("is delivered once: a session is refused where its journal has been", async () => {
    await (await record()).close();
    await released(journal);
    await run(["export", journal], {});
    await run(["sync", journal], { ...server.env, CALLBACK_URL: undefined });
    const [zip = ""] = (await readdir(folder)).filter((name) => name.endsWith(".zip"));
    const { code, out } = await run(["sync", path.join(folder, zip)], { ...server.env });
    expect(code).toBe(1);
    expect(out).toContain("its journal was delivered");
    expect(await whatArrived()).toHaveLength(1);
  });

  it("is delivered once: a journal is refused where its session has been imported, and nothing of it is doubled", async () => {
    await (await record()).close();
    await released(journal);
    await run(["export", journal], {});
    const [zip = ""] = (await readdir(folder)).filter((name) => name.endsWith(".zip"));
    await run(["sync", path.join(folder, zip)], { ...server.env });
    const before = await whatArrived();
    const { code, out } = await run(["sync", journal], { ...server.env, CALLBACK_URL: undefined });
    expect(code).not.toBe(0);
    expect(out).toContain("its export was imported there");
    expect(await whatArrived()).toEqual(before);
    expect(before).toMatchObject([{ lines: ["recorded far from any server"] }]);
  });
});

describe("journal export", () => {
  it("finds the one journal below a folder, and changes nothing in it", async () => {
    await (await record()).close();
    await released(journal);
    const before = await readdir(journal, { recursive: true });
    expect((await run(["export", folder], {})).code).toBe(0);
    expect(await readdir(journal, { recursive: true })).toEqual(before);
  });

  it("says what to do with a journal that owes ClearML nothing", async () => {
    await (await record({ CALLBACK_URL: server.env.CALLBACK_URL })).close();
    await released(journal);
    await expect(run(["export", journal], {})).rejects.toThrow(/start it with CLEARML_OFFLINE_MODE=1/);
    await expect(run(["export", path.join(folder, "nowhere")], {})).rejects.toThrow(/nowhere/);
  });
});
