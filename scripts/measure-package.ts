/**
 * How many bytes the package costs those who use it. Code is counted minified, as a bundler counts it, together with the
 * dependencies that come along; optional peers are whoever's who installs them, and count nowhere.
 */
import { spawnSync } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import type { Figures } from "./size-budget.ts";

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly import: { readonly default: string } } | string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}
interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly peer?: boolean; readonly devOptional?: boolean }>>;
}

/**
 * - `import <entry>`: what is read and compiled before the first line of the importer runs;
 * - `<entry> whole`: with all that it loads later, on demand;
 * - `dashboard`: the page that the embedded server serves;
 * - `archive`, `unpacked`: what npm downloads, and what it becomes;
 * - `installed`: unpacked, with every dependency that comes along.
 *
 * @throws Error when nothing is built.
 */
export async function measurePackage(root: string): Promise<Figures> {
  const manifest = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as Manifest;
  const figures: Record<string, number> = {};
  for (const [subpath, door] of Object.entries(manifest.exports)) {
    if (typeof door === "string") continue;
    const name = `trainer-sdk${subpath.slice(1)}`;
    const { first, whole } = await bundledBytes(path.join(root, door.import.default), Object.keys(manifest.peerDependencies));
    figures[`import ${name}`] = first;
    figures[`${name} whole`] = whole;
  }
  const { packed, unpacked } = packedBytes(root);
  figures["dashboard"] = await folderBytes(path.join(root, "dist/dashboard"));
  figures["archive"] = packed;
  figures["unpacked"] = unpacked;
  figures["installed"] = unpacked + (await dependencyBytes(root));
  return figures;
}

async function bundledBytes(entry: string, external: readonly string[]): Promise<{ readonly first: number; readonly whole: number }> {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    write: false,
    outdir: "out",
    format: "esm",
    platform: "node",
    target: "node22.19",
    external: external.flatMap((name) => [name, `${name}/*`]),
    logLevel: "error",
  });
  // Paths of the report are relative to the working directory.
  const start = Object.keys(metafile.outputs).find((output) => {
    const from = metafile.outputs[output]?.entryPoint;
    return from !== undefined && path.resolve(from) === path.resolve(entry);
  });
  if (start === undefined) throw new Error(`${entry} was not bundled.`);
  const first = new Set<string>();
  const visit = (output: string): void => {
    if (first.has(output)) return;
    first.add(output);
    for (const imported of metafile.outputs[output]?.imports ?? [])
      if (imported.kind === "import-statement" && imported.external !== true) visit(imported.path);
  };
  visit(start);
  const bytesOf = (outputs: Iterable<string>): number =>
    [...outputs].reduce((sum, output) => sum + (metafile.outputs[output]?.bytes ?? 0), 0);
  return { first: bytesOf(first), whole: bytesOf(Object.keys(metafile.outputs)) };
}

function packedBytes(root: string): { readonly packed: number; readonly unpacked: number } {
  const npm = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"], { cwd: root, encoding: "utf8" });
  if (npm.status !== 0) throw new Error(`npm pack failed: ${npm.stderr}`);
  const [report] = Object.values(JSON.parse(npm.stdout) as Record<string, { readonly size: number; readonly unpackedSize: number }>);
  if (!report) throw new Error("npm pack named no archive.");
  return { packed: report.size, unpacked: report.unpackedSize };
}

/** Of every package that an installation brings along, by the lock file. */
async function dependencyBytes(root: string): Promise<number> {
  const { packages } = JSON.parse(await readFile(path.join(root, "package-lock.json"), "utf8")) as LockFile;
  const production = Object.entries(packages).filter(
    ([folder, { dev, peer, devOptional }]) => folder !== "" && dev !== true && peer !== true && devOptional !== true,
  );
  const sizes = await Promise.all(production.map(([folder]) => folderBytes(path.join(root, folder))));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** Without the packages inside of a package, which the lock file lists by themselves. */
async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !path.relative(folder, file).split(path.sep).includes("node_modules"));
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
