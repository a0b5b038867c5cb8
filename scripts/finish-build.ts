/**
 * The last step of a build: writes the licence texts of the packages whose code is inside our files, as those licences
 * ask, and marks the build as whole for `ensure-built.ts`.
 */
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";

const root = new URL("../", import.meta.url);
const dist = new URL("dist/", root);

interface Metafile {
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Folder of the package that a bundled file belongs to, `node_modules/...`; undefined for our own files. */
function packageFolder(input: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

async function licenceOf(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(new URL(`${folder}/package.json`, root), "utf8")) as { name: string; version: string; license: string };
  const file = (await readdir(new URL(folder, root))).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} is bundled but has no licence file. Leave it out of the bundle.`);
  const text = await readFile(new URL(`${folder}/${file}`, root), "utf8");
  return `${manifest.name} ${manifest.version} (${manifest.license})\n\n${text.trim()}\n`;
}

const folders = new Set<string>();
for (const name of await readdir(dist)) {
  if (!name.startsWith("metafile-")) continue;
  const { inputs } = JSON.parse(await readFile(new URL(name, dist), "utf8")) as Metafile;
  for (const input of Object.keys(inputs)) {
    const folder = packageFolder(input);
    if (folder !== undefined) folders.add(folder);
  }
  await rm(new URL(name, dist));
}
// The page's bundle is made by build-dashboard.ts, from these two.
for (const name of ["preact", "uplot"]) folders.add(`node_modules/${name}`);

const licences = await Promise.all([...folders].sort().map(licenceOf));
await writeFile(
  new URL("THIRD-PARTY-LICENSES.txt", dist),
  `Files in this folder contain code of the following packages.\n\n${licences.join(`\n${"-".repeat(80)}\n\n`)}`,
);
await rename(new URL(".building", dist), new URL(".built", dist));
