import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { FileJournal } from "../../src/outbox/file-journal.js";
import { MemoryJournal } from "../../src/outbox/memory-journal.js";
import { FakeClock } from "../support/fake-clock.js";
import { describeJournalContract } from "./journal-contract.js";

const folders: string[] = [];

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "journal-contract-"));
  folders.push(folder);
  return folder;
}

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describeJournalContract("FileJournal", async (events) => ({
  journal: await FileJournal.open({ directory: await aFolder(), clock: new FakeClock(), logger: silentLogger }, events),
  kept: "durable",
}));

describeJournalContract("FileJournal with files of a few lines", async (events) => ({
  journal: await FileJournal.open({ directory: await aFolder(), clock: new FakeClock(), logger: silentLogger, segmentBytes: 300 }, events),
  kept: "durable",
}));

describeJournalContract("MemoryJournal", (events) =>
  Promise.resolve({ journal: new MemoryJournal({ reason: "none" }, events), kept: "volatile" }),
);
