/** The packed archive, projects that install it, and the Node versions they run on. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

export const projectRoot = path.resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);
/** The registry's packages are many; the second install of a machine comes from npm's cache. */
const INSTALL_TIMEOUT_MS = 240_000;

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a failure is an answer. */
export async function execute(program: string, args: readonly string[], cwd: string): Promise<Output> {
  try {
    const { stdout, stderr } = await run(program, args, {
      cwd,
      timeout: INSTALL_TIMEOUT_MS,
      env: cleanEnvironment(),
      maxBuffer: 64 * 1024 * 1024,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr, message } = error as Error & Partial<{ code: number; stdout: string; stderr: string }>;
    return { code: typeof code === "number" ? code : 1, stdout: stdout ?? "", stderr: (stderr ?? "") || message };
  }
}

/** Without what npm and vitest tell their children: a consumer knows nothing of us. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle|config_local|command|execpath|node)|VITEST|NODE_(ENV|OPTIONS|PATH)|INIT_CWD|TEST)/i.test(name),
  );
  return Object.fromEntries(kept);
}

async function succeed(program: string, args: readonly string[], cwd: string): Promise<string> {
  const output = await execute(program, args, cwd);
  if (output.code !== 0) throw new Error(`${program} ${args.join(" ")} failed in ${cwd}:\n${output.stdout}\n${output.stderr}`);
  return output.stdout;
}

/** A folder for the whole test file. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "trainer-sdk-consumers-"));
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Packs what `npm run build` left in `dist`, as publishing would. */
export async function pack(
  into: string,
): Promise<{ readonly archive: string; readonly files: readonly string[]; readonly unpackedBytes: number }> {
  const printed = await succeed("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", into], projectRoot);
  const parsed = JSON.parse(printed) as PackReport[] | Record<string, PackReport>;
  const [report] = Object.values(parsed);
  if (!report) throw new Error("npm pack named no archive.");
  return { archive: path.join(into, report.filename), files: report.files.map((file) => file.path), unpackedBytes: report.unpackedSize };
}

interface PackReport {
  readonly unpackedSize: number;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Copies `projects/<name>` and installs the archive there, with `beside` (versions as in our own lock file) and `versions`. */
export async function installProject(
  name: string,
  into: string,
  archive: string,
  beside: readonly string[] = [],
  versions: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = path.join(into, name);
  await mkdir(folder, { recursive: true });
  await cp(path.join(import.meta.dirname, "projects", name), folder, { recursive: true });
  const dependencies = Object.fromEntries(
    await Promise.all(beside.map(async (dependency) => [dependency, await ownVersion(dependency)] as const)),
  );
  const manifest = {
    name: `consumer-${name}`,
    private: true,
    dependencies: { ...dependencies, ...versions, "trainer-sdk": `file:${archive}` },
  };
  await writeFile(path.join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  await succeed("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"], folder);
  return folder;
}

async function ownVersion(dependency: string): Promise<string> {
  return (JSON.parse(await readFile(path.join(projectRoot, "node_modules", dependency, "package.json"), "utf8")) as { version: string })
    .version;
}

/**
 * The program of a Node version, from the npm package `node`; installed once, into `.cache`. Made beside its place and then
 * moved there, because test files run side by side.
 */
export async function nodeOf(version: string): Promise<string> {
  const nodes = path.join(projectRoot, ".cache/nodes");
  const folder = path.join(nodes, version);
  const program = path.join(folder, "node_modules/node/bin/node");
  if (await stat(program).catch(() => undefined)) return program;
  await mkdir(nodes, { recursive: true });
  const staging = await mkdtemp(path.join(nodes, "installing-"));
  await writeFile(path.join(staging, "package.json"), JSON.stringify({ private: true, allowScripts: { node: true } }));
  await succeed("npm", ["install", `node@${version}`, "--no-audit", "--no-fund", "--loglevel=error"], staging);
  await rename(staging, folder).catch(() => rm(staging, { recursive: true, force: true }));
  return program;
}
