/**
 * `npm run api`: writes what each entry exports into docs/reference/api, where a change of it shows in a review. `-- --check`
 * writes nothing, and ends with 1 when the files differ from what was built.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describeApi } from "./describe-api.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = path.join(root, "docs/reference/api");
/** Lines of a difference that are shown. */
const SHOWN_LINES = 8;
const SHOWN_CHARACTERS = 200;

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly import: { readonly types: string } } | string>>;
}

const manifest = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as Manifest;
const doors = Object.entries(manifest.exports).flatMap(([subpath, door]) =>
  typeof door === "string" ? [] : [{ name: `trainer-sdk${subpath.slice(1)}`, types: path.join(root, door.import.types) }],
);
const reports = describeApi(doors);
const wanted = new Map(
  doors.map(({ name }, at) => [
    `${name.replaceAll("/", ".")}.api.txt`,
    `// What "${name}" exports. Written by npm run api; read by whoever reviews a change.\n\n${reports[at] ?? ""}`,
  ]),
);
const present = await readdir(folder).catch(() => []);

if (process.argv.includes("--check")) {
  for (const [file, text] of wanted) {
    const before = await readFile(path.join(folder, file), "utf8").catch(() => "");
    if (before !== text) complain(file, before, text);
  }
  for (const file of present) if (!wanted.has(file)) complain(file, "this file", "");
  if (process.exitCode === 1)
    console.error("What the package exports has changed. Run npm run api, look at the difference, and commit it.");
  else console.log(`${String(wanted.size)} entries export what docs/reference/api says.`);
} else {
  await mkdir(folder, { recursive: true });
  for (const file of present) if (!wanted.has(file)) await rm(path.join(folder, file));
  for (const [file, text] of wanted) await writeFile(path.join(folder, file), text);
}

/** The first lines that only one of the two has. */
function complain(file: string, before: string, after: string): void {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  const [olds, freshes] = [new Set(old), new Set(fresh)];
  const lines = [
    ...old.filter((line) => !freshes.has(line)).map((line) => `- ${line}`),
    ...fresh.filter((line) => !olds.has(line)).map((line) => `+ ${line}`),
  ];
  console.error(
    `docs/reference/api/${file}\n${
      lines
        .slice(0, SHOWN_LINES)
        .map((line) => (line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)} ...` : line))
        .join("\n") || "  the order differs"
    }\n`,
  );
  process.exitCode = 1;
}
