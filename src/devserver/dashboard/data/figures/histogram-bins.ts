/** Counts numbers by equal stretches. Pure. */
import { niceStep } from "./scale.js";

export interface Bins {
  readonly centres: readonly number[];
  readonly counts: readonly number[];
  readonly width: number;
}

const MOST_BINS = 200;

/** About `wanted` bins with round borders, or, when it is not given, as many as the root of the count. */
export function binNumbers(values: readonly (number | null)[], wanted: number | undefined): Bins {
  const numbers = values.filter((value) => value !== null);
  let low = Infinity;
  let high = -Infinity;
  for (const number of numbers) {
    low = Math.min(low, number);
    high = Math.max(high, number);
  }
  if (numbers.length === 0) return { centres: [], counts: [], width: 1 };
  const count = Math.min(MOST_BINS, Math.max(1, wanted ?? Math.ceil(Math.sqrt(numbers.length))));
  const width = high > low ? niceStep((high - low) / count) : 1;
  const first = Math.floor(low / width);
  const counts = Array.from({ length: Math.floor(high / width) - first + 1 }, () => 0);
  for (const number of numbers) {
    const bin = Math.floor(number / width) - first;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { centres: counts.map((_none, bin) => (first + bin + 0.5) * width), counts, width };
}
