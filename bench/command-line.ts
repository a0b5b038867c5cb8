/** What the benchmark's command line says. Pure. */
import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly help: boolean;
  readonly quick: boolean;
  /** Where to leave the figures for programs. */
  readonly json: string | undefined;
  /** Where to leave them as tables for a page. */
  readonly markdown: string | undefined;
  /** Empty: all rows. */
  readonly only: readonly string[];
  /** How often each row is measured; the median of each figure counts. */
  readonly repeat: number;
  /** Install what is compared with, or do without what is not there. */
  readonly install: boolean;
}

/** @throws Error that says what is wrong with the arguments. */
export function parseBenchOptions(args: readonly string[], rowNames: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h", default: false },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      markdown: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      repeat: { type: "string", default: "1" },
      "no-install": { type: "boolean", default: false },
    },
  });
  const only = [...positionals, ...values.only].flatMap((names) => names.split(","));
  for (const name of only)
    if (!rowNames.includes(name)) throw new Error(`There is no row ${JSON.stringify(name)}; there are ${rowNames.join(", ")}.`);
  const repeat = Number(values.repeat);
  if (!Number.isInteger(repeat) || repeat < 1) throw new Error(`--repeat must be a whole number of 1 or more, not ${values.repeat}.`);
  return {
    help: values.help,
    quick: values.quick,
    json: values.json,
    markdown: values.markdown,
    only,
    repeat,
    install: !values["no-install"],
  };
}

export function helpText(rows: readonly { readonly name: string; readonly title: string }[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return `npm run bench -- [options] [rows]

Measures every row of the promises about speed, beside the official ClearML client for Python, plain fetch and the
fastest uploaders there are. Exits with 1 when a floor is broken; a missed aim is told and fails nothing.

  --quick         smaller loads, about four minutes
  --only ROW      this row alone, as if it were named without the option; several with commas
  --repeat N      measure each row N times and take the median of each figure
  --json FILE     leave the figures in a file, for programs
  --markdown FILE the same as tables for a page
  --no-install    do without what is not installed under .cache/bench yet
  --help

Rows
${rows.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`).join("\n")}
`;
}
