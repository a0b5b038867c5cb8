import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EntryOutline } from "../../../src/outbox/journal-entry.js";
import { Ledger, UPLOAD } from "../../../src/outbox/ledger.js";

const SINKS = ["a", "b"];
const attachment = { path: "/x", pinned: true, sizeBytes: 1 };

const aRange = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 3 }))
  .map(([from, more]) => [from, from + more] as const);
const aSink = fc.constantFrom(...SINKS);
/** Changes of state, without the records, which come in order by themselves. */
const aChange: fc.Arbitrary<"record" | "upload" | EntryOutline> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("record" as const, "upload" as const) },
  { weight: 1, arbitrary: aSink.map((n) => ({ k: "i", n }) as const) },
  { weight: 3, arbitrary: fc.record({ k: fc.constant("s" as const), n: aSink, r: fc.array(aRange, { maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ k: fc.constant("x" as const), r: fc.array(aRange, { maxLength: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ k: fc.constant("u" as const), s: fc.integer({ min: 1, max: 12 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      k: fc.constant("a" as const),
      n: fc.constantFrom(...SINKS, UPLOAD),
      r: fc.array(aRange, { maxLength: 1 }),
      t: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ k: fc.constant("m" as const), n: aSink, key: fc.constantFrom("x", "y"), v: fc.option(fc.nat()) }) },
);

function entriesOf(changes: readonly ("record" | "upload" | EntryOutline)[]): EntryOutline[] {
  let sequence = 0;
  return changes.map((change) =>
    typeof change === "string" ? { k: "r", s: ++sequence, t: 0, a: change === "upload" ? { attachment } : {} } : change,
  );
}

function ledgerOf(entries: readonly EntryOutline[]): Ledger {
  const ledger = new Ledger();
  for (const entry of entries) ledger.apply(entry);
  return ledger;
}

/** Everything that matters of it, in a form that can be compared. */
function stateOf(ledger: Ledger): unknown {
  return { ...ledger.snapshot("run"), uploads: [...ledger.uploads.keys()].sort() };
}

describe("Ledger", () => {
  it("comes to the same state when a snapshot lies anywhere among its entries", () => {
    fc.assert(
      fc.property(fc.array(aChange, { maxLength: 25 }), fc.nat(), (changes, at) => {
        const entries = entriesOf(changes);
        const cut = at % (entries.length + 1);
        const snapshot = ledgerOf(entries.slice(0, cut)).snapshot("run");
        const whole = ledgerOf(entries);
        expect(stateOf(ledgerOf([...entries.slice(0, cut), snapshot, ...entries.slice(cut)]))).toEqual(stateOf(whole));
      }),
    );
  });

  it("comes to the same state when only the needed records and the last snapshot are left of what was before", () => {
    fc.assert(
      fc.property(fc.array(aChange, { maxLength: 25 }), fc.nat(), (changes, at) => {
        const entries = entriesOf(changes);
        const cut = at % (entries.length + 1);
        const before = ledgerOf(entries.slice(0, cut));
        const kept = entries.slice(0, cut).filter((entry) => entry.k === "r" && before.isNeeded(entry.s));
        // A sink that is met later is owed what is there, which compaction makes less: leave those cases out.
        fc.pre(!entries.slice(cut).some((entry) => entry.k === "i" && !before.knows(entry.n)));
        const compacted = ledgerOf([...kept, before.snapshot("run"), ...entries.slice(cut)]);
        expect(stateOf(compacted)).toEqual(stateOf(ledgerOf(entries)));
      }),
    );
  });

  it("owes a sink that it meets for the first time every record that is still there", () => {
    const ledger = ledgerOf([
      { k: "i", n: "a" },
      { k: "r", s: 1, t: 0, a: {} },
      { k: "s", n: "a", r: [[1, 1]] },
      { k: "i", n: "b" },
    ]);
    expect(ledger.pending("a").size).toBe(0);
    expect(ledger.pending("b").ranges()).toEqual([[1, 1]]);
  });

  it("needs a record that is on the disk but not entered yet", () => {
    expect(new Ledger().isNeeded(1)).toBe(true);
  });

  it("keeps the earliest anchor of a record until it is settled", () => {
    const ledger = ledgerOf([
      { k: "i", n: "a" },
      { k: "r", s: 1, t: 0, a: {} },
      { k: "a", n: "a", r: [[1, 1]], t: 100 },
      { k: "a", n: "a", r: [[1, 1]], t: 200 },
    ]);
    expect(ledger.anchorOf("a", 1)).toBe(100);
    ledger.apply({ k: "s", n: "a", r: [[1, 1]] });
    expect(ledger.anchorOf("a", 1)).toBeUndefined();
  });

  it("puts a dead letter back for its own sink alone", () => {
    const ledger = ledgerOf([
      { k: "i", n: "a" },
      { k: "i", n: "b" },
      { k: "q", n: ["a"], s: 1, t: 0, a: {} },
    ]);
    expect([ledger.pending("a").size, ledger.pending("b").size]).toEqual([1, 0]);
  });

  it("believes a snapshot about records before it alone, and about none that is not there", () => {
    const ledger = ledgerOf([
      { k: "i", n: "a" },
      { k: "r", s: 1, t: 0, a: {} },
      { k: "r", s: 2, t: 0, a: { attachment } },
      // Taken when there was a record 3 of which nothing is left, and before 2 was there.
      {
        k: "z",
        run: "run",
        next: 2,
        sinks: {
          a: {
            pending: [
              [1, 1],
              [3, 3],
            ],
            anchors: [],
          },
        },
        uploads: [],
        uploadAnchors: [],
        memory: {},
      },
    ]);
    expect(ledger.pending("a").ranges()).toEqual([[1, 2]]);
    expect([...ledger.uploads.keys()]).toEqual([2]);
  });

  it("keeps nothing of a value that was forgotten, not even its name", () => {
    const ledger = new Ledger();
    ledger.apply({ k: "m", n: "a", key: "x", v: 1 });
    ledger.apply({ k: "m", n: "a", key: "x", v: null });
    expect(ledger.recall("a", "x")).toBeUndefined();
    expect(ledger.snapshot("run").memory).toEqual({});
  });
});

it("a record that is put back in line has a budget of its own, whatever its neighbours have spent", () => {
  const ledger = ledgerOf([
    { k: "i", n: "a" },
    ...[1, 2, 3].map((s) => ({ k: "r", s, t: 0, a: { attachment } }) as const),
    { k: "a", n: "a", r: [[1, 3]], t: 7 },
    { k: "a", n: UPLOAD, r: [[2, 2]], t: 7 },
    { k: "s", n: "a", r: [[2, 2]] },
    { k: "q", n: ["a"], s: 2, t: 0, a: { attachment } },
  ]);
  expect([1, 2, 3].map((sequence) => ledger.anchorOf("a", sequence))).toEqual([7, undefined, 7]);
});
