/** What the outbox relies on in every journal. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Journal, JournalEvents, StoredRecord } from "../../src/outbox/journal.js";
import { recordJson, toRecord } from "../../src/outbox/journal-entry.js";
import type { RecordTraits, TrainerRecord } from "../../src/records/record.js";
import { aDraft } from "../support/records.js";

export interface JournalUnderTest {
  readonly journal: Journal;
  /** What `append` promises of a healthy journal of this kind. */
  readonly kept: "durable" | "volatile";
}

/** Registers the suite under `name`. */
export function describeJournalContract(name: string, open: (events: JournalEvents) => Promise<JournalUnderTest>): void {
  describe(`journal contract: ${name}`, () => {
    let subject: JournalUnderTest;
    let committed: number[] = [];
    let next = 1;

    beforeEach(async () => {
      [committed, next] = [[], 1];
      const onCommitted = (records: readonly StoredRecord[]): void => {
        committed.push(...records.map(({ record }) => record.sequence));
      };
      subject = await open({ onCommitted, onShed: () => undefined });
      subject.journal.note({ k: "i", n: "a" });
      subject.journal.note({ k: "i", n: "b" });
    });
    afterEach(() => subject.journal.close(AbortSignal.timeout(5_000)));

    function aRecord(text = "line", traits: RecordTraits = {}): TrainerRecord {
      return toRecord(subject.journal.runId, next++, 5, traits, aDraft(text).fact);
    }
    const append = (record: TrainerRecord): Promise<unknown> => subject.journal.append(record, recordJson(record));
    const read = async (sequences: number[], maxBytes = 1e6): Promise<number[]> =>
      (await subject.journal.read(sequences, maxBytes)).records.map(({ record }) => record.sequence);

    it("keeps records in order, tells of them once they are kept and before their promises resolve", async () => {
      const [one, two] = [aRecord(), aRecord()];
      const kept = [append(one), append(two)];
      expect([committed, subject.journal.ledger.nextSequence]).toEqual([[], 1]);
      expect(await Promise.all(kept)).toMatchObject([{ status: subject.kept }, { status: subject.kept }]);
      expect([committed, subject.journal.ledger.nextSequence]).toEqual([[1, 2], 3]);
    });

    it("owes a record to every sink until each has settled it", async () => {
      await append(aRecord());
      const { ledger } = subject.journal;
      subject.journal.note({ k: "s", n: "a", r: [[1, 1]] });
      expect([ledger.pending("a").size, ledger.pending("b").size, ledger.isNeeded(1)]).toEqual([0, 1, true]);
      subject.journal.note({ k: "s", n: "b", r: [[1, 1]] });
      expect(ledger.isNeeded(1)).toBe(false);
    });

    it("reads back what is needed, as it was, up to the bytes asked for but never without one", async () => {
      const records = [aRecord("x".repeat(100)), aRecord('ü\n"', { shed: "console" }), aRecord()];
      await Promise.all(records.map(append));
      const found = await subject.journal.read([1, 2, 3], 1e6);
      expect(found.records.map(({ record }) => record)).toEqual(records);
      expect(found.records.map(({ bytes }) => bytes)).toEqual(records.map((record) => Buffer.byteLength(recordJson(record))));
      expect(await read([1, 2, 3], 1)).toEqual([1]);
      expect(await read([1, 2, 3], 150)).toEqual([1]);
      expect(await read([2, 3])).toEqual([2, 3]);
    });

    it("says which of the records asked for are not there", async () => {
      await append(aRecord());
      expect(await subject.journal.read([1, 7], 1e6)).toMatchObject({ records: [{ record: { sequence: 1 } }], missing: [7] });
    });

    it("keeps memory and resolves when it is kept", async () => {
      expect(await subject.journal.noteDurably({ k: "m", n: "a", key: "task", v: "1" })).toMatchObject({ status: subject.kept });
      expect(subject.journal.ledger.recall("a", "task")).toBe("1");
    });

    it("keeps dead letters until they are taken out", async () => {
      const [one, two] = [aRecord(), aRecord()];
      await Promise.all([append(one), append(two)]);
      const letters = [one, two].map((record) => ({ sink: "a", reason: "refused" as const, detail: "no", atMs: 1, record }));
      await subject.journal.bury(letters);
      expect(await subject.journal.deadLetters()).toEqual(letters);
      expect(await subject.journal.deadLetters(({ record }) => record.sequence === 2)).toEqual([letters[1]]);
      await subject.journal.exhume([letters[0]!]);
      expect(await subject.journal.deadLetters()).toEqual([letters[1]]);
      await subject.journal.exhume([letters[1]!]);
      expect(await subject.journal.deadLetters()).toEqual([]);
    });

    it("puts a record back in line for one sink, to be read and settled again", async () => {
      const record = aRecord();
      await append(record);
      for (const n of ["a", "b"]) subject.journal.note({ k: "s", n, r: [[1, 1]] });
      await append(aRecord());
      await subject.journal.requeue(record, ["a"]);
      const { ledger } = subject.journal;
      expect([ledger.pending("a").ranges(), ledger.pending("b").ranges()]).toEqual([[[1, 2]], [[2, 2]]]);
      expect(await read([1, 2])).toEqual([1, 2]);
      subject.journal.note({ k: "s", n: "a", r: [[1, 1]] });
      expect(ledger.isNeeded(1)).toBe(false);
    });

    it("resolves every promise when it closes, and closes twice", async () => {
      const kept = append(aRecord());
      await subject.journal.close(AbortSignal.timeout(5_000));
      expect(await kept).toMatchObject({ status: subject.kept });
      await subject.journal.close(AbortSignal.timeout(5_000));
    });
  });
}
