/**
 * What a row of the benchmark is: a name, what it measures between which two instants, and figures with their bars. A
 * floor is a hard check; an aim says where we want to stand and fails nothing.
 */
import type { Workplace } from "./workplace.ts";

/** A limit that a figure is held against. */
export interface Bar {
  readonly kind: "floor" | "aim";
  readonly side: "at most" | "at least" | "below" | "above";
  readonly value: number;
}

/** One measured value. */
export interface Figure {
  readonly what: string;
  /** `undefined`: it could not be measured; `note` says why. */
  readonly value: number | undefined;
  readonly unit: string;
  /** None: told for comparison. */
  readonly bars: readonly Bar[];
  readonly note?: string;
}

/** What a row is given. */
export interface RowContext {
  readonly workplace: Workplace;
  /** Smaller loads, the same instants. */
  readonly quick: boolean;
  /** Install what is missing, or leave out what wants it. */
  readonly install: boolean;
  /** Tells how it goes. */
  readonly progress: (message: string) => void;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  measure(context: RowContext): Promise<readonly Figure[]>;
}

export const floor = (side: Bar["side"], value: number): Bar => ({ kind: "floor", side, value });
export const aim = (side: Bar["side"], value: number): Bar => ({ kind: "aim", side, value });

/** Whether a value is on the right side of the bar. */
export function holds(bar: Bar, value: number): boolean {
  switch (bar.side) {
    case "at most":
      return value <= bar.value;
    case "at least":
      return value >= bar.value;
    case "below":
      return value < bar.value;
    case "above":
      return value > bar.value;
  }
}

/** `ok`, `FLOOR BROKEN`, `aim missed`, `not measured`, or nothing when there is no bar. */
export function verdictOf({ value, bars }: Figure): "ok" | "FLOOR BROKEN" | "aim missed" | "not measured" | "" {
  if (bars.length === 0) return "";
  if (value === undefined) return "not measured";
  const missed = bars.filter((bar) => !holds(bar, value));
  if (missed.some(({ kind }) => kind === "floor")) return "FLOOR BROKEN";
  return missed.length > 0 ? "aim missed" : "ok";
}
