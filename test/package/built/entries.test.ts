import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { importGraph } from "./import-graph.js";

const root = path.resolve(import.meta.dirname, "../../..");
const dist = path.join(root, "dist");
const run = promisify(execFile);

interface Door {
  readonly import: { readonly types: string; readonly default: string };
  readonly require: { readonly types: string; readonly default: string };
}
interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, Door | string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as Manifest;
const doors = Object.entries(manifest.exports).filter((entry): entry is [string, Door] => typeof entry[1] !== "string");

/** Wide, because a loaded machine is slow; the aim is 50 ms. */
const IMPORT_BOUND_MS = 250;
const IMPORT_RUNS = 7;
/** One for each set of entries that share code; unmerged they were 39. */
const MOST_ROOT_FILES = 12;
/** As an ES module `util` evaluates all of itself, with threads and a diff; the others open the network before anybody asked. */
const SLOW_BUILTINS = ["util", "http", "https", "http2", "tls", "worker_threads", "inspector"];

describe("the built entries", () => {
  it.each(doors)("%s loads as ES module and as CommonJS, with the same names", async (subpath, door) => {
    const script = `
      const names = (entry) => Object.keys(entry).filter((name) => name !== "default" && name !== "module.exports" && name !== "__esModule").sort().join();
      import(${JSON.stringify(path.join(root, door.import.default))}).then((esm) => {
        const cjs = require(${JSON.stringify(path.join(root, door.require.default))});
        console.log(JSON.stringify([names(esm), names(cjs)]));
      });`;
    const { stdout } = await run(process.execPath, ["-e", script], { cwd: root });
    const [esm, cjs] = JSON.parse(stdout) as [string, string];
    expect(esm).not.toBe("");
    expect(cjs, subpath).toBe(esm);
  });

  it("name each error as it is exported, whatever the bundler calls its class", async () => {
    const script = `
      const errors = Object.entries(require(${JSON.stringify(path.join(dist, "index.cjs"))})).filter(([name]) => name.endsWith("Error"));
      console.log(JSON.stringify(errors.map(([name, Class]) => [name, new Class("x", { code: "CLOSED" }).name])));`;
    const { stdout } = await run(process.execPath, ["-e", script], { cwd: root });
    const names = JSON.parse(stdout) as [string, string][];
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter(([exported, name]) => exported !== name)).toEqual([]);
  });

  it("are those that the package exports", async () => {
    const built = (await readdir(dist, { recursive: true })).filter((name) => /^(.*\/)?index\.d\.ts$/.test(name));
    expect(built.map((name) => `./dist/${name}`).sort()).toEqual(doors.map(([, door]) => door.import.types).sort());
  });

  it.each(doors)("%s names its types before its code, in both formats", (_subpath, door) => {
    expect(Object.keys(door.import)).toEqual(["types", "default"]);
    expect(Object.keys(door.require)).toEqual(["types", "default"]);
  });

  it.each(["index.js", "index.cjs"])("the root (%s) loads neither server, program, mocks nor a heavy package", async (entry) => {
    const graph = await importGraph(dist, entry);
    expect(graph.sources.some((source) => source.startsWith("src/base/"))).toBe(true);
    expect(graph.sources.filter((source) => /^src\/(devserver|testing|cli)\//.test(source))).toEqual([]);
    expect(graph.packages.filter((name) => !builtinModules.includes(name))).toEqual([]);
  });

  it.each(["index.js", "index.cjs"])("the root (%s) is few files, and leaves out what is slow of Node's own", async (entry) => {
    const { files, packages } = await importGraph(dist, entry);
    expect(files.length).toBeLessThanOrEqual(MOST_ROOT_FILES);
    expect(packages.filter((name) => SLOW_BUILTINS.includes(name))).toEqual([]);
  });

  it.each(["clearml/index.js", "clearml/index.cjs"])("%s loads no heavy package before its first call", async (entry) => {
    const graph = await importGraph(dist, entry);
    expect(graph.sources.filter((source) => /^src\/(devserver|testing|cli|trainer|outbox)\//.test(source))).toEqual([]);
    expect(graph.packages.filter((name) => !builtinModules.includes(name))).toEqual([]);
  });

  it.each(doors)("%s needs at run time only what is a dependency or an optional peer", async (_subpath, door) => {
    const peers = Object.keys(manifest.peerDependencies);
    for (const file of [door.import.default, door.require.default]) {
      const graph = await importGraph(dist, path.relative("dist", file));
      const outside = graph.packages.filter((name) => !builtinModules.includes(name));
      expect(outside.filter((name) => !(name in manifest.dependencies) && !peers.includes(name))).toEqual([]);
    }
  });

  it("imports the root in little time", async () => {
    const script = `const before = performance.now(); import(${JSON.stringify(path.join(dist, "index.js"))}).then(() => console.log(performance.now() - before));`;
    const timesMs: number[] = [];
    for (let at = 0; at < IMPORT_RUNS; at++) timesMs.push(Number((await run(process.execPath, ["-e", script])).stdout));
    timesMs.sort((a, b) => a - b);
    const medianMs = timesMs[Math.floor(IMPORT_RUNS / 2)] ?? Number.NaN;
    console.log(`import of the root entry: median ${medianMs.toFixed(1)} ms of ${String(IMPORT_RUNS)} fresh processes (aim: 50 ms)`);
    expect(medianMs).toBeLessThan(IMPORT_BOUND_MS);
  });

  it.each(doors.filter(([subpath]) => subpath === "." || subpath === "./clearml"))(
    "%s declares no type of a package that need not be installed",
    async (_subpath, door) => {
      const files = (await readdir(dist, { recursive: true })).filter((file) => /\.d\.c?ts$/.test(file));
      const reached = new Set<string>();
      const visit = async (file: string): Promise<void> => {
        if (reached.has(file)) return;
        reached.add(file);
        const text = await readFile(path.join(dist, file), "utf8");
        expect(text, file).not.toMatch(/["'](?:@aws-sdk|@temporalio|msw|@mswjs)\b/);
        for (const [, target = ""] of text.matchAll(/from ["'](\.[^"']+)["']/g)) {
          const declared = path.posix.join(path.posix.dirname(file), target.replace(/\.(c?)js$/, ".d.$1ts"));
          if (files.includes(declared)) await visit(declared);
        }
      };
      for (const { types } of [door.import, door.require]) await visit(path.relative(dist, path.join(root, types)));
    },
  );

  it("prints nothing and leaves nothing open when it is imported and not used", async () => {
    const { stdout, stderr } = await run(
      process.execPath,
      ["--input-type=module", "-e", doors.map(([, door]) => `import ${JSON.stringify(path.join(root, door.import.default))};`).join("\n")],
      { timeout: 20_000 },
    );
    expect(stdout + stderr).toBe("");
  });

  it.each(["import", "require"] as const)("has stack traces that name the lines of the source (%s)", async (format) => {
    const entry = JSON.stringify(path.join(root, doors[0]?.[1][format].default ?? ""));
    const script = `import(${entry}).then(({ metricAddress }) => metricAddress(undefined)).catch((error) => console.log(error.stack));`;
    const { stdout } = await run(process.execPath, ["--enable-source-maps", "-e", script], { cwd: root });
    const [, file, line] = /at \S*metricAddress \((.+?):(\d+)/.exec(stdout) ?? [];
    expect(file, stdout).toBe(path.join(root, "src/records/metric-address.ts"));
    expect((await readFile(file ?? "", "utf8")).split("\n")[Number(line) - 1]).toContain("name.indexOf");
  });

  it("names no folder of the machine that built it", async () => {
    const maps = (await readdir(dist, { recursive: true })).filter((name) => name.endsWith(".map"));
    expect(maps.length).toBeGreaterThan(0);
    for (const name of maps) {
      const { sources } = JSON.parse(await readFile(path.join(dist, name), "utf8")) as { sources: string[] };
      expect(
        sources.filter((source) => path.isAbsolute(source)),
        name,
      ).toEqual([]);
    }
  });

  it("carries the licences of what is inside", async () => {
    const licences = await readFile(path.join(dist, "THIRD-PARTY-LICENSES.txt"), "utf8");
    for (const name of ["zod", "preact", "uplot"]) expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
  });
});
