/** What a built file loads when it is imported: follows static imports from chunk to chunk, as Node does. */
import { readFile } from "node:fs/promises";
import path from "node:path";

export interface ImportGraph {
  /** Built files, relative to `dist`. */
  readonly files: readonly string[];
  /** Packages and Node modules that are imported statically. */
  readonly packages: readonly string[];
  /** Sources that the files are made of, by their source maps, relative to the project. */
  readonly sources: readonly string[];
}

const STATIC_IMPORT = /(?:^|\n)\s*(?:import|export)\s*(?:[^"'()]*?\sfrom\s*)?["']([^"']+)["']/g;
const REQUIRE = /(then\(\(\) => (?:\w+\()?)?require\(['"]([^'"]+)['"]\)/g;

/** @param entry A file in `dist`. */
export async function importGraph(dist: string, entry: string): Promise<ImportGraph> {
  const files = new Set<string>();
  const packages = new Set<string>();
  const sources = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (files.has(file)) return;
    files.add(file);
    const code = await readFile(path.join(dist, file), "utf8");
    const map = await readFile(path.join(dist, `${file}.map`), "utf8").catch(() => undefined);
    if (map !== undefined) {
      for (const source of (JSON.parse(map) as { sources: string[] }).sources) {
        sources.add(path.relative(path.dirname(dist), path.resolve(dist, path.dirname(file), source)));
      }
    }
    // In CommonJS a dynamic import becomes a require inside of `then`.
    const specifiers = file.endsWith(".cjs")
      ? [...code.matchAll(REQUIRE)].filter((match) => match[1] === undefined).map((match) => match[2] ?? "")
      : [...code.matchAll(STATIC_IMPORT)].map((match) => match[1] ?? "");
    for (const specifier of specifiers) {
      if (specifier.startsWith(".")) await visit(path.posix.join(path.posix.dirname(file), specifier));
      else packages.add(specifier.replace(/^node:/, "").replace(/^((?:@[^/]+\/)?[^/]+).*/, "$1"));
    }
  };
  await visit(entry);
  return { files: [...files].sort(), packages: [...packages].sort(), sources: [...sources].sort() };
}
