/**
 * Builds when `dist/` is missing or older than what it is made from; otherwise costs a few milliseconds. Lets tests, the
 * demo and the program be started from a fresh checkout. Everything is said on stderr: stdout belongs to what follows.
 */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = `${root}dist/.built`;
const lock = `${root}.cache/build.lock`;
const SOURCES = ["src", "scripts/build-dashboard.ts", "tsup.config.ts", "package.json", "package-lock.json"];
/** A build takes about half a minute; a lock this old was left by a process that died. */
const LOCK_EXPIRES_MS = 180_000;

async function modifiedAtMs(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}

async function isStale(): Promise<boolean> {
  const builtAtMs = await modifiedAtMs(stamp);
  if (builtAtMs === undefined) return true;
  for (const source of SOURCES) {
    const entries = await readdir(root + source, { recursive: true }).catch(() => [] as string[]);
    for (const path of [source, ...entries.map((entry) => `${source}/${entry}`)]) {
      if (((await modifiedAtMs(root + path)) ?? 0) > builtAtMs) return true;
    }
  }
  return false;
}

/** One build at a time: two would empty each other's output. */
async function withLock(work: () => Promise<void>): Promise<void> {
  await mkdir(`${root}.cache`, { recursive: true });
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch {
      const lockedAtMs = await modifiedAtMs(lock);
      if (lockedAtMs !== undefined && Date.now() - lockedAtMs > LOCK_EXPIRES_MS) await rm(lock, { recursive: true, force: true });
      else await sleep(200);
    }
  }
  try {
    await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

if (await isStale()) {
  await withLock(async () => {
    if (!(await isStale())) return;
    process.stderr.write("Building trainer-sdk ...\n");
    const build = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, encoding: "utf8", shell: process.platform === "win32" });
    if (build.status !== 0) {
      process.stderr.write(build.stdout + build.stderr);
      process.exitCode = 1;
    }
  });
}
