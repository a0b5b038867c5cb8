/** From marks on two axes to shapes in pixels. Pure. */
import type { BarMark, CartesianPanel, FigureAxis, Mark, Place, PointMark } from "./figure.js";
import { distinctPoints } from "./distinct-points.js";
import { extentOf, makeScale, type Scale } from "./scale.js";

/** A mark as an SVG path, and its places for the pointer. */
export interface Shape {
  readonly name: string;
  /** Number of the mark's colour. */
  readonly colour: number;
  /** Path of the line or the bars. */
  readonly path: string;
  readonly isFilled: boolean;
  readonly isDashed: boolean;
  /** Path of dots: strokes of no length, round at their ends. */
  readonly dots: string;
  /** Path of the filled area below a line. */
  readonly area: string;
  readonly places: readonly ShapePlace[];
}

/** Where a value is drawn, and its number in the mark. */
export interface ShapePlace {
  readonly px: number;
  readonly py: number;
  readonly index: number;
}

export interface CartesianShapes {
  readonly x: Scale;
  readonly y: Scale;
  readonly shapes: readonly Shape[];
}

export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Room of a group of bars between two places, the rest is the gap. */
const BAR_SHARE = 0.8;

/** Draws the marks into the frame; `hidden` are left out, and the axes are those of what is left. */
export function drawMarks(panel: CartesianPanel, frame: Frame, hidden: ReadonlySet<number>): CartesianShapes {
  const marks = panel.marks.map((mark, colour) => ({ mark, colour })).filter(({ colour }) => !hidden.has(colour));
  const bars = marks.flatMap(({ mark }) => (mark.kind === "bars" ? [mark] : []));
  const stacks = panel.barMode === "stack" ? stackOf(bars) : undefined;
  const [x0, x1] = rangeOf(panel.x, marks, stacks, "x");
  const [y0, y1] = rangeOf(panel.y, marks, stacks, "y");
  const x = makeScale({ axis: panel.x, from: x0, to: x1, pixels: [frame.left, frame.right], tickPx: 76 });
  const y = makeScale({ axis: panel.y, from: y0, to: y1, pixels: [frame.bottom, frame.top], tickPx: 38 });
  const shapes = marks.map(({ mark, colour }) =>
    mark.kind === "points" ? pointShape(mark, colour, x, y, frame) : barShape(mark, colour, { x, y, bars, stacks, step: stepOf(bars) }),
  );
  return { x, y, shapes };
}

/** What lies on an axis: places along it, and for lengths of bars also their zero. */
function rangeOf(
  axis: FigureAxis,
  marks: readonly { readonly mark: Mark }[],
  stacks: Stacks | undefined,
  side: "x" | "y",
): [number, number] {
  const columns: (readonly Place[])[] = [];
  let padding = 0;
  for (const { mark } of marks) {
    if (mark.kind === "points") {
      columns.push(mark[side], mark.isFilled && side === "y" && axis.kind !== "log" ? [0] : []);
    } else if (mark.isHorizontal === (side === "y")) {
      columns.push(mark.at);
      padding = Math.max(padding, (mark.width ?? stepOf([mark])) / 2);
    } else {
      columns.push(stacks ? stacks.ends : mark.length, axis.kind === "log" ? [] : [0]);
    }
  }
  const [low, high] = extentOf(columns, axis);
  if (padding > 0) return [low - padding, high + padding];
  if (axis.kind === "category") return [low - 0.5, high + 0.5];
  if (side === "x" || axis.kind !== "linear") return [low, high];
  // A little air, but bars and filled areas stand on the frame.
  const air = (high - low) * 0.05;
  return [low === 0 ? 0 : low - air, high === 0 ? 0 : high + air];
}

function pointShape(mark: PointMark, colour: number, x: Scale, y: Scale, frame: Frame): Shape {
  const places: ShapePlace[] = [];
  let line = "";
  let dots = "";
  let area = "";
  let pen = "M";
  let from: ShapePlace | undefined;
  // Dots on one pixel are one dot: a hundred thousand points are as many as the frame has pixels.
  const taken = new Set<string>();
  const closeArea = (): void => {
    const last = places.at(-1);
    if (mark.isFilled && from && last) area += `L${text(last.px)} ${text(frame.bottom)}L${text(from.px)} ${text(frame.bottom)}Z`;
    from = undefined;
    pen = "M";
  };
  const pixelOf = (index: number): number => {
    const at = mark.x[index] ?? null;
    return at === null ? Number.NaN : x.toPixel(at);
  };
  const indexes = mark.hasMarkers ? mark.y.keys() : distinctPoints(mark.y, (index) => Math.round(pixelOf(index)));
  for (const index of indexes) {
    const height = mark.y[index] ?? null;
    const px = pixelOf(index);
    const py = height === null ? Number.NaN : y.toPixel(height);
    if (!Number.isFinite(px) || !Number.isFinite(py)) {
      closeArea();
      continue;
    }
    const place = { px, py, index };
    places.push(place);
    const point = `${text(px)} ${text(py)}`;
    if (mark.hasLine) line += pen + point;
    if (mark.isFilled) area += pen + point;
    from ??= place;
    pen = "L";
    if (mark.hasMarkers && !taken.has(point)) {
      taken.add(point);
      dots += `M${point}h0`;
    }
  }
  closeArea();
  return { name: mark.name, colour, path: line, isFilled: false, isDashed: mark.isDashed, dots, area, places };
}

interface BarFrame {
  readonly x: Scale;
  readonly y: Scale;
  readonly bars: readonly BarMark[];
  readonly stacks: Stacks | undefined;
  readonly step: number;
}

function barShape(mark: BarMark, colour: number, { x, y, bars, stacks, step }: BarFrame): Shape {
  const [along, across] = mark.isHorizontal ? [y, x] : [x, y];
  const share = stacks ? 1 : bars.length;
  const whole = (mark.width ?? step) * (mark.width === undefined ? BAR_SHARE : 0.96);
  const width = whole / share;
  const offset = stacks ? -whole / 2 : -whole / 2 + bars.indexOf(mark) * width;
  const places: ShapePlace[] = [];
  let path = "";
  for (const [index, at] of mark.at.entries()) {
    const length = mark.length[index] ?? null;
    if (at === null || length === null) continue;
    const base = stacks?.base(mark, index) ?? 0;
    const a = along.toPixel(at + offset);
    const b = along.toPixel(at + offset + width);
    const zero = across.toPixel(base);
    const end = across.toPixel(base + length);
    if (![a, b, zero, end].every(Number.isFinite)) continue;
    path += mark.isHorizontal
      ? `M${text(zero)} ${text(a)}H${text(end)}V${text(b)}H${text(zero)}Z`
      : `M${text(a)} ${text(zero)}V${text(end)}H${text(b)}V${text(zero)}Z`;
    const middle = (a + b) / 2;
    places.push(mark.isHorizontal ? { px: end, py: middle, index } : { px: middle, py: end, index });
  }
  return { name: mark.name, colour, path, isFilled: true, isDashed: false, dots: "", area: "", places };
}

/** The least distance of two bars. */
function stepOf(bars: readonly BarMark[]): number {
  const at = [...new Set(bars.flatMap((bar) => bar.at.filter((place) => place !== null)))].sort((a, b) => a - b);
  let step = Infinity;
  for (let index = 1; index < at.length; index++) step = Math.min(step, (at[index] ?? 0) - (at[index - 1] ?? 0));
  return Number.isFinite(step) ? step : 1;
}

interface Stacks {
  /** Where the bar begins: on top of those of the earlier marks, those below zero downwards. */
  readonly base: (mark: BarMark, index: number) => number;
  readonly ends: readonly number[];
}

function stackOf(bars: readonly BarMark[]): Stacks {
  const heights = new Map<string, number>();
  const bases = new Map<BarMark, number[]>();
  const ends: number[] = [];
  for (const bar of bars) {
    const own = bar.at.map((at, index) => {
      const length = bar.length[index] ?? 0;
      const key = `${String(at)} ${length < 0 ? "down" : "up"}`;
      const base = heights.get(key) ?? 0;
      heights.set(key, base + length);
      ends.push(base + length);
      return base;
    });
    bases.set(bar, own);
  }
  return { base: (mark, index) => bases.get(mark)?.[index] ?? 0, ends };
}

/** Half pixels are enough, and keep paths short. */
function text(pixel: number): string {
  return String(Math.round(pixel * 2) / 2);
}
