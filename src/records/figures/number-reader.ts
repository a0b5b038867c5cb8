/**
 * Reads the numbers of a plot from whatever holds them: arrays, typed arrays, rows of either. What is no number by type is
 * the caller's mistake and throws; what a computation made of a number (NaN, infinities) becomes null and is counted.
 */
import { wrongType } from "../../base/check.js";

/** Numbers one after another. `null` is a gap. */
export type NumberRow = ArrayLike<number | bigint | null>;
/** Rows of one length; or all values of a typed array, row after row, with the length of a row. */
export type NumberMatrix = ArrayLike<NumberRow> | { readonly values: NumberRow; readonly columns: number };

/** A number as JSON can say it. */
export type PlainNumber = number | null;

/** One call's reader: it knows the verb, for messages, and counts what was not finite. */
export class NumberReader {
  readonly verb: string;
  /** Values so far that are null because they were not finite. */
  nonFinite = 0;

  constructor(verb: string) {
    this.verb = verb;
  }

  /** @throws ValidationError for anything but numbers, and for another number of them than `length`. */
  row(field: string, value: unknown, length?: number): PlainNumber[] {
    if (!isRow(value)) wrongType(this.verb, field, "an array of numbers", value);
    if (length !== undefined && value.length !== length) wrongType(this.verb, field, `an array of ${String(length)} numbers`, value.length);
    const row = new Array<PlainNumber>(value.length);
    for (let at = 0; at < value.length; at++) row[at] = this.#number(field, at, value[at]);
    return row;
  }

  /** Rows of one length. A single row of numbers is a matrix of one row. @throws ValidationError as {@link NumberReader.row}. */
  matrix(field: string, value: unknown, columns?: number): PlainNumber[][] {
    if (isFlat(value)) return this.#flat(field, value, columns);
    if (!isRow(value)) wrongType(this.verb, field, "an array of rows of numbers", value);
    const isOneRow = value.length > 0 && !isRow(value[0]);
    if (isOneRow) return [this.row(field, value, columns)];
    const rows: PlainNumber[][] = [];
    for (let at = 0; at < value.length; at++) rows.push(this.row(`${field}[${String(at)}]`, value[at], columns ?? rows[0]?.length));
    return rows;
  }

  #flat(field: string, { values, columns }: { readonly values: NumberRow; readonly columns: number }, wanted?: number): PlainNumber[][] {
    if (!Number.isSafeInteger(columns) || columns < 1 || (wanted !== undefined && columns !== wanted))
      wrongType(this.verb, `${field}.columns`, wanted === undefined ? "a whole number of 1 or more" : String(wanted), columns);
    const all = this.row(`${field}.values`, values);
    if (all.length % columns !== 0)
      wrongType(this.verb, `${field}.values`, `a whole number of rows of ${String(columns)}`, `${String(all.length)} values`);
    return Array.from({ length: all.length / columns }, (_, row) => all.slice(row * columns, (row + 1) * columns));
  }

  #number(field: string, at: number, value: unknown): PlainNumber {
    if (typeof value === "number") {
      if (Number.isFinite(value)) return value;
      this.nonFinite++;
      return null;
    }
    if (typeof value === "bigint") return Number(value);
    if (value === null) return null;
    return wrongType(this.verb, `${field}[${String(at)}]`, "a number", value);
  }
}

/** An array or a typed array; not a text, which has a length too. */
export function isRow(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function isFlat(value: unknown): value is { readonly values: NumberRow; readonly columns: number } {
  return typeof value === "object" && value !== null && !isRow(value) && "values" in value && "columns" in value;
}
