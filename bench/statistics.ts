/** Percentiles and medians; nothing is smoothed or left out. */

/** The value below which the share `p` (0 to 1) of the values lies: nearest rank. NaN for none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The three that a latency is told by. */
export function spread(values: readonly number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), max: percentile(values, 1) };
}
