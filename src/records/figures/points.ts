/** Points of a curve: read from pairs or from columns, and thinned out where there are more than a browser can draw. */
import { wrongType } from "../../base/check.js";
import { isRow, type NumberMatrix, type NumberReader, type NumberRow, type PlainNumber } from "./number-reader.js";

/** Points of a plane: pairs `[x, y]`, or a column for each axis. */
export type Points2d = NumberMatrix | { readonly x: NumberRow; readonly y: NumberRow };
/** Points of space: triples `[x, y, z]`, or a column for each axis. */
export type Points3d = NumberMatrix | { readonly x: NumberRow; readonly y: NumberRow; readonly z: NumberRow };

/** @throws ValidationError for anything but points. */
export function readPoints(reader: NumberReader, field: string, value: unknown, axes: readonly string[]): PlainNumber[][] {
  if (typeof value === "object" && value !== null && !isRow(value) && axes.every((axis) => axis in value)) {
    const columns: PlainNumber[][] = [];
    for (const axis of axes) columns.push(reader.row(`${field}.${axis}`, (value as Record<string, unknown>)[axis], columns[0]?.length));
    return columns;
  }
  if (isRow(value) && value.length > 0 && !isRow(value[0])) wrongType(reader.verb, field, `an array of [${axes.join(", ")}]`, value[0]);
  const rows = reader.matrix(field, value, axes.length);
  return axes.map((_, axis) => rows.map((row) => row[axis] ?? null));
}

/**
 * Curves with at most `maxValues` numbers in all, as ClearML's own client thins them out: a curve that is over its part is
 * averaged over windows and every n-th point of that kept, the last one included; then all are rounded to about six
 * significant digits. Curves that fit together stay as they are.
 */
export function thinned(
  curves: readonly (readonly [x: PlainNumber[], y: PlainNumber[]])[],
  maxValues: number,
): [x: PlainNumber[], y: PlainNumber[]][] {
  const sizes = curves.map(([x]) => 2 * x.length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= maxValues) return curves.map(([x, y]) => [x, y]);
  const share = maxValues / curves.length;
  const withinShare = sizes.reduce((sum, size) => sum + Math.min(size, share), 0);
  const leftOver = maxValues - withinShare;
  return curves.map(([x, y], at) => {
    const size = sizes[at] ?? 0;
    if (size < share) return [rounded(x), rounded(y)];
    // What small curves leave of their parts goes to the large ones, by how far they are over theirs.
    const extra = total > withinShare ? Math.trunc((leftOver * size) / (total - withinShare)) : 0;
    const step = Math.ceil(size / (share + extra));
    return [rounded(everyNth(x, step)), rounded(everyNth(averaged(y, step), step))];
  });
}

/** Every n-th value, counted from the end, so that the newest point is there. */
function everyNth(values: readonly PlainNumber[], step: number): PlainNumber[] {
  return values.filter((_, at) => (values.length - 1 - at) % step === 0);
}

/** Means of the numbers in a window of `width` around each value; null where there is none. At the ends a part of the window is empty. */
function averaged(values: readonly PlainNumber[], width: number): PlainNumber[] {
  const after = Math.ceil(width / 2) - 1;
  const before = width - after - 1;
  let sum = 0;
  let count = 0;
  const add = (at: number, sign: 1 | -1): void => {
    const value = values[at];
    if (value === null || value === undefined) return;
    sum += sign * value;
    count += sign;
  };
  for (let at = 0; at < after; at++) add(at, 1);
  return values.map((_, at) => {
    add(at + after, 1);
    if (at - before - 1 >= 0) add(at - before - 1, -1);
    return count === 0 ? null : sum / count;
  });
}

function rounded(values: readonly PlainNumber[]): PlainNumber[] {
  const largest = values.reduce<number>((max, value) => Math.max(max, Math.abs(value ?? 0)), 0.01);
  const digits = Math.max(1, 6 - Math.floor(Math.abs(Math.log10(largest))));
  const factor = 10 ** digits;
  return values.map((value) => (value === null ? null : Math.round(value * factor) / factor));
}
