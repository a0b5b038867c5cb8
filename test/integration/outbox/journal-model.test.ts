/**
 * The journal against a model: whatever is appended, settled, remembered, compacted, closed and opened again, and whenever
 * the power goes, nothing durable is lost and nothing that was durably settled comes back.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { FileJournal } from "../../../src/outbox/file-journal.js";
import { recordJson, toRecord } from "../../../src/outbox/journal-entry.js";
import { rangesOf } from "../../../src/outbox/sequence-set.js";
import type { RecordTraits, TrainerRecord } from "../../../src/records/record.js";
import { FakeClock, settle } from "../../support/fake-clock.js";
import { aProcess } from "../../support/process-table.js";
import { aDraft } from "../../support/records.js";
import { TestDisk } from "../../support/test-disk.js";

const SINKS = ["a", "b"];

type Step =
  | { readonly do: "append"; readonly count: number; readonly wait: boolean; readonly isUpload: boolean }
  | { readonly do: "settle"; readonly sink: string; readonly which: number; readonly wait: boolean }
  | { readonly do: "settleMost"; readonly keep: number; readonly wait: boolean }
  | { readonly do: "remember"; readonly value: number; readonly wait: boolean }
  | { readonly do: "requeue"; readonly which: number }
  | { readonly do: "uploaded" }
  | { readonly do: "compact"; readonly turns: number }
  | { readonly do: "run"; readonly turns: number }
  | { readonly do: "reopen" }
  | { readonly do: "crash"; readonly choices: readonly number[] };

const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 6 }),
      wait: fc.boolean(),
      isUpload: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      sink: fc.constantFrom(...SINKS),
      which: fc.nat({ max: 15 }),
      wait: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("settleMost" as const), keep: fc.integer({ min: 4, max: 9 }), wait: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remember" as const), value: fc.nat({ max: 99 }), wait: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("requeue" as const), which: fc.nat({ max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("uploaded" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("compact" as const), turns: fc.integer({ min: 0, max: 30 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("run" as const), turns: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("crash" as const), choices: fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 12 }) }),
  },
);

/** A journal on a disk that loses power, and beside it what must be true of it. */
class Model {
  readonly disk = new TestDisk();
  readonly directory: string;
  journal: FileJournal | undefined;
  #clock = new FakeClock();
  #pid = 1;
  /** Every record ever appended, by sequence. */
  readonly appended = new Map<number, TrainerRecord>();
  /** Sequences whose promise said durable. */
  readonly durable = new Set<number>();
  /** By sink: settled in the eyes of some process; and settled for good, because a later fsync confirmed it. */
  readonly settled = new Map(SINKS.map((sink) => [sink, new Set<number>()]));
  readonly settledForGood = new Map(SINKS.map((sink) => [sink, new Set<number>()]));
  readonly remembered: number[] = [];
  rememberedForGood = -1;

  constructor(directory: string) {
    this.directory = directory;
  }

  async open(): Promise<void> {
    this.#clock = new FakeClock();
    this.journal = await FileJournal.open(
      {
        directory: this.directory,
        clock: this.#clock,
        logger: silentLogger,
        disk: this.disk.mount(),
        segmentBytes: 700,
        processTable: aProcess(this.#pid++),
      },
      { onCommitted: () => undefined, onShed: () => undefined },
    );
    const { ledger } = this.journal;
    for (const n of SINKS) if (!ledger.knows(n)) await this.journal.noteDurably({ k: "i", n });
    await this.check();
  }

  /** The promises, as they must hold after every opening. */
  async check(): Promise<void> {
    const { ledger, corruptLines } = this.journal!;
    expect(corruptLines).toBe(0);
    for (const sink of SINKS) {
      const pending = ledger.pending(sink).take(Number.POSITIVE_INFINITY);
      for (const sequence of this.durable) if (!this.settled.get(sink)!.has(sequence)) expect(pending).toContain(sequence);
      for (const sequence of pending)
        expect(this.settledForGood.get(sink)!.has(sequence), `${String(sequence)} came back at ${sink}`).toBe(false);
      const { records, missing } = await this.journal!.read(pending, Number.POSITIVE_INFINITY);
      expect(missing).toEqual([]);
      expect(records.map(({ record }) => record)).toEqual(pending.map((sequence) => this.appended.get(sequence)));
    }
    expect(ledger.nextSequence).toBeGreaterThan(Math.max(0, ...this.durable));
    const value = ledger.recall("a", "value");
    if (this.rememberedForGood >= 0) expect(this.remembered.slice(this.rememberedForGood)).toContain(value);
    // What was not durable when the power went may be gone: only what is there now counts from here on.
    for (const sequence of this.appended.keys()) if (sequence >= ledger.nextSequence) this.appended.delete(sequence);
    for (const sink of SINKS)
      for (const sequence of ledger.pending(sink).take(Number.POSITIVE_INFINITY)) this.settled.get(sink)!.delete(sequence);
  }

  async take(step: Step): Promise<void> {
    const journal = this.journal!;
    const { ledger } = journal;
    const present = [...this.appended.keys()].filter((sequence) => sequence < ledger.nextSequence);
    switch (step.do) {
      case "append": {
        const kept: Promise<unknown>[] = [];
        for (let index = 0; index < step.count; index++) {
          const sequence = Math.max(ledger.nextSequence - 1, ...this.appended.keys()) + 1;
          const traits: RecordTraits = step.isUpload ? { attachment: { path: "/x", pinned: false, sizeBytes: 1 } } : {};
          const record = toRecord(
            journal.runId,
            sequence,
            1,
            traits,
            aDraft(`record ${String(sequence)} ${"x".repeat(sequence % 50)}`).fact,
          );
          this.appended.set(sequence, record);
          kept.push(
            journal
              .append(record, recordJson(record))
              .then((answer) => answer.status === "durable" && this.journal === journal && this.durable.add(sequence)),
          );
        }
        if (step.wait) await this.#waitFor(Promise.all(kept));
        return;
      }
      case "settle": {
        const sequence = present[step.which % Math.max(1, present.length)];
        if (sequence === undefined || !ledger.pending(step.sink).has(sequence)) return;
        const entry = { k: "s" as const, n: step.sink, r: [[sequence, sequence]] as const };
        this.settled.get(step.sink)!.add(sequence);
        if (!step.wait) return journal.note(entry);
        await this.#waitFor(
          journal.noteDurably(entry).then(() => this.journal === journal && this.settledForGood.get(step.sink)!.add(sequence)),
        );
        return;
      }
      case "settleMost":
        // Leaves stragglers, so that files become sparse and are merged.
        for (const sink of SINKS) {
          const sequences = ledger
            .pending(sink)
            .take(Number.POSITIVE_INFINITY)
            .filter((sequence) => sequence % step.keep !== 0);
          for (const sequence of sequences) this.settled.get(sink)!.add(sequence);
          const entry = { k: "s" as const, n: sink, r: rangesOf(sequences) };
          if (!step.wait) journal.note(entry);
          else
            await this.#waitFor(
              journal
                .noteDurably(entry)
                .then(() => this.journal === journal && sequences.forEach((sequence) => this.settledForGood.get(sink)!.add(sequence))),
            );
        }
        for (const sequence of ledger.uploads.keys()) journal.note({ k: "u", s: sequence });
        return;
      case "remember": {
        const at = this.remembered.push(step.value) - 1;
        const kept = journal.noteDurably({ k: "m", n: "a", key: "value", v: step.value }).then(() => {
          if (this.journal === journal) this.rememberedForGood = Math.max(this.rememberedForGood, at);
        });
        if (step.wait) await this.#waitFor(kept);
        return;
      }
      case "requeue": {
        const sequence = present[step.which % Math.max(1, present.length)];
        if (sequence === undefined) return;
        for (const settled of [this.settled, this.settledForGood]) settled.get("a")!.delete(sequence);
        // The model calls it owed only once that is durable; before, both are true.
        const wasDurable = this.durable.delete(sequence);
        await this.#waitFor(journal.requeue(this.appended.get(sequence)!, ["a"]).then(() => wasDurable && this.durable.add(sequence)));
        return;
      }
      case "uploaded": {
        const [sequence] = ledger.uploads.keys();
        if (sequence !== undefined) journal.note({ k: "u", s: sequence });
        return;
      }
      case "compact":
        await this.#clock.advance(1_000);
        journal.note({ k: "m", n: "b", key: "tick", v: 0 });
        return await settle(step.turns);
      case "run":
        return await settle(step.turns);
      case "reopen":
        await journal.close(AbortSignal.timeout(5_000));
        return await this.open();
      case "crash": {
        const choices = [...step.choices];
        this.disk.crash((max) => {
          const choice = choices.shift() ?? 0;
          choices.push(choice);
          return choice % (max + 1);
        });
        this.journal = undefined;
        await settle();
        return await this.open();
      }
    }
  }

  /** With the power gone nothing is answered: then the model does not wait for ever. */
  async #waitFor(work: Promise<unknown>): Promise<void> {
    await Promise.race([work, settle(60)]);
  }
}

describe("the journal and its model", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "journal-model-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it("agree after any interleaving of append, settle, compact, rotate, crash and reopen", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { minLength: 5, maxLength: 50 }), async (steps) => {
        const model = new Model(await mkdtemp(join(root, "run-")));
        await model.open();
        for (const step of steps) await model.take(step);
        await model.take({ do: "crash", choices: [0] });
        await model.journal?.close(AbortSignal.timeout(5_000));
      }),
      { numRuns: 200 },
    );
  });
});
