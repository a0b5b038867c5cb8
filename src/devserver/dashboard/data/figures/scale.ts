/** From places on an axis to pixels, and the ticks between. Pure. */
import { formatTick } from "../../format.js";
import type { FigureAxis, Place } from "./figure.js";

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Scale {
  /** Pixel of a place. */
  readonly toPixel: (place: number) => number;
  readonly ticks: readonly Tick[];
}

export interface ScaleOptions {
  readonly axis: FigureAxis;
  readonly from: number;
  readonly to: number;
  /** Pixel of the axis's start, and of its end. */
  readonly pixels: readonly [start: number, end: number];
  /** Pixels that a tick needs. */
  readonly tickPx: number;
}

/** The lowest and highest place; a little around a single one. On a logarithmic axis only what is above zero counts. */
export function extentOf(columns: readonly (readonly Place[])[], axis: FigureAxis): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const column of columns) {
    for (const place of column) {
      if (place === null || (axis.kind === "log" && place <= 0)) continue;
      if (place < low) low = place;
      if (place > high) high = place;
    }
  }
  if (low > high) return axis.kind === "log" ? [1, 10] : [0, 1];
  if (low < high) return [low, high];
  return axis.kind === "log" ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
}

/** A scale over `from` to `to`; a reversed axis runs from its end to its start. */
export function makeScale({ axis, from, to, pixels, tickPx }: ScaleOptions): Scale {
  const [start, end] = axis.isReversed ? [pixels[1], pixels[0]] : pixels;
  const map = axis.kind === "log" ? Math.log10 : (place: number): number => place;
  const low = map(from);
  const span = map(to) - low || 1;
  const toPixel = (place: number): number => start + ((map(place) - low) / span) * (end - start);
  const room = Math.max(2, Math.floor(Math.abs(end - start) / tickPx));
  return { toPixel, ticks: ticksOf(axis, from, to, room) };
}

function ticksOf(axis: FigureAxis, from: number, to: number, room: number): Tick[] {
  switch (axis.kind) {
    case "category": {
      const step = Math.max(1, Math.ceil(axis.categories.length / room));
      return axis.categories.flatMap((label, at) => (at % step === 0 ? [{ at, label }] : []));
    }
    case "log": {
      const low = Math.ceil(Math.log10(from));
      const high = Math.floor(Math.log10(to));
      const step = Math.max(1, Math.ceil((high - low + 1) / room));
      const powers = Array.from({ length: Math.max(0, Math.floor((high - low) / step) + 1) }, (_none, index) => 10 ** (low + index * step));
      return powers.length > 1
        ? powers.map((at) => ({ at, label: formatTick(at) }))
        : roundTicks(from, to, room).filter(({ at }) => at > 0);
    }
    case "date":
      return dateTicks(from, to, room);
    case "linear":
      return roundTicks(from, to, room);
  }
}

function roundTicks(from: number, to: number, room: number): Tick[] {
  const step = niceStep((to - from) / room);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_none, index) => {
    const at = (first + index) * step;
    return { at, label: formatTick(Math.abs(at) < step / 1e6 ? 0 : at) };
  });
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const DATE_STEPS = [1, 2, 5, 15, 30, 60, 120, 300, 900, 1800, 3600, 7200, 21_600, 43_200].map((seconds) => seconds * SECOND);
const DAY_STEPS = [1, 2, 7, 14, 30, 90, 180, 365, 730, 1825, 3650].map((days) => days * DAY);

function dateTicks(from: number, to: number, room: number): Tick[] {
  const least = (to - from) / room;
  const step = [...DATE_STEPS, ...DAY_STEPS].find((each) => each >= least) ?? least;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_none, index) => {
    const at = (first + index) * step;
    const iso = new Date(at).toISOString();
    return { at, label: step >= DAY ? iso.slice(0, 10) : iso.slice(11, step >= 60 * SECOND ? 16 : 19) };
  });
}

/** The next of 1, 2, 5 times a power of ten. */
export function niceStep(least: number): number {
  if (!(least > 0) || !Number.isFinite(least)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const digit = [1, 2, 5, 10].find((each) => each * power >= least * (1 - 1e-9)) ?? 10;
  return digit * power;
}
