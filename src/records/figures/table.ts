/** A table of texts and numbers: `reportTable`. Cells are shown, not computed with, so what is not finite stands there by name. */
import { wrongType } from "../../base/check.js";
import { isPlainObject, merged, type DrawnPlot, type FigureSettings } from "./figure.js";
import { isRow, type NumberReader } from "./number-reader.js";
import { checkSettings, drawPlot, type PlotInput } from "./plot-input.js";

/** What may stand in a cell. Nothing is shown for `null` and `undefined`. */
export type TableCell = string | number | bigint | boolean | Date | null | undefined;

export interface TableInput extends Omit<PlotInput, "comment"> {
  /** Rows of cells, of which the first holds the headings; or one object for each row, with the headings as its keys. */
  readonly table: readonly (readonly TableCell[])[] | readonly Readonly<Record<string, TableCell>>[];
  /** Laid over the trace, by Plotly's own names, such as `{ columnwidth: [2, 1, 1] }`. */
  readonly extraData?: FigureSettings;
}

type PlainCell = string | number | boolean | null;

/** @throws ValidationError for an argument of the wrong type. */
export function drawTable(verb: string, input: TableInput): DrawnPlot {
  return drawPlot(verb, input, (given, reader) => {
    checkSettings(verb, "extraData", given.extraData);
    const { headings, columns } = readTable(reader, given.table);
    const trace = {
      type: "table",
      header: {
        values: headings,
        align: "left",
        line: { width: 0.5, color: "#d4d6e0" },
        fill: { color: "#fff" },
        font: { family: "Heebo, verdana, arial, sans-serif", size: 12, color: "#333" },
      },
      cells: {
        height: 30,
        values: columns,
        align: "left",
        line: { color: "white", width: 1 },
        font: { family: "Heebo, verdana, arial, sans-serif", size: 14, color: "#384161" },
      },
    };
    // Two titles, one of them under a name with a dot in it: so ClearML's own client writes it.
    const layout = { "title.text": given.title, title: given.series };
    return { data: [merged(trace, given.extraData)], layout: merged(layout, given.extraLayout) };
  });
}

function readTable(reader: NumberReader, table: unknown): { headings: PlainCell[]; columns: PlainCell[][] } {
  if (!isRow(table)) wrongType(reader.verb, "table", "an array of rows", table);
  const rows = Array.from(table);
  if (rows.length === 0) return { headings: [], columns: [] };
  if (isPlainObject(rows[0])) return readObjects(reader, rows);
  const [headings = [], ...cells] = rows.map((row, at) => {
    const field = `table[${String(at)}]`;
    if (!isRow(row)) wrongType(reader.verb, field, "an array of cells", row);
    return Array.from(row, (cell) => plainCell(reader, field, cell));
  });
  const width = headings.length;
  const odd = cells.findIndex((row) => row.length !== width);
  if (odd >= 0)
    wrongType(reader.verb, `table[${String(odd + 1)}]`, `a row of ${String(width)} cells`, `${String(cells[odd]?.length)} cells`);
  return { headings, columns: headings.map((_, column) => cells.map((row) => row[column] ?? null)) };
}

/** Headings in the order in which they first appear; a row without one has an empty cell there. */
function readObjects(reader: NumberReader, rows: readonly unknown[]): { headings: PlainCell[]; columns: PlainCell[][] } {
  const objects = rows.map((row, at) => (isPlainObject(row) ? row : wrongType(reader.verb, `table[${String(at)}]`, "an object", row)));
  const headings = [...new Set(objects.flatMap((row) => Object.keys(row)))];
  const columns = headings.map((heading) =>
    objects.map((row, at) => (Object.hasOwn(row, heading) ? plainCell(reader, `table[${String(at)}].${heading}`, row[heading]) : null)),
  );
  return { headings, columns };
}

function plainCell(reader: NumberReader, field: string, cell: unknown): PlainCell {
  switch (typeof cell) {
    case "string":
    case "boolean":
      return cell;
    case "bigint":
      return cell.toString();
    case "number":
      if (Number.isFinite(cell)) return cell;
      reader.nonFinite++;
      return Number.isNaN(cell) ? "NaN" : cell > 0 ? "Inf" : "-Inf";
    default:
      if (cell === null || cell === undefined) return null;
      if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? null : cell.toISOString();
      return wrongType(reader.verb, field, "a text, a number, true, false or a date", cell);
  }
}
