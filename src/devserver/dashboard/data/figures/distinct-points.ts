/** Which points of a long line a drawing of some hundred pixels can tell apart. Pure. */
import type { Place } from "./figure.js";

/** A shorter line is drawn whole. */
const LONG_LINE = 5000;

/**
 * Numbers of the points to draw, ascending: of those that follow each other in one column of pixels the first, the lowest, the
 * highest and the last, which look like all of them. Holes stay holes.
 */
export function distinctPoints(y: readonly Place[], columnOf: (index: number) => number): Iterable<number> {
  if (y.length <= LONG_LINE) return y.keys();
  const kept: number[] = [];
  let group: Group | undefined;
  for (const [index, height] of y.entries()) {
    const column = columnOf(index);
    if (height === null || !Number.isFinite(column)) {
      kept.push(...numbersOf(group), index);
      group = undefined;
      continue;
    }
    if (group?.column !== column) {
      kept.push(...numbersOf(group));
      group = { column, first: index, lowest: index, highest: index, last: index };
      continue;
    }
    if (height < (y[group.lowest] ?? 0)) group.lowest = index;
    if (height > (y[group.highest] ?? 0)) group.highest = index;
    group.last = index;
  }
  kept.push(...numbersOf(group));
  return kept;
}

interface Group {
  readonly column: number;
  readonly first: number;
  lowest: number;
  highest: number;
  last: number;
}

function numbersOf(group: Group | undefined): number[] {
  return group ? [...new Set([group.first, group.lowest, group.highest, group.last])].sort((a, b) => a - b) : [];
}
