/**
 * Builds `dist/`: beside it first, and then in its place, so that whoever runs from it never sees half a build. One build at
 * a time; everything is said on stderr, because stdout may belong to what follows.
 */
import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";
import { buildDashboard } from "./build-dashboard.ts";
import { mergeChunks } from "./merge-chunks.ts";
import { bundledPackages, thirdPartyLicences, type Metafile } from "./third-party-licences.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const dist = `${root}/dist`;
/** Its time is that of the build's start: what was edited since is newer. */
const stamp = `${dist}/.built`;
const lock = `${root}/.cache/build.lock`;
const SOURCES = [
  "src",
  "scripts/build-dashboard.ts",
  "scripts/merge-chunks.ts",
  "tsup.config.ts",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.dashboard.json",
];
/** The page is bundled by a script of its own, from these. */
const PAGE_PACKAGES = ["node_modules/preact", "node_modules/uplot"];

/** @throws Error with the bundler's own words. */
export async function buildPackage(options: { readonly onlyWhenStale?: boolean } = {}): Promise<void> {
  if (options.onlyWhenStale === true && !(await isStale())) return;
  await withLock(async () => {
    // Another process may have built while this one waited.
    if (options.onlyWhenStale === true && !(await isStale())) return;
    const staging = `${root}/dist-${String(process.pid)}`;
    const startedAt = new Date();
    try {
      await mkdir(staging);
      bundle(`dist-${String(process.pid)}`);
      await mergeChunks({ folder: staging, doors: await exportedEntries(), programs: ["cli/main"] });
      await thinSourceMaps(staging);
      await chmod(`${staging}/cli/bin.cjs`, 0o755);
      await buildDashboard(`${staging}/dashboard`);
      await writeFile(
        `${staging}/THIRD-PARTY-LICENSES.txt`,
        await thirdPartyLicences(root, [...(await takeMetafiles(staging)), ...PAGE_PACKAGES]),
      );
      await writeFile(`${staging}/.built`, "");
      await utimes(`${staging}/.built`, startedAt, startedAt);
      await rm(`${staging}-old`, { recursive: true, force: true });
      await rename(dist, `${staging}-old`).catch(() => undefined);
      await rename(staging, dist);
    } finally {
      await Promise.all([staging, `${staging}-old`].map((folder) => rm(folder, { recursive: true, force: true })));
    }
  });
}

function bundle(into: string): void {
  process.stderr.write("Building trainer-sdk ...\n");
  const tsup = spawnSync(process.execPath, [`${root}/node_modules/tsup/dist/cli-default.js`, "--silent", "--out-dir", into], {
    cwd: root,
    encoding: "utf8",
  });
  if (tsup.status !== 0) throw new Error(`The build failed.\n${tsup.stdout}${tsup.stderr}`);
}

/** By package.json, which a test compares with the entries of the bundler. */
async function exportedEntries(): Promise<string[]> {
  const manifest = JSON.parse(await readFile(`${root}/package.json`, "utf8")) as {
    readonly exports: Readonly<Record<string, { readonly import: { readonly default: string } } | string>>;
  };
  return Object.values(manifest.exports).flatMap((door) =>
    typeof door === "string" ? [] : [door.import.default.replace(/^\.\/dist\//, "").replace(/\.js$/, "")],
  );
}

/** Packages inside of the bundles; the bundler's reports on them are then removed. */
async function takeMetafiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith("metafile-"));
  const packages: string[] = [];
  for (const name of names) {
    packages.push(...bundledPackages(JSON.parse(await readFile(`${folder}/${name}`, "utf8")) as Metafile));
    await rm(`${folder}/${name}`);
  }
  return packages;
}

/**
 * Leaves in each map what a stack trace needs, the file and the line that a line of ours came from: columns and names would
 * weigh three times as much. No source is named by its absolute path, which is nobody's business.
 */
async function thinSourceMaps(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith(".map")) continue;
    const map = JSON.parse(await readFile(`${folder}/${name}`, "utf8")) as { sources: string[]; mappings: string };
    const sources = map.sources.map((source) => (path.isAbsolute(source) ? path.basename(source) : source));
    const lines = decode(map.mappings).map((segments) =>
      segments.slice(0, 1).map(([column, source = 0, line = 0]): SourceMapSegment => [column, source, line, 0]),
    );
    const thin = { version: 3, file: path.basename(name, ".map"), sources, names: [], mappings: encode(lines) };
    await writeFile(`${folder}/${name}`, JSON.stringify(thin));
  }
}

async function isStale(): Promise<boolean> {
  const builtAtMs = await modifiedAtMs(stamp);
  if (builtAtMs === undefined) return true;
  for (const source of SOURCES) {
    const entries = await readdir(`${root}/${source}`, { recursive: true }).catch(() => [] as string[]);
    for (const file of [source, ...entries.map((entry) => `${source}/${entry}`)]) {
      if (((await modifiedAtMs(`${root}/${file}`)) ?? 0) > builtAtMs) return true;
    }
  }
  return false;
}

async function modifiedAtMs(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.mtimeMs;
}

async function withLock(work: () => Promise<void>): Promise<void> {
  await mkdir(`${root}/.cache`, { recursive: true });
  while (!(await tryLock())) await sleep(200);
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** A lock whose holder is gone is taken over. */
async function tryLock(): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    const holder = Number(await readFile(lock, "utf8").catch(() => ""));
    if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true });
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
