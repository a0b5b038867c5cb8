/** Tables as ClearML's own client stores data frames: CSV with the row's number in a first column without a name. Pure. */
import { ValidationError } from "../base/errors.js";

/** A value of a table; null and undefined are empty cells. */
export type ArtifactCell = string | number | boolean | bigint | Date | null | undefined;

/** Rows under named columns. */
export interface ArtifactTable {
  readonly columns: readonly string[];
  /** Each as long as `columns`. */
  readonly rows: readonly (readonly ArtifactCell[])[];
}

const PREVIEW_ROWS = 10;
const PREVIEW_CELL_CHARACTERS = 40;

/** The table as CSV. @throws ValidationError when a row is not as long as the columns. */
export function csvText({ columns, rows }: ArtifactTable): string {
  const wrong = rows.findIndex((row) => row.length !== columns.length);
  if (wrong >= 0) {
    const message = `has ${String(rows[wrong]?.length)} cells under ${String(columns.length)} columns`;
    throw new ValidationError(`Row ${String(wrong)} of the table ${message}.`, [{ path: `table.rows.${String(wrong)}`, message }]);
  }
  const lines = [["", ...columns], ...rows.map((row, index) => [String(index), ...row.map(cellText)])];
  return lines.map((line) => `${line.map(quoted).join(",")}\n`).join("");
}

/** The first and last rows, aligned, and how many there are: what a data frame prints. */
export function tablePreview({ columns, rows }: ArtifactTable): string {
  const shown = rows.length <= PREVIEW_ROWS ? rows : [...rows.slice(0, PREVIEW_ROWS / 2), ...rows.slice(-PREVIEW_ROWS / 2)];
  const numbers = rows.map((_row, index) => String(index));
  const shownNumbers = rows.length <= PREVIEW_ROWS ? numbers : [...numbers.slice(0, PREVIEW_ROWS / 2), ...numbers.slice(-PREVIEW_ROWS / 2)];
  const lines = [["", ...columns], ...shown.map((row, index) => [shownNumbers[index] ?? "", ...row.map(cellText)])].map((line) =>
    line.map((cell) => (cell.length > PREVIEW_CELL_CHARACTERS ? `${cell.slice(0, PREVIEW_CELL_CHARACTERS - 3)}...` : cell)),
  );
  if (rows.length > PREVIEW_ROWS) lines.splice(1 + PREVIEW_ROWS / 2, 0, ["..", ...columns.map(() => "...")]);
  const widths = ["", ...columns].map((_column, at) => Math.max(...lines.map((line) => (line[at] ?? "").length)));
  const text = lines.map((line) =>
    line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  "),
  );
  return `${text.join("\n")}\n\n[${String(rows.length)} rows x ${String(columns.length)} columns]`;
}

function cellText(cell: ArtifactCell): string {
  if (cell === null || cell === undefined || (typeof cell === "number" && Number.isNaN(cell))) return "";
  if (typeof cell === "boolean") return cell ? "True" : "False";
  if (cell instanceof Date) return cell.toISOString();
  if (cell === Infinity) return "inf";
  if (cell === -Infinity) return "-inf";
  return String(cell);
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
