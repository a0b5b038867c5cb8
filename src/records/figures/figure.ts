/**
 * A Plotly figure as ClearML keeps it: JSON text of traces and layout. What a computation made and JSON cannot say (NaN,
 * infinities) becomes null here and is counted; it never becomes 0, and it never breaks the text.
 */

/** A figure whose numbers are finite or null: what `JSON.stringify` writes as it stands. */
export interface Figure {
  readonly data: readonly object[];
  readonly layout: object;
}

/** Plain settings, merged into what is drawn. Plotly's own names. */
export type FigureSettings = Readonly<Record<string, unknown>>;

/** A figure on its way: what a journal and a wire can carry. */
export interface DrawnPlot {
  /** The plot's title; ClearML's `metric`. */
  readonly title: string;
  /** ClearML's `variant`; empty for a plot of several named lines. */
  readonly series: string;
  readonly iteration: number;
  /** JSON text of the figure. */
  readonly figure: string;
  /** Values that were no numbers and are null in the figure. */
  readonly nonFinite: number;
}

/** Longest figure, in characters of JSON: it has to go out in one request, below the size at which ClearML's own client splits. */
export const MAX_FIGURE_CHARACTERS = 10_000_000;

/** Why a figure cannot be kept. */
export function figureProblem({ figure }: DrawnPlot): string | undefined {
  if (figure.length <= MAX_FIGURE_CHARACTERS) return undefined;
  return `a figure takes at most ${String(MAX_FIGURE_CHARACTERS)} characters of JSON, not ${String(figure.length)}; draw fewer points`;
}

/** The title as Plotly shows it, with a comment in small letters below. */
export function titleText(title: string, comment: string | undefined): string {
  return comment === undefined || comment === "" ? title : `${title}<br><sup>${comment}</sup>`;
}

/** `base` with `settings` over it, object by object: an array or a plain value of the settings takes the place of the other. */
export function merged(base: object, settings: FigureSettings | undefined): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(settings ?? {})) {
    const known = Object.hasOwn(result, name) ? result[name] : undefined;
    const both = isPlainObject(known) && isPlainObject(value) ? merged(known, value) : value;
    // Assigned, a setting of this name would become the prototype.
    if (name === "__proto__") Object.defineProperty(result, name, { value: both, enumerable: true, writable: true, configurable: true });
    else result[name] = both;
  }
  return result;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
