/** Colours for numbers. Pure. */
import { listOf } from "./trace-values.js";

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** Colours at places from 0 to 1, ascending. */
export type ColourScale = readonly (readonly [at: number, colour: Rgb])[];

/** From dark to light through blue and green, told apart by every kind of eye: matplotlib's viridis, in five steps. */
const VIRIDIS: ColourScale = [
  [0, [68, 1, 84]],
  [0.25, [59, 82, 139]],
  [0.5, [33, 145, 140]],
  [0.75, [94, 201, 98]],
  [1, [253, 231, 37]],
];

/** Plotly's names for scales that clients use most; any other name is drawn as viridis. */
const NAMED: Readonly<Record<string, ColourScale>> = {
  blues: [
    [0, [247, 251, 255]],
    [0.5, [107, 174, 214]],
    [1, [8, 48, 107]],
  ],
  greys: [
    [0, [255, 255, 255]],
    [1, [0, 0, 0]],
  ],
  hot: [
    [0, [0, 0, 0]],
    [0.35, [230, 0, 0]],
    [0.7, [255, 210, 0]],
    [1, [255, 255, 255]],
  ],
  rdbu: [
    [0, [5, 10, 172]],
    [0.5, [220, 220, 220]],
    [1, [178, 10, 28]],
  ],
};

/** A scale as Plotly's JSON gives it: a name, or a list of places with colours. */
export function readColourScale(value: unknown, isReversed = false): ColourScale {
  const scale = readInOrder(value);
  return isReversed ? scale.map(([at, colour]) => [1 - at, colour] as const).toReversed() : scale;
}

function readInOrder(value: unknown): ColourScale {
  if (typeof value === "string") return NAMED[value.toLowerCase()] ?? VIRIDIS;
  const stops = (listOf(value) ?? []).flatMap((stop) => {
    const [at, colour] = listOf(stop) ?? [];
    const rgb = typeof colour === "string" ? parseColour(colour) : undefined;
    return typeof at === "number" && rgb ? [[at, rgb] as const] : [];
  });
  return stops.length < 2 ? VIRIDIS : stops.sort(([a], [b]) => a - b);
}

/** The colour at a place from 0 to 1. */
export function colourAt(scale: ColourScale, place: number): Rgb {
  const next = scale.findIndex(([at]) => at >= place);
  const [high, above] = scale[next < 0 ? scale.length - 1 : next] ?? [1, [0, 0, 0] as Rgb];
  const [low, below] = scale[Math.max(0, (next < 0 ? scale.length : next) - 1)] ?? [0, above];
  const part = high === low ? 0 : Math.min(1, Math.max(0, (place - low) / (high - low)));
  const mix = (from: number, to: number): number => Math.round(from + (to - from) * part);
  return [mix(below[0], above[0]), mix(below[1], above[1]), mix(below[2], above[2])];
}

/** True when dark letters can be read on it, by the relative luminance of WCAG 2. */
export function isLight([red, green, blue]: Rgb): boolean {
  const linear = (part: number): number => (part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) > 0.18;
}

function parseColour(text: string): Rgb | undefined {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(text);
  if (hex) return [Number.parseInt(hex[1] ?? "", 16), Number.parseInt(hex[2] ?? "", 16), Number.parseInt(hex[3] ?? "", 16)];
  const rgb = /^rgba?\(\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)/i.exec(text);
  // ClearML's own client has a green of 314 in its default scale.
  const part = (index: number): number => Math.min(255, Number(rgb?.[index]));
  return rgb ? [part(1), part(2), part(3)] : undefined;
}
