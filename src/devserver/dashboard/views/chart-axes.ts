/** Ticks and ranges of a chart's axes. */
import type uPlot from "uplot";
import { formatClock, formatDuration, formatTick } from "../format.js";

/** All of the data; a single point stands in the middle. There is no range without data, and uPlot then passes null. */
export function wholeRange(self: uPlot, min: number | null, max: number | null): [number, number] {
  const [only, second] = self.data[0];
  const around = self.scales["x"]?.time ? 60 : 1;
  if (only !== undefined && second === undefined) return [only - around, only + around];
  return min === null || max === null ? [0, 1] : [min, max];
}

/** Times of day, as fine as the axis has room for; days where a tick begins one. `seconds` since the epoch. */
export function timeTicks(_self: uPlot, seconds: readonly number[], _axis: number, _space: number, stepSeconds: number): string[] {
  return seconds.map((second) => {
    const time = new Date(second * 1000);
    const isMidnight = time.getHours() === 0 && time.getMinutes() === 0 && time.getSeconds() === 0;
    if (isMidnight || stepSeconds >= 86_400) return time.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return formatClock(second * 1000).slice(0, stepSeconds < 60 ? 8 : 5);
  });
}

/** Iterations are whole numbers, so no axis step may be smaller than one. */
export const WHOLE_STEPS = Array.from({ length: 16 }, (_none, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** On a logarithmic axis uPlot leaves some ticks without a label: those are null. */
export function numberTicks(_self: uPlot, ticks: readonly (number | null)[]): string[] {
  return ticks.map((tick) => (tick === null ? "" : formatTick(tick)));
}

/** As wide as the longest label, so that no number is cut off and no chart wastes its width. */
export function axisSize(self: uPlot, values: string[] | null): number {
  const longest = Math.max(0, ...(values ?? []).map((value) => self.ctx.measureText(value).width / devicePixelRatio));
  return Math.max(32, Math.ceil(longest) + 14);
}

/** Steps of an axis that counts seconds: what a clock shows. */
export const DURATION_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200].concat(
  Array.from({ length: 10 }, (_none, power) => [1, 2, 5].map((digit) => digit * 86_400 * 10 ** power)).flat(),
);

/** Times since the start, `seconds` long. */
export function durationTicks(_self: uPlot, seconds: readonly number[]): string[] {
  return seconds.map((second) => formatDuration(second * 1000));
}
