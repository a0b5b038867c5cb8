import { describe, expect, it } from "vitest";
import { BatchPlan } from "../../../src/outbox/batch-plan.js";
import type { StoredRecord } from "../../../src/outbox/journal.js";
import type { Delivery } from "../../../src/outbox/sink.js";
import { judge } from "../../../src/outbox/verdict.js";
import { aRecord } from "../../support/records.js";

const delivered: Delivery = { status: "delivered" };
const rejected: Delivery = { status: "rejected", reason: "no" };
const undecided: Delivery = { status: "undecided", reason: "one of them", final: true };
const unsure: Delivery = { ...undecided, final: false };
const answered: Delivery = { status: "retry", cause: "answered", reason: "500" };

function judged(count: number, answer: readonly Delivery[] | Delivery): unknown {
  const batch: StoredRecord[] = Array.from({ length: count }, (_, index) => ({ record: aRecord(index + 1), bytes: 1 }));
  const verdict = judge(batch, answer);
  const sequences = (records: readonly StoredRecord[]): number[] => records.map(({ record }) => record.sequence);
  return {
    delivered: sequences(verdict.delivered),
    refused: sequences(verdict.refused.map(({ stored }) => stored)),
    undecided: verdict.undecided.map(sequences),
    failed: verdict.failure && { cause: verdict.failure.cause, attempted: sequences(verdict.failure.attempted) },
    isBug: verdict.bug !== undefined,
  };
}

const nothing = { delivered: [], refused: [], undecided: [], failed: undefined, isBug: false };

describe("judge", () => {
  it.each<[string, number, readonly Delivery[] | Delivery, unknown]>([
    ["one outcome stands for all: delivered", 2, delivered, { ...nothing, delivered: [1, 2] }],
    ["one outcome stands for all: rejected", 2, rejected, { ...nothing, refused: [1, 2] }],
    ["one outcome stands for all: retry", 2, answered, { ...nothing, failed: { cause: "answered", attempted: [1, 2] } }],
    ["one outcome stands for all: undecided", 3, undecided, { ...nothing, undecided: [[1, 2, 3]] }],
    ["an undecided record alone is refused when that is final", 1, undecided, { ...nothing, refused: [1] }],
    ["an undecided record alone fails when that is not final", 1, unsure, { ...nothing, failed: { cause: "answered", attempted: [1] } }],
    ["a list says it record by record", 3, [delivered, rejected, delivered], { ...nothing, delivered: [1, 3], refused: [2] }],
    [
      "after the first retry nothing was sent",
      3,
      [delivered, answered, delivered],
      { ...nothing, delivered: [1], failed: { cause: "answered", attempted: [2] } },
    ],
    [
      "undecided runs in a list stand by themselves",
      5,
      [undecided, undecided, delivered, undecided, undecided],
      {
        ...nothing,
        delivered: [3],
        undecided: [
          [1, 2],
          [4, 5],
        ],
      },
    ],
    [
      "too few outcomes are a bug, and all may have arrived",
      2,
      [delivered],
      { ...nothing, failed: { cause: "unreachable", attempted: [1, 2] }, isBug: true },
    ],
    [
      "no outcome at all is a bug",
      1,
      undefined as unknown as Delivery,
      { ...nothing, failed: { cause: "unreachable", attempted: [1] }, isBug: true },
    ],
    [
      "an unknown outcome is a bug",
      1,
      { status: "fine" } as unknown as Delivery,
      { ...nothing, failed: { cause: "unreachable", attempted: [1] }, isBug: true },
    ],
  ])("%s", (_name, count, answer, expected) => {
    expect(judged(count, answer)).toEqual(expected);
  });
});

describe("BatchPlan", () => {
  it("halves down to the one record at fault, in no more than two batches a halving", () => {
    for (const culprit of [0, 1, 63, 64, 99]) {
      const plan = new BatchPlan();
      const found: number[] = [];
      let [at, batches] = [0, 0];
      while (at < 100) {
        const size = Math.min(plan.limit(100), 100 - at);
        plan.took(size);
        batches++;
        const isHit = culprit >= at && culprit < at + size;
        if (isHit && size > 1) plan.halve(size);
        else {
          if (isHit) found.push(culprit);
          at += size;
        }
      }
      expect(found).toEqual([culprit]);
      expect(batches).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(100)) + 1);
      expect(plan.isHalving).toBe(false);
    }
  });
});
