/**
 * Few files instead of many. esbuild makes a file of every set of entries and lazy imports that share a module: 39 for the
 * root entry alone, and to find, read and link each cost a start more than the code in it. Here the files that the same
 * entries load at once become one, so that no entry loads more than before; CommonJS is written from the same.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { rollup, type GetModuleInfo, type OutputOptions, type RollupBuild, type RollupCache } from "rollup";

export interface MergeOptions {
  /** Holds esbuild's ES modules with their maps; the merged files take their place. */
  readonly folder: string;
  /** Entries to write in both formats, without extension: `clearml/index`. */
  readonly doors: readonly string[];
  /** Entries to write as ES modules alone. */
  readonly programs: readonly string[];
}

/** @throws Error when rollup warns: each of its warnings tells of code that does something else than was written. */
export async function mergeChunks({ folder, doors, programs }: MergeOptions): Promise<void> {
  const commonJs = await readModules(folder, doors);
  await commonJs.write(outputOptions(folder, doors, { format: "cjs", extension: "cjs" }));
  const modules = await readModules(folder, [...doors, ...programs], commonJs.cache);
  const parts = (await readdir(folder, { recursive: true })).filter((name) => /\.js(\.map)?$/.test(name));
  await Promise.all(parts.map((name) => rm(path.join(folder, name))));
  await modules.write(outputOptions(folder, [...doors, ...programs], { format: "es", extension: "js" }));
}

function readModules(folder: string, entries: readonly string[], cache?: RollupCache): Promise<RollupBuild> {
  return rollup({
    input: Object.fromEntries(entries.map((entry) => [entry, fileOf(folder, entry)])),
    external: (id) => !id.startsWith(".") && !path.isAbsolute(id),
    plugins: [
      {
        name: "esbuild-parts",
        load: async (id) => ({ code: await readFile(id, "utf8"), map: await readFile(`${id}.map`, "utf8") }),
      },
    ],
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
    ...(cache && { cache }),
  });
}

function outputOptions(
  folder: string,
  entries: readonly string[],
  { format, extension }: { readonly format: "es" | "cjs"; readonly extension: string },
): OutputOptions {
  let groups: ReadonlyMap<string, string> | undefined;
  return {
    dir: folder,
    format,
    entryFileNames: `[name].${extension}`,
    // Without the hash that esbuild gave a part: there is another behind it.
    chunkFileNames: ({ name }) => `${name.replace(/-[A-Z0-9]{8}$/, "")}-[hash].${extension}`,
    manualChunks: (id, { getModuleInfo }) => (groups ??= groupByEntries(folder, entries, getModuleInfo)).get(id),
    sourcemap: true,
    sourcemapExcludeSources: true,
    interop: "auto",
    generatedCode: "es2015",
    // Each import is one more thing to resolve; files that are loaded anyway need not be named by the entry.
    hoistTransitiveImports: false,
    minifyInternalExports: false,
  };
}

/** The name of the file that a part goes to. Entries, and what is loaded on demand alone, stay by themselves. */
function groupByEntries(folder: string, entries: readonly string[], moduleOf: GetModuleInfo): Map<string, string> {
  const loadedBy = new Map<string, string>();
  for (const entry of entries) {
    const seen = new Set<string>();
    const visit = (id: string): void => {
      const found = seen.has(id) ? undefined : moduleOf(id);
      if (!found || found.isExternal) return;
      seen.add(id);
      found.importedIds.forEach(visit);
    };
    visit(fileOf(folder, entry));
    for (const id of seen) loadedBy.set(id, `${loadedBy.get(id) ?? ""} ${entry}`);
  }
  for (const entry of entries) loadedBy.delete(fileOf(folder, entry));
  const groups = [...new Set(loadedBy.values())].sort();
  return new Map([...loadedBy].map(([id, entriesOfIt]) => [id, `shared-${String(groups.indexOf(entriesOfIt))}`]));
}

function fileOf(folder: string, entry: string): string {
  return path.join(folder, `${entry}.js`);
}
