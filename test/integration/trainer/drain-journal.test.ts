/** Draining a journal whose job nobody knows any more, or which belongs elsewhere: nothing is given up for it. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Outbox } from "../../../src/outbox/outbox.js";
import type { Delivery } from "../../../src/outbox/sink.js";
import { drainJournal, planDrain, type DrainOptions, type DrainReport } from "../../../src/trainer/drain-journal.js";
import { MemorySink } from "../../support/memory-sink.js";
import { released } from "../../support/released.js";

const outage: Delivery = { status: "retry", cause: "unreachable", reason: "down" };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "drain-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const directory = (): string => path.join(folder, "journal");
const options = (env: Record<string, string>, deadlineMs = 300): DrainOptions => ({
  directory: directory(),
  env,
  deadlineMs,
  signal: new AbortController().signal,
});

async function drained(given: DrainOptions): Promise<DrainReport> {
  await released(directory());
  return drainJournal(given);
}

/** A checkpoint that belongs in `folder/store`, and nothing about a job. */
async function leave(sinkName: string): Promise<string> {
  const sink = new MemorySink({ name: sinkName });
  sink.answer = () => outage;
  const outbox = await Outbox.open({
    directory: directory(),
    sinks: [sink],
    uploader: { upload: () => Promise.resolve(outage) },
    strict: true,
  });
  await mkdir(path.join(directory(), "pins"), { recursive: true });
  const pinned = path.join(directory(), "pins", "weights.pt");
  await writeFile(pinned, "weights");
  const target = path.join(folder, "store", "last.pt");
  const file = {
    uri: pathToFileURL(target).href,
    key: "last.pt",
    fileName: "weights.pt",
    sizeBytes: 7,
    sha256: createHash("sha256").update("weights").digest("hex"),
    contentType: "application/octet-stream",
  };
  await outbox.append({
    fact: { kind: "checkpoint", type: "last", isBest: false, file },
    traits: { attachment: { path: pinned, pinned: true, sizeBytes: 7 } },
  }).durable;
  await outbox.close({ deadlineMs: 0 });
  return target;
}

it("keeps bytes for the store that they belong to, and stores them once it is named", async () => {
  const target = await leave("own");
  const elsewhere = await drained(options({ CHECKPOINT_URI: pathToFileURL(path.join(folder, "other")).href }));
  expect(elsewhere).toMatchObject({ complete: false, receipt: { complete: false } });
  const nowhere = await drained(options({}));
  expect(nowhere).toMatchObject({ complete: false, unreachable: { upload: expect.stringContaining("CHECKPOINT_URI") as string } });
  await drained(options({ CHECKPOINT_URI: pathToFileURL(path.join(folder, "store")).href }));
  expect(await readFile(target, "utf8")).toBe("weights");
});

it("does not owe the journal to destinations that its trainer never had", async () => {
  await leave("own");
  const report = await drained(options({ CALLBACK_URL: "http://127.0.0.1:9/callbacks" }));
  expect(Object.keys(report.receipt?.sinks ?? {})).toEqual([]);
  expect((await planDrain(options({}))).survey.pending).toEqual({ own: 1 });
  expect(report.unreachable).toMatchObject({ own: expect.stringContaining("the trainer's own") as string });
});
