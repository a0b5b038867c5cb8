/**
 * Few files instead of many. esbuild makes a file of every set of entries and lazy imports that share a module: 39 for the
 * root entry alone, and to find, read and link each cost a start more than the code in it. Here the files that the same
 * entries load become one, so that no entry loads more than before; CommonJS is written from the same.
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

/** Entries of processes that stay, where what is loaded later counts as well: a trainer, a backend, a worker. */
const RESIDENT = ["index", "clearml/index", "temporal/index"];

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
      // esbuild leaves files behind that hold nothing; nobody imports them.
      if (warning.code === "EMPTY_BUNDLE") return;
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

/**
 * The name of the file that a part goes to: one for all parts that the same entries load at once, and the same processes that stay
 * load later, whichever call of theirs it is. Entries, and what is only ever loaded later, stay by themselves.
 */
function groupByEntries(folder: string, entries: readonly string[], moduleOf: GetModuleInfo): Map<string, string> {
  const atOnce = (id: string): readonly string[] => moduleOf(id)?.importedIds ?? [];
  const later = (id: string): readonly string[] => moduleOf(id)?.dynamicallyImportedIds ?? [];
  const reach = (start: string, next: (id: string) => readonly string[]): Set<string> => {
    const seen = new Set([start]);
    for (const id of seen) for (const found of next(id)) if (moduleOf(found)?.isExternal === false) seen.add(found);
    return seen;
  };
  const doors = entries.map((entry) => {
    const file = fileOf(folder, entry);
    return { entry, file, first: reach(file, atOnce), ever: reach(file, (id) => [...atOnce(id), ...later(id)]) };
  });
  const residents = doors.filter(({ entry }) => RESIDENT.includes(entry));
  const keys = new Map<string, string>();
  for (const id of new Set(doors.flatMap(({ first }) => [...first]))) {
    if (doors.some(({ file }) => file === id)) continue;
    const loadedBy = doors.filter(({ first }) => first.has(id)).map(({ entry }) => entry);
    const neededLaterBy = residents.filter(({ first, ever }) => ever.has(id) && !first.has(id)).map(({ entry }) => entry);
    keys.set(id, `${loadedBy.join(" ")}, later ${neededLaterBy.join(" ")}`);
  }
  const groups = [...new Set(keys.values())];
  return new Map([...keys].map(([id, key]) => [id, `shared-${String(groups.indexOf(key))}`]));
}

function fileOf(folder: string, entry: string): string {
  return path.join(folder, `${entry}.js`);
}
