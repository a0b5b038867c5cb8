/** The table at the end: value, bar, verdict. For people, as text or for a page of the documentation; `--json` is for programs. */
import { verdictOf, type Bar, type Figure } from "./row.ts";

export interface MeasuredRow {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  /** The row ended by this error; what it had measured is lost. */
  readonly failure?: string;
}

/** One text table for all rows. */
export function reportTable(rows: readonly MeasuredRow[]): string {
  const lines: string[] = [];
  for (const { name, title, figures, failure } of rows) {
    lines.push("", `${name}: ${title}`);
    if (failure !== undefined) lines.push(`  FAILED: ${failure}`);
    const cells = figures.map((figure) => [
      figure.what,
      shown(figure),
      figure.bars.map(barText).join(", "),
      verdictOf(figure),
      figure.note ?? "",
    ]);
    const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)));
    for (const row of cells) lines.push(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
  }
  return `${lines.join("\n")}\n`;
}

/** The same as Markdown, a table for each row. */
export function reportMarkdown(rows: readonly MeasuredRow[]): string {
  return rows
    .map(({ name, title, figures, failure }) => {
      const cells = figures.map((figure) => {
        const what = figure.note === undefined ? figure.what : `${figure.what} (${figure.note})`;
        return `| ${[what, shown(figure), figure.bars.map(barText).join(", "), verdictOf(figure)].join(" | ")} |`;
      });
      const failed = failure === undefined ? [] : [`Failed: ${failure}`, ""];
      return [
        `**\`${name}\`**: ${title}`,
        "",
        ...failed,
        "| what | value | bar | verdict |",
        "| --- | --- | --- | --- |",
        ...cells,
        "",
      ].join("\n");
    })
    .join("\n");
}

function shown({ value, unit }: Figure): string {
  return value === undefined ? "-" : `${rounded(value)} ${unit}`;
}

/** Three digits that count. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

function barText({ kind, side, value }: Bar): string {
  const sign = { "at most": "<=", "at least": ">=", below: "<", above: ">" }[side];
  return `${kind} ${sign} ${value.toLocaleString("en-US")}`;
}
