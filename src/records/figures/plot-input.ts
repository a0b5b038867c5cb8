/** What every plot has, whatever it shows; and how a checked input becomes a drawn plot. */
import { checkObject, checkOptionalText, checkText, wrongType } from "../../base/check.js";
import { isPlainObject, type DrawnPlot, type Figure, type FigureSettings } from "./figure.js";
import { isRow, NumberReader } from "./number-reader.js";

/** What every plot has. */
export interface PlotInput {
  /** The plot's title; ClearML's `metric`. */
  readonly title: string;
  /** ClearML's `variant`. The same title, series and iteration again overwrites the plot. */
  readonly series: string;
  /** A whole number of 0 or more, absolute. Default 0. */
  readonly iteration?: number;
  /** A line in small letters below the title. */
  readonly comment?: string;
  /** Laid over the layout that is drawn, by Plotly's own names, such as `{ showlegend: false }`. */
  readonly extraLayout?: FigureSettings;
}

/** Titles of a plot's axes. */
export interface AxisTitles {
  readonly xaxis?: string;
  readonly yaxis?: string;
}

/**
 * Checks what all plots share and draws. A plot of several named lines has no series of its own.
 *
 * @throws ValidationError for an argument of the wrong type.
 */
export function drawPlot<Input extends Partial<PlotInput>>(
  verb: string,
  input: Input,
  draw: (input: Input & { readonly title: string }, reader: NumberReader) => Figure,
  options: { readonly series?: string } = {},
): DrawnPlot {
  checkObject(verb, "input", input);
  const { title, iteration = 0, comment, extraLayout } = input;
  checkText(verb, "title", title);
  const series: unknown = options.series ?? input.series;
  if (options.series === undefined) checkText(verb, "series", series);
  if (typeof iteration !== "number") wrongType(verb, "iteration", "a number", iteration);
  checkOptionalText(verb, "comment", comment);
  checkSettings(verb, "extraLayout", extraLayout);
  const reader = new NumberReader(verb);
  const figure = JSON.stringify(draw({ ...input, title }, reader));
  return { title, series: series as string, iteration, figure, nonFinite: reader.nonFinite };
}

export function checkSettings(verb: string, field: string, value: unknown): asserts value is FigureSettings | undefined {
  if (value !== undefined && !isPlainObject(value)) wrongType(verb, field, "a plain object", value);
}

/** Titles of axes, null where there is none, as ClearML's own client writes them. */
export function axisTitle(verb: string, field: string, value: unknown): string | null {
  checkOptionalText(verb, field, value);
  return value ?? null;
}

/** Names of rows, columns or points; numbers are taken as their text. Null where there are none. */
export function namesOf(verb: string, field: string, value: unknown, count: number | undefined): string[] | null {
  if (value === undefined) return null;
  if (!isRow(value)) wrongType(verb, field, "an array of texts", value);
  const names = Array.from(value, (name) => {
    if (typeof name !== "string" && typeof name !== "number") wrongType(verb, field, "an array of texts", name);
    return String(name);
  });
  if (count !== undefined && names.length !== count) wrongType(verb, field, `an array of ${String(count)} texts`, names.length);
  return names;
}

export function oneOf<Word extends string>(verb: string, field: string, value: unknown, words: readonly Word[], fallback: Word): Word {
  if (value === undefined) return fallback;
  return words.find((word) => word === value) ?? wrongType(verb, field, `one of ${words.join(", ")}`, value);
}
