/** `npm run bench`: measures the rows one after the other and prints one table. Progress goes to stderr. */
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { helpText, parseBenchOptions, type BenchOptions } from "./command-line.ts";
import { reportMarkdown, reportTable, type MeasuredRow } from "./report-table.ts";
import { verdictOf, type Figure, type Row } from "./row.ts";
import { ROWS } from "./rows/all-rows.ts";
import { installPeers } from "./peers/install-peers.ts";
import { median } from "./statistics.ts";
import { Workplace } from "./workplace.ts";

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const names = ROWS.map(({ name }) => name);
  const options = parseBenchOptions(args, names);
  if (options.help) {
    process.stdout.write(helpText(ROWS));
    return 0;
  }
  const startedAt = new Date();
  const rows = ROWS.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  await using workplace = await Workplace.open();
  // Nothing that was started may outlive the benchmark.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void workplace[Symbol.asyncDispose]().finally(() => process.exit(signal === "SIGINT" ? 130 : 143)));
  if (options.install) await installPeers(workplace, progress);
  const measured: MeasuredRow[] = [];
  for (const row of rows) {
    measured.push(await measure(row, options, workplace));
    // A table for each row as it comes, so that a run that is cut short has told what it knows.
    process.stderr.write(`${reportTable(measured.slice(-1))}\n`);
  }
  const floorsHold = measured.every(
    ({ figures, failure }) => failure === undefined && figures.every((figure) => verdictOf(figure) !== "FLOOR BROKEN"),
  );
  const machine = { cores: availableParallelism(), processor: cpus()[0]?.model ?? "?", memoryBytes: totalmem(), node: process.version };
  const load = loadavg();
  process.stdout.write(reportTable(measured));
  process.stdout.write(
    `\n${String(machine.cores)} cores (${machine.processor}), Node ${machine.node}, load average at the end ${load.map((value) => value.toFixed(1)).join(" ")}\n`,
  );
  const unmeasured = measured.flatMap(({ name, figures }) =>
    figures.filter((figure) => verdictOf(figure) === "not measured").map(({ what }) => `${name}: ${what}`),
  );
  process.stdout.write(floorsHold ? "All floors that were measured hold.\n" : "A floor is broken, or a row failed.\n");
  if (unmeasured.length > 0) process.stdout.write(`Not measured: ${unmeasured.join("; ")}.\n`);
  if (options.markdown !== undefined) await writeFile(options.markdown, reportMarkdown(measured));
  if (options.json !== undefined) {
    const rowsOut = measured.map((row) => ({ ...row, figures: row.figures.map((figure) => ({ ...figure, verdict: verdictOf(figure) })) }));
    const result = {
      ok: floorsHold,
      quick: options.quick,
      repeat: options.repeat,
      startedAt,
      endedAt: new Date(),
      machine,
      load,
      rows: rowsOut,
    };
    await writeFile(options.json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
  return floorsHold ? 0 : 1;
}

async function measure(row: Row, { repeat, quick, install }: BenchOptions, workplace: Workplace): Promise<MeasuredRow> {
  const { name, title } = row;
  const runs: (readonly Figure[])[] = [];
  try {
    for (let at = 1; at <= repeat; at++) {
      progress(`${name}: ${title}${repeat > 1 ? ` (${String(at)} of ${String(repeat)})` : ""}`);
      runs.push(await row.measure({ workplace, quick, install, progress: (message) => progress(`  ${message}`) }));
    }
    return { name, title, figures: medians(runs) };
  } catch (error) {
    return { name, title, figures: medians(runs), failure: error instanceof Error ? error.message : String(error) };
  }
}

/** Figure by figure; the first run says which there are. */
function medians(runs: readonly (readonly Figure[])[]): readonly Figure[] {
  return (runs[0] ?? []).map((figure) => {
    const values = runs.flatMap((figures) => figures.find(({ what }) => what === figure.what)?.value ?? []);
    return values.length === 0 ? figure : { ...figure, value: median(values) };
  });
}

function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}
