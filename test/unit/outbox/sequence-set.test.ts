import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rangesOf, SequenceSet, type SequenceRange } from "../../../src/outbox/sequence-set.js";

const aRange = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 8 }))
  .map(([from, length]) => [from, from + length] as SequenceRange);
const aStep = fc.record({ isAdd: fc.boolean(), range: aRange });

describe("SequenceSet", () => {
  it("behaves as a set of numbers does, whatever is added and removed", () => {
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (steps, probe) => {
        const set = new SequenceSet();
        const model = new Set<number>();
        for (const { isAdd, range } of steps) {
          const before = model.size;
          for (let sequence = range[0]; sequence <= range[1]; sequence++) {
            if (isAdd) model.add(sequence);
            else model.delete(sequence);
          }
          const changed = isAdd ? set.add(...range) : set.remove(...range);
          expect(changed).toBe(Math.abs(model.size - before));
        }
        const sorted = [...model].sort((left, right) => left - right);
        expect(set.take(Number.POSITIVE_INFINITY)).toEqual(sorted);
        expect(set.ranges()).toEqual(rangesOf(sorted));
        expect(set.size).toBe(model.size);
        expect(set.first).toBe(sorted[0]);
        expect(set.has(probe)).toBe(model.has(probe));
        expect(set.countUpTo(probe)).toBe(sorted.filter((sequence) => sequence <= probe).length);
        expect(set.take(3, probe)).toEqual(sorted.filter((sequence) => sequence >= probe).slice(0, 3));
        expect(set.overlaps(probe, probe + 2)).toBe(sorted.some((sequence) => sequence >= probe && sequence <= probe + 2));
      }),
    );
  });

  it("intersects as sets do", () => {
    fc.assert(
      fc.property(fc.array(aRange), fc.array(aRange), (left, right) => {
        const [one, other] = [new SequenceSet(left), new SequenceSet(right)];
        const both = one.take(Number.POSITIVE_INFINITY).filter((sequence) => other.has(sequence));
        expect(one.intersection(other).take(Number.POSITIVE_INFINITY)).toEqual(both);
      }),
    );
  });

  it("keeps ten million waiting records as one range", () => {
    const set = new SequenceSet();
    for (let sequence = 1; sequence <= 10_000_000; sequence++) set.add(sequence);
    expect(set.ranges()).toEqual([[1, 10_000_000]]);
  });

  it("leaves out what is to be skipped", () => {
    expect(new SequenceSet([[1, 10]]).take(3, 2, (sequence) => sequence % 2 === 0)).toEqual([3, 5, 7]);
  });
});
