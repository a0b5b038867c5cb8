/** What the package may weigh, and where it weighs more. Compares figures; measuring is `measure-package.ts`. */

/** Bytes, by what they are bytes of: `import trainer-sdk`, `installed`, ... */
export type Figures = Readonly<Record<string, number>>;

/** One line of the table. */
export interface SizeRow {
  readonly name: string;
  /** Undefined: a budget for something that is no longer there. */
  readonly bytes: number | undefined;
  /** Undefined: nobody has decided on one. */
  readonly budget: number | undefined;
  readonly verdict: "fits" | "too much" | "no budget" | "gone" | "budget too wide";
}

/** A budget so far above its figure no longer notices growth. */
const WIDEST_SHARE = 1.25;
/** Room that a new budget leaves: small changes should not need a word. */
const ROOM_SHARE = 1.1;
const STEP_BYTES = 1024;
/** Below this a share means little. */
const SMALL_BYTES = 4 * STEP_BYTES;

/** Figures beside budgets, in the order of the figures. */
export function compareSizes(figures: Figures, budgets: Figures): SizeRow[] {
  const measured = Object.entries(figures).map(([name, bytes]): SizeRow => {
    const budget = budgets[name];
    return { name, bytes, budget, verdict: verdictOf(bytes, budget) };
  });
  const gone = Object.entries(budgets).filter(([name]) => !(name in figures));
  return [...measured, ...gone.map(([name, budget]): SizeRow => ({ name, bytes: undefined, budget, verdict: "gone" }))];
}

function verdictOf(bytes: number, budget: number | undefined): SizeRow["verdict"] {
  if (budget === undefined) return "no budget";
  if (bytes > budget) return "too much";
  return budget > bytes * WIDEST_SHARE + SMALL_BYTES ? "budget too wide" : "fits";
}

/** Budgets that fit the figures, with some room. */
export function budgetsFor(figures: Figures): Figures {
  return Object.fromEntries(
    Object.entries(figures).map(([name, bytes]) => [name, Math.ceil((bytes * ROOM_SHARE) / STEP_BYTES) * STEP_BYTES]),
  );
}

/** The table, for a terminal or a log. */
export function sizeTable(rows: readonly SizeRow[]): string {
  const cells = [
    ["", "size", "budget", "of it", ""],
    ...rows.map(({ name, bytes, budget, verdict }) => [
      name,
      inKiB(bytes),
      inKiB(budget),
      bytes === undefined || budget === undefined ? "" : `${String(Math.round((100 * bytes) / budget))} %`,
      verdict === "fits" ? "" : remark(verdict, bytes, budget),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

function remark(verdict: SizeRow["verdict"], bytes = 0, budget = 0): string {
  return verdict === "too much" ? `GREW: ${inKiB(bytes - budget)} too much` : verdict.toUpperCase();
}

function inKiB(bytes: number | undefined): string {
  return bytes === undefined ? "" : `${(bytes / 1024).toFixed(1)} KiB`;
}
