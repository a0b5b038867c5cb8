/**
 * A set of sequence numbers kept as ranges. Ten million waiting records are one range, a few stragglers a few more, so
 * what a sink still owes costs memory by the number of gaps and never by the number of records.
 */

/** Both ends belong to it. */
export type SequenceRange = readonly [from: number, to: number];

export class SequenceSet {
  // Parallel, sorted, disjoint, and never adjacent: two ranges that touch are one.
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #size = 0;

  constructor(ranges: Iterable<SequenceRange> = []) {
    for (const [from, to] of ranges) this.add(from, to);
  }

  /** How many numbers are in it. */
  get size(): number {
    return this.#size;
  }

  /** The least, if there is any. */
  get first(): number | undefined {
    return this.#from[0];
  }

  has(sequence: number): boolean {
    const index = this.#indexFrom(sequence);
    return index < this.#from.length && this.#start(index) <= sequence;
  }

  /** Adds `from` to `to`, both included. Answers how many were not there before. */
  add(from: number, to: number = from): number {
    const last = this.#to.length - 1;
    // The common case by far: the next number of a run.
    if (last >= 0 && from === this.#end(last) + 1) {
      this.#to[last] = to;
      this.#size += to - from + 1;
      return to - from + 1;
    }
    const index = this.#indexFrom(from - 1);
    let [start, end, covered, replaced] = [from, to, 0, 0];
    for (; index + replaced < this.#from.length && this.#start(index + replaced) <= to + 1; replaced++) {
      const [left, right] = [this.#start(index + replaced), this.#end(index + replaced)];
      covered += right - left + 1;
      start = Math.min(start, left);
      end = Math.max(end, right);
    }
    this.#from.splice(index, replaced, start);
    this.#to.splice(index, replaced, end);
    const added = end - start + 1 - covered;
    this.#size += added;
    return added;
  }

  /** Removes `from` to `to`, both included. Answers how many were there. */
  remove(from: number, to: number = from): number {
    const index = this.#indexFrom(from);
    const kept: SequenceRange[] = [];
    let [removed, replaced] = [0, 0];
    for (; index + replaced < this.#from.length && this.#start(index + replaced) <= to; replaced++) {
      const [left, right] = [this.#start(index + replaced), this.#end(index + replaced)];
      removed += Math.min(right, to) - Math.max(left, from) + 1;
      if (left < from) kept.push([left, from - 1]);
      if (right > to) kept.push([to + 1, right]);
    }
    if (replaced === 0) return 0;
    this.#from.splice(index, replaced, ...kept.map(([left]) => left));
    this.#to.splice(index, replaced, ...kept.map(([, right]) => right));
    this.#size -= removed;
    return removed;
  }

  /** The least number that is at least `from`. */
  next(from: number): number | undefined {
    const index = this.#indexFrom(from);
    return index < this.#from.length ? Math.max(from, this.#start(index)) : undefined;
  }

  /** Up to `limit` numbers in order, none below `from`, without those that `skip` says. */
  take(limit: number, from = 1, skip?: (sequence: number) => boolean): number[] {
    const taken: number[] = [];
    for (let index = this.#indexFrom(from); index < this.#from.length && taken.length < limit; index++) {
      const end = this.#end(index);
      for (let sequence = Math.max(from, this.#start(index)); sequence <= end && taken.length < limit; sequence++) {
        if (skip?.(sequence) !== true) taken.push(sequence);
      }
    }
    return taken;
  }

  /** How many numbers are at most `last`. */
  countUpTo(last: number): number {
    let count = 0;
    for (let index = 0; index < this.#from.length && this.#start(index) <= last; index++) {
      count += Math.min(last, this.#end(index)) - this.#start(index) + 1;
    }
    return count;
  }

  /** The numbers that are in both. */
  intersection(other: SequenceSet): SequenceSet {
    const both = new SequenceSet();
    for (const [from, to] of other.ranges()) {
      for (let index = this.#indexFrom(from); index < this.#from.length && this.#start(index) <= to; index++) {
        both.add(Math.max(from, this.#start(index)), Math.min(to, this.#end(index)));
      }
    }
    return both;
  }

  /** True when some number from `from` to `to` is in it. */
  overlaps(from: number, to: number): boolean {
    const index = this.#indexFrom(from);
    return index < this.#from.length && this.#start(index) <= to;
  }

  /** In order; a copy, so that the set may change meanwhile. */
  ranges(): SequenceRange[] {
    return this.#from.map((from, index) => [from, this.#end(index)] as const);
  }

  clone(): SequenceSet {
    return new SequenceSet(this.ranges());
  }

  #start(index: number): number {
    return this.#from[index] ?? Number.POSITIVE_INFINITY;
  }

  #end(index: number): number {
    return this.#to[index] ?? Number.POSITIVE_INFINITY;
  }

  /** Index of the first range whose end is at least `sequence`: binary search for the lower bound. */
  #indexFrom(sequence: number): number {
    let [low, high] = [0, this.#to.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#end(middle) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The ranges of sorted numbers. */
export function rangesOf(sorted: readonly number[]): SequenceRange[] {
  const ranges: [number, number][] = [];
  for (const sequence of sorted) {
    const last = ranges.at(-1);
    if (last?.[1] === sequence - 1) last[1] = sequence;
    else ranges.push([sequence, sequence]);
  }
  return ranges;
}
