/**
 * `npm run stopwatch`: how long somebody waits who has nothing but git, Node and npm, until a chart of a running training is
 * before them. Clones the last commit into a temporary folder, installs, starts the demo, and takes the time.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Laps, lapTable } from "./stopwatch-laps.ts";
import { chartDrawn, chromiumPath, firstScalar } from "./watch-demo.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const LIMIT_MS = 15 * 60_000;
const CHART_LIMIT_MS = 60_000;
const USAGE = `Usage: npm run stopwatch -- [options]

  --cold   download every package anew, instead of from npm's cache
  --json   print one line of JSON on stdout
`;

const { values } = parseArgs({ options: { cold: { type: "boolean" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" } } });
if (values.help === true) process.stdout.write(USAGE);
else await measure(values.cold === true, values.json === true);

async function measure(isCold: boolean, isJson: boolean): Promise<void> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-stopwatch-"));
  const clone = path.join(folder, "trainer-sdk");
  const env = newcomersEnvironment(isCold ? path.join(folder, "npm-cache") : undefined);
  const laps = new Laps(() => performance.now());
  const reach = (name: string): void => void process.stderr.write(`${name}: ${String(Math.round(laps.reach(name).tookMs / 100) / 10)} s\n`);
  let demo: ChildProcess | undefined;
  try {
    await run("git", ["clone", "--quiet", root, clone], folder, env, limit);
    reach("clone");
    await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], clone, env, limit);
    reach("npm ci");
    // A group of its own: npm does not pass every signal on.
    demo = spawn("npm", ["run", "--silent", "demo"], { cwd: clone, env, stdio: ["ignore", "ignore", "pipe"], detached: true });
    const webUrl = await dashboardOf(demo, limit);
    reach("npm run demo: the dashboard is up");
    const { taskId, line } = await firstScalar(webUrl, limit);
    reach(`a scalar can be read (${line})`);
    const chromium = chromiumPath();
    if (chromium === undefined) process.stderr.write("There is no Chromium, so nobody looked at the page (CHROMIUM names one).\n");
    else {
      await chartDrawn(webUrl, taskId, chromium, CHART_LIMIT_MS);
      reach("a chart is on the page");
    }
    const all = laps.all;
    if (isJson) process.stdout.write(`${JSON.stringify({ cold: isCold, node: process.version, totalMs: all.at(-1)?.atMs, laps: all })}\n`);
    else process.stdout.write(lapTable(all));
  } finally {
    if (demo) await ended(demo);
    await rm(folder, { recursive: true, force: true });
  }
}

/** The environment of somebody in a terminal: nothing of this repository's packages, and of the npm that runs this. */
function newcomersEnvironment(npmCache: string | undefined): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(?:lifecycle|package|command|execpath|node_execpath|config_local_prefix)/.test(name),
  );
  const directories = (process.env["PATH"] ?? "").split(path.delimiter).filter((directory) => !directory.includes("node_modules"));
  return {
    ...Object.fromEntries(kept),
    PATH: directories.join(path.delimiter),
    ...(npmCache === undefined ? {} : { npm_config_cache: npmCache }),
  };
}

async function run(
  program: string,
  parameters: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(program, parameters, { cwd, env, stdio: ["ignore", "inherit", "inherit"], signal });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${program} ${parameters.join(" ")} ended with ${String(code)}.`);
}

/** The address that the demo says first. @throws Error with its words when it ends without. */
async function dashboardOf(demo: ChildProcess, signal: AbortSignal): Promise<string> {
  const said: string[] = [];
  if (demo.stderr === null) throw new Error("The demo has no stderr.");
  // Read to the end, or the demo would come to stand still behind a full pipe.
  for await (const line of createInterface({ input: demo.stderr, signal })) {
    said.push(line);
    const url = /^Dashboard: (http\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    demo.stderr.resume();
    return url.replace(/\/$/, "");
  }
  throw new Error(`The demo ended without a dashboard: ${said.slice(-20).join("\n")}`);
}

/** Asks the demo and all that it started to go, and waits for it. */
async function ended(demo: ChildProcess): Promise<void> {
  if (demo.pid === undefined || demo.exitCode !== null || demo.signalCode !== null) return;
  const gone = once(demo, "exit");
  process.kill(-demo.pid, "SIGTERM");
  await gone;
}
