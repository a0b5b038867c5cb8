/**
 * `npm run size`: what the package weighs beside what it may (size-budget.json). Ends with 1 when something weighs more, has no
 * budget, or so wide a one that growth would go unseen. `-- --write` makes the budgets fit; the commit says why.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { measurePackage } from "./measure-package.ts";
import { budgetsFor, compareSizes, sizeTable, type Figures } from "./size-budget.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const file = `${root}size-budget.json`;

const figures = await measurePackage(root);
if (process.argv.includes("--write")) await writeFile(file, `${JSON.stringify(budgetsFor(figures), undefined, 2)}\n`);
const rows = compareSizes(figures, JSON.parse(await readFile(file, "utf8")) as Figures);
console.log(sizeTable(rows));
const wrong = rows.filter(({ verdict }) => verdict !== "fits");
if (wrong.length > 0) {
  console.error(`\nNot as size-budget.json says: ${wrong.map(({ name }) => name).join(", ")}.`);
  console.error("Find what came along; when it is worth its weight, run npm run size -- --write and say so in the commit.");
  process.exitCode = 1;
}
