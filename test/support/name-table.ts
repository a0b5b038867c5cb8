/** The tables of `docs/how-to/from-python.md`, by section: names of the Python SDK and what stands for them here. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const GUIDE = fileURLToPath(new URL("../../docs/how-to/from-python.md", import.meta.url));

export interface NameRow {
  readonly python: readonly string[];
  /** Empty when it is left out. */
  readonly ours: readonly string[];
  readonly remark: string;
}

const ticked = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "");

/** Rows by the heading above them. */
export async function readNameTables(): Promise<ReadonlyMap<string, readonly NameRow[]>> {
  const tables = new Map<string, NameRow[]>();
  let heading = "";
  for (const line of (await readFile(GUIDE, "utf8")).split("\n")) {
    if (line.startsWith("#")) heading = line.replace(/^#+ /, "");
    const [, python = "", ours = "", remark = ""] = line.split("|").map((cell) => cell.trim());
    if (!line.startsWith("| `")) continue;
    const rows = tables.get(heading) ?? [];
    tables.set(heading, rows);
    rows.push({ python: ticked(python), ours: ticked(ours), remark });
  }
  return tables;
}
