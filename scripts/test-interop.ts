/**
 * `npm run test:interop [-- suite ...] [--server env] [--json] [-- vitest's own arguments]`: the suites against real peers, a folder of
 * `test/interop` each. A folder brings its tests and `tools.ts`, whose `installTools(tell)` gets what it needs beyond npm; one that
 * exports `onlyWhenNamed` runs when it is named.
 * Ends with a table of what was called and compared, and fails on a difference, a failed test, or a suite that compared nothing.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { TallyLine } from "../test/interop/support/tally.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SUITES = path.join(ROOT, "test", "interop");

interface Suite {
  readonly name: string;
  readonly tools: string;
  /** Needs so much that it runs only when it is asked for by name. */
  readonly onlyWhenNamed: boolean;
}

/** What a suite's `tools.ts` exports. */
interface Tools {
  installTools(say: (message: string) => void): Promise<unknown>;
  readonly onlyWhenNamed?: boolean;
}

async function allSuites(): Promise<Suite[]> {
  const found: Suite[] = [];
  for (const name of (await readdir(SUITES)).sort()) {
    const tools = path.join(SUITES, name, "tools.ts");
    const isSuite = await access(tools).then(
      () => true,
      () => false,
    );
    if (!isSuite) continue;
    const { onlyWhenNamed = false } = (await import(pathToFileURL(tools).href)) as Tools;
    found.push({ name, tools, onlyWhenNamed });
  }
  return found;
}

/** What the command line asks for. */
function parsed(known: readonly Suite[]) {
  const given = process.argv.slice(2);
  const split = given.indexOf("--");
  const { values, positionals } = parseArgs({
    args: split === -1 ? given : given.slice(0, split),
    allowPositionals: true,
    options: { server: { type: "string", default: "embedded" }, json: { type: "boolean", default: false } },
  });
  const names = known.map(({ name }) => name);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`There is no suite ${unknown.join(", ")}; there are ${names.join(", ")}.`);
  if (values.server !== "embedded" && values.server !== "env")
    throw new Error(`--server is embedded, or env for the one that CLEARML_API_HOST and its companions name; not ${values.server}.`);
  return {
    suites: known.filter(({ name, onlyWhenNamed }) => (positionals.length === 0 ? !onlyWhenNamed : positionals.includes(name))),
    server: values.server,
    json: values.json,
    forVitest: split === -1 ? [] : given.slice(split + 1),
  };
}

interface Row {
  suite: string;
  part: string;
  calls: number;
  compared: number;
  differences: string[];
}

/** The lines of a tally file, those of one part as one. */
async function rowsOf(file: string): Promise<Row[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  const rows = new Map<string, Row>();
  for (const written of text.split("\n").filter(Boolean)) {
    const line = JSON.parse(written) as TallyLine;
    const key = `${line.suite}/${line.part}`;
    const row = rows.get(key) ?? { suite: line.suite, part: line.part, calls: 0, compared: 0, differences: [] };
    rows.set(key, row);
    row.calls += line.calls;
    row.compared += line.compared;
    row.differences.push(...line.differences);
  }
  return [...rows.values()].sort((one, other) => `${one.suite} ${one.part}`.localeCompare(`${other.suite} ${other.part}`));
}

function table(rows: readonly Row[]): string {
  const total: Row = { suite: "together", part: "", calls: 0, compared: 0, differences: [] };
  for (const row of rows) {
    total.calls += row.calls;
    total.compared += row.compared;
    total.differences.push(...row.differences);
  }
  const cells = [
    ["suite", "part", "calls made", "objects compared", "differences"],
    ...[...rows, total].map((row) => [row.suite, row.part, ...[row.calls, row.compared, row.differences.length].map(String)]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ");
  return cells.map(line).join("\n");
}

const asked = parsed(await allSuites());
// With --json the standard output is for the one line at the end.
const tell = (message: string): void => void process.stderr.write(`${message}\n`);
const folder = await mkdtemp(path.join(tmpdir(), "interop-"));
const tallyFile = path.join(folder, "tally.jsonl");
try {
  for (const { tools } of asked.suites) {
    const room = (await import(pathToFileURL(tools).href)) as Tools;
    await room.installTools(tell);
  }
  const patterns = asked.suites.map(({ name }) => `test/interop/${name}/`);
  const vitest = spawn(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "--project", "interop", ...patterns, ...asked.forVitest],
    {
      cwd: ROOT,
      stdio: ["ignore", asked.json ? 2 : "inherit", "inherit"],
      env: { ...process.env, INTEROP_TALLY: tallyFile, INTEROP_SERVER: asked.server },
    },
  );
  const [code] = (await once(vitest, "exit")) as [number | null];
  const rows = await rowsOf(tallyFile);
  const idle = asked.suites.map(({ name }) => name).filter((name) => !rows.some((row) => row.suite === name && row.compared > 0));
  const differences = rows.flatMap((row) => row.differences);
  const ok = code === 0 && differences.length === 0 && (idle.length === 0 || asked.forVitest.length > 0);
  if (asked.json) console.log(JSON.stringify({ ok, rows, idle }));
  else console.log(`\n${table(rows)}`);
  if (idle.length > 0) tell(`Compared nothing: ${idle.join(", ")}.`);
  process.exitCode = ok ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
