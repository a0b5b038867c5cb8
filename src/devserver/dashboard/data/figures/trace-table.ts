/** A trace's data as a table, for who cannot see the drawing or wants the digits. Pure. */
import type { TablePanel } from "./figure.js";
import { cellText, fieldsOf, listOf, matrixOf, type Fields } from "./trace-values.js";

/** Columns of a trace that are worth a table, in the order shown. */
const COLUMNS = ["labels", "x", "y", "z", "values", "text", "open", "high", "low", "close", "r", "theta"];

/** The table of a trace, or undefined when its data is not a table; then its JSON has to do. */
export function traceTable(trace: unknown): TablePanel | undefined {
  const fields = fieldsOf(trace);
  return matrixTable(fields) ?? columnTable(fields);
}

function matrixTable(fields: Fields): TablePanel | undefined {
  const z = matrixOf(fields["z"]);
  if (!z) return undefined;
  const names = listOf(fields["x"])?.map(cellText) ?? [];
  const rows = listOf(fields["y"])?.map(cellText) ?? [];
  const width = Math.max(...z.map((row) => row.length));
  return {
    kind: "table",
    header: ["", ...Array.from({ length: width }, (_none, index) => names[index] ?? String(index))],
    rows: z.map((row, index) => [rows[index] ?? String(index), ...row.map((value) => (value === null ? "" : String(value)))]),
  };
}

function columnTable(fields: Fields): TablePanel | undefined {
  const columns = COLUMNS.flatMap((name) => {
    const values = listOf(fields[name]);
    return values && values.length > 0 ? [{ name, values: values.map(cellText) }] : [];
  });
  if (columns.length === 0) return undefined;
  const height = Math.max(...columns.map(({ values }) => values.length));
  return {
    kind: "table",
    header: columns.map(({ name }) => name),
    rows: Array.from({ length: height }, (_none, row) => columns.map(({ values }) => values[row] ?? "")),
  };
}
