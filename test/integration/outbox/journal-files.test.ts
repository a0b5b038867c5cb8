/** The journal's files as a person or a crash may leave them. */
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeLine } from "../../../src/outbox/line-codec.js";
import { listJournal, type JournaledRecord } from "../../../src/outbox/list-journal.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import { eventually } from "../../support/fake-clock.js";
import { MemorySink } from "../../support/memory-sink.js";
import { appendTo, openJournal } from "../../support/open-journal.js";
import { aDraft } from "../../support/records.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "journal-files-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const end = (): AbortSignal => AbortSignal.timeout(5_000);

/** A folder with one file of a few records, and where each record's line ends in it. */
async function aJournal(records: number): Promise<{ directory: string; file: string; lineEnds: number[]; runId: string }> {
  const directory = join(root, "whole");
  const { journal } = await openJournal(directory);
  await journal.noteDurably({ k: "i", n: "a" });
  for (let sequence = 1; sequence <= records; sequence++) await appendTo(journal, sequence, `line ${String(sequence)} – ünïcode`).kept;
  await journal.close(end());
  const file = "journal-00000001.ndjson";
  const text = await readFile(join(directory, file));
  const lineEnds: number[] = [];
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1))
    if (text.subarray(0, at).lastIndexOf('{"k":"r"') > (lineEnds.at(-1) ?? 0)) lineEnds.push(at + 1);
  return { directory, file, lineEnds, runId: journal.runId };
}

describe("a journal that was cut off", () => {
  it("at any byte still has every whole record, counts no damage, and goes on with the next number", async () => {
    const { directory, file, lineEnds, runId } = await aJournal(2);
    expect(lineEnds).toHaveLength(2);
    const length = (await readFile(join(directory, file))).length;
    const copy = join(root, "cut");
    for (let cut = 0; cut <= length; cut++) {
      await rm(copy, { recursive: true, force: true });
      await cp(directory, copy, { recursive: true });
      await truncate(join(copy, file), cut);
      const whole = lineEnds.filter((lineEnd) => lineEnd <= cut).length;
      const { journal } = await openJournal(copy);
      const { ledger, corruptLines } = journal;
      expect([ledger.present.size, corruptLines, ledger.nextSequence], `cut at ${String(cut)}`).toEqual([whole, 0, whole + 1]);
      if (whole > 0) expect([journal.runId, ledger.pending("a").size]).toEqual([runId, whole]);
      expect(await appendTo(journal, whole + 1).kept).toEqual({ status: "durable" });
      await journal.close(end());
      const again = await openJournal(copy);
      expect((await again.journal.read([1, 2, 3].slice(0, whole + 1), 1e6)).records).toHaveLength(whole + 1);
      await again.journal.close(end());
    }
  });
});

describe("a damaged line", () => {
  it("costs itself alone and is counted, wherever it is", async () => {
    const { directory, file, lineEnds } = await aJournal(4);
    const bytes = await readFile(join(directory, file));
    for (const [index, lineEnd] of lineEnds.entries()) {
      const damaged = Buffer.from(bytes);
      damaged[lineEnd - 10] = 0;
      await writeFile(join(directory, file), damaged);
      const { journal } = await openJournal(directory);
      expect(journal.corruptLines).toBe(1);
      expect(journal.ledger.present.take(9)).toEqual([1, 2, 3, 4].filter((sequence) => sequence !== index + 1));
      await journal.close(end());
    }
  });

  it("is told as a loss and seen in stats, and the rest is delivered", async () => {
    const { directory, file, lineEnds } = await aJournal(3);
    const bytes = await readFile(join(directory, file));
    bytes[(lineEnds[1] ?? 0) - 10] = 0;
    await writeFile(join(directory, file), bytes);
    const losses: string[] = [];
    const sink = new MemorySink({ name: "a" });
    const outbox = await Outbox.open({ directory, sinks: [sink], strict: true, onLoss: ({ reason }) => losses.push(reason) });
    await outbox.close();
    expect([losses, outbox.stats().losses.corrupt, sink.sequences]).toEqual([["corrupt"], 1, [1, 3]]);
  });

  it("that is damaged after the folder was opened is given up when its turn comes", async () => {
    const directory = join(root, "later");
    const { journal } = await openJournal(directory);
    await journal.noteDurably({ k: "i", n: "a" });
    for (let sequence = 1; sequence <= 3; sequence++) await appendTo(journal, sequence).kept;
    await journal.close(end());
    const losses: unknown[] = [];
    const sink = new MemorySink({
      name: "a",
      open: async () => {
        const file = join(directory, "journal-00000001.ndjson");
        const bytes = await readFile(file);
        bytes[bytes.indexOf("line 2")] = 0;
        await writeFile(file, bytes);
        return { status: "delivered" };
      },
    });
    const outbox = await Outbox.open({
      directory,
      sinks: [sink],
      strict: true,
      onLoss: ({ reason, sink: name }) => losses.push([reason, name]),
    });
    expect(await outbox.close()).toMatchObject({ complete: true, sinks: { a: { delivered: 2, rejected: 1 } } });
    expect([losses, sink.sequences]).toEqual([[["corrupt", "a"]], [1, 3]]);
  });
});

describe("a folder that cannot be used", () => {
  it.each<[string, (directory: string) => Promise<string>, string]>([
    [
      "because a file is in its place",
      async (directory) => {
        await writeFile(directory, "");
        return directory;
      },
      "JOURNAL_UNWRITABLE",
    ],
    ["because it cannot be made", () => Promise.resolve("/proc/trainer-sdk/journal"), "JOURNAL_UNWRITABLE"],
    [
      "because a newer version wrote it",
      async (directory) => {
        await mkdir(directory);
        await writeFile(join(directory, "journal-00000001.ndjson"), encodeLine('{"k":"h","v":99,"run":"0123"}'));
        return directory;
      },
      "JOURNAL_VERSION",
    ],
  ])("%s throws when strict and else means memory alone, loudly", async (_name, prepare, code) => {
    const directory = await prepare(join(root, "bad"));
    await expect(Outbox.open({ directory, sinks: [], strict: true })).rejects.toMatchObject({
      name: "JournalError",
      code,
      path: expect.stringContaining(directory) as string,
    });
    const warnings: unknown[] = [];
    const logger = { debug() {}, info() {}, warn: (_message: string, fields: unknown) => void warnings.push(fields), error() {} };
    const sink = new MemorySink();
    const outbox = await Outbox.open({ directory, sinks: [sink], logger });
    expect(warnings).toMatchObject([{ code }]);
    const { durable } = outbox.append(aDraft());
    expect(await durable).toMatchObject({ status: "volatile" });
    expect(await outbox.close()).toMatchObject({ complete: true, journalPath: undefined });
    expect(sink.sequences).toEqual([1]);
  });

  it("for its newer version stays as it was, and is free for the newer one", async () => {
    const directory = join(root, "newer");
    await mkdir(directory);
    await writeFile(join(directory, "journal-00000001.ndjson"), encodeLine('{"k":"h","v":99,"run":"0123"}'));
    await expect(openJournal(directory)).rejects.toThrow(/newer version/);
    expect((await readdir(directory)).filter((name) => name.startsWith("journal-"))).toEqual(["journal-00000001.ndjson"]);
    await expect(openJournal(directory)).rejects.toMatchObject({ code: "JOURNAL_VERSION" });
  });
});

describe("files of another run in the folder", () => {
  it("are left alone", async () => {
    const { directory } = await aJournal(2);
    const foreign = "journal-00000007.ndjson";
    await writeFile(
      join(directory, foreign),
      Buffer.concat([encodeLine('{"k":"h","v":1,"run":"another"}'), encodeLine('{"k":"r","s":9,"t":1,"a":{},"f":{}}')]),
    );
    await (await openJournal(directory)).journal.close(end());
    const { journal, clock } = await openJournal(directory);
    expect(journal.ledger.present.take(9)).toEqual([1, 2]);
    await journal.noteDurably({ k: "s", n: "a", r: [[1, 2]] });
    await clock.advance(1_000);
    journal.note({ k: "m", n: "a", key: "x", v: 1 });
    // Ours on either side of it are settled and go, oldest first.
    await eventually(() => !existsSync(join(directory, "journal-00000008.ndjson")), "the removal of our own settled files");
    await journal.close(end());
    expect(await readdir(directory)).toContain(foreign);
  });
});

describe("looking into a folder", () => {
  it("lists its records and where they stand, while a trainer writes, and changes nothing", async () => {
    const directory = join(root, "looked-at");
    const sink = new MemorySink({ name: "up" });
    const down = new MemorySink({ name: "down", open: () => Promise.resolve({ status: "rejected", reason: "no" }) });
    const outbox = await Outbox.open({ directory, sinks: [sink, down], strict: true });
    const { record } = outbox.append(aDraft("one"));
    await outbox.flush();
    const { durable } = outbox.append(aDraft("two", { attachment: { path: "/none", pinned: false, sizeBytes: 1 } }));
    await durable;
    await outbox.flush();
    const before = await readdir(directory);
    const seen: JournaledRecord[] = [];
    for await (const own of listJournal(directory)) seen.push(own);
    expect(seen[0]).toEqual({ record, deliveries: { up: "settled", down: "pending" }, upload: "stored" });
    expect(seen.map(({ record: { sequence } }) => sequence)).toEqual([1, 2]);
    expect(await readdir(directory)).toEqual(before);
    await outbox.close({ deadlineMs: 100 });
  });
});
