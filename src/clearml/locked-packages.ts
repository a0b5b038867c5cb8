/**
 * The packages that a program was run with: direct dependencies in the versions that its lock file pins. Reads the lock
 * files of npm, pnpm and yarn as far as that needs, and asks no registry. What cannot be read is left out.
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseJson } from "../base/json.js";

/** `name@version` lines, and the file that they come from. */
export interface LockedPackages {
  readonly manager: "npm" | "pnpm" | "yarn";
  readonly lockFile: string;
  /** Sorted by name. */
  readonly packages: readonly string[];
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Packages of the nearest lock file at or above a folder; undefined when there is none. */
export async function lockedPackages(folder: string): Promise<LockedPackages | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await packagesIn(at);
    if (found !== undefined || dirname(at) === at) return found;
  }
}

async function packagesIn(folder: string): Promise<LockedPackages | undefined> {
  const npm = await textOf(join(folder, "package-lock.json"));
  if (npm !== undefined) return { manager: "npm", lockFile: join(folder, "package-lock.json"), packages: npmPackages(npm) };
  const pnpm = await textOf(join(folder, "pnpm-lock.yaml"));
  if (pnpm !== undefined) return { manager: "pnpm", lockFile: join(folder, "pnpm-lock.yaml"), packages: pnpmPackages(pnpm) };
  const yarn = await textOf(join(folder, "yarn.lock"));
  if (yarn === undefined) return undefined;
  const manifest = parseJson((await textOf(join(folder, "package.json"))) ?? "{}") as Manifest | undefined;
  const wanted = { ...manifest?.dependencies, ...manifest?.optionalDependencies };
  return { manager: "yarn", lockFile: join(folder, "yarn.lock"), packages: yarnPackages(yarn, wanted) };
}

/** Of a `package-lock.json` of version 1, 2 or 3. */
export function npmPackages(text: string): readonly string[] {
  type Entry = Manifest & { readonly version?: string };
  const lock = parseJson(text) as
    | {
        readonly packages?: Record<string, Entry>;
        readonly dependencies?: Record<string, Entry & { readonly dev?: boolean }>;
      }
    | undefined;
  const root = lock?.packages?.[""];
  const locked = root
    ? Object.keys({ ...root.dependencies, ...root.optionalDependencies }).map((name) => [
        name,
        lock.packages?.[`node_modules/${name}`]?.version,
      ])
    : Object.entries(lock?.dependencies ?? {}).flatMap(([name, entry]) => (entry.dev === true ? [] : [[name, entry.version]]));
  return lines(locked);
}

/** Of a `pnpm-lock.yaml`: the importer `.`, or the whole file before importers were. */
export function pnpmPackages(text: string): readonly string[] {
  const found: [string, string][] = [];
  const path: { readonly indent: number; readonly key: string }[] = [];
  for (const line of text.split("\n")) {
    const [, spaces = "", rawKey = "", rawValue = ""] = /^( *)('[^']*'|"[^"]*"|[^\s:'"#][^:]*):(?: +(.*))?$/.exec(line.trimEnd()) ?? [];
    if (rawKey === "") continue;
    while (path.length > 0 && (path.at(-1)?.indent ?? 0) >= spaces.length) path.pop();
    path.push({ indent: spaces.length, key: unquoted(rawKey) });
    const keys = path.map(({ key }) => key);
    const [group, name, field] = keys[0] === "importers" ? (keys[1] === "." ? keys.slice(2) : []) : keys;
    if ((group !== "dependencies" && group !== "optionalDependencies") || name === undefined || rawValue === "") continue;
    // Peers that the version was resolved with stand behind it in parentheses, before them behind an underscore.
    if (field === undefined || field === "version") found.push([name, unquoted(rawValue).replace(/[(_].*$/, "")]);
  }
  return lines(found);
}

/** Of a `yarn.lock`, of yarn 1 or later: those that the manifest asks for. */
export function yarnPackages(text: string, wanted: Readonly<Record<string, string>>): readonly string[] {
  const versions = new Map<string, string>();
  let patterns: readonly string[] = [];
  for (const line of text.split("\n")) {
    if (/^\S.*:$/.test(line) && !line.startsWith("#"))
      patterns = line
        .slice(0, -1)
        .split(",")
        .map((pattern) => unquoted(pattern.trim()).replace(/^"|"$/g, ""));
    const [, version] = /^ {2}version:? "?([^"\s]+)"?$/.exec(line) ?? [];
    if (version !== undefined) for (const pattern of patterns) versions.set(pattern, version);
  }
  return lines(
    Object.entries(wanted).map(([name, range]) => [name, versions.get(`${name}@${range}`) ?? versions.get(`${name}@npm:${range}`)]),
  );
}

function lines(packages: readonly (readonly (string | undefined)[])[]): readonly string[] {
  return packages.flatMap(([name, version]) => (name !== undefined && version !== undefined ? [`${name}@${version}`] : [])).sort();
}

function unquoted(text: string): string {
  return text.trim().replace(/^(['"])(.*)\1$/, "$2");
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
