/**
 * One trainer process on the disk: `<root>/<key>/<fence>/`. The folder's creation is what two workers race for; what lies
 * in it is written by the manager (`run.json`, `stop.json`, `lease`) and by the supervisor (`supervisor.json`,
 * `trainer.json`, `exit.json`, `output.log`). No secret is among it.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { hasCode } from "../../outbox/disk.js";

const identitySchema = z.object({ pid: z.number(), startedAt: z.string(), bootId: z.string(), host: z.string() });
const exitSchema = z.object({
  code: z.number().nullish(),
  signal: z.string().nullish(),
  oom: z.boolean().optional(),
  /** What it held when its supervisor ended it for holding too much. */
  heldBytes: z.number().optional(),
  stopReason: z.string().optional(),
  startError: z.string().optional(),
  superseded: z.boolean().optional(),
  neverStarted: z.boolean().optional(),
});
const runSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  command: z.array(z.string()),
  workingDirectory: z.string().optional(),
  host: z.string(),
  bootId: z.string(),
  leaseMs: z.number(),
  leaseGraceMs: z.number(),
  memoryEventsFile: z.string().optional(),
  memoryBytes: z.number().optional(),
  labels: z.record(z.string(), z.string()),
});

/** Who a process is. */
export type ProcessIdentity = z.output<typeof identitySchema>;
/** How it ended, in the supervisor's words. */
export type ExitRecord = z.output<typeof exitSchema>;
/** What was to be run. */
export type RunRecord = z.output<typeof runSchema>;

/** Longest readable part of a key's folder name. */
const MAX_SLUG = 40;
const FENCE_DIGITS = 12;

/** A key as one path part: readable, and unlike that of any other key. */
export function keyFolder(key: string): string {
  const slug = key.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, MAX_SLUG);
  return `${slug}-${createHash("sha256").update(key).digest("hex").slice(0, 12)}`;
}

/** One run's folder. */
export class RunFolder {
  readonly path: string;
  readonly fence: number;

  constructor(root: string, key: string, fence: number) {
    this.path = path.join(root, keyFolder(key), String(fence).padStart(FENCE_DIGITS, "0"));
    this.fence = fence;
  }

  get logFile(): string {
    return path.join(this.path, "output.log");
  }

  /** Runs of a key, newest first. */
  static async ofKey(root: string, key: string): Promise<readonly RunFolder[]> {
    const names = await readdir(path.join(root, keyFolder(key))).catch(nothingThere);
    return names
      .filter((name) => /^\d{12}$/.test(name))
      .sort()
      .reverse()
      .map((name) => new RunFolder(root, key, Number(name)));
  }

  /** The newest run of every key below the root. */
  static async newest(root: string): Promise<readonly { readonly folder: RunFolder; readonly run: RunRecord }[]> {
    const found: { folder: RunFolder; run: RunRecord }[] = [];
    for (const name of await readdir(root).catch(nothingThere)) {
      const fences = (await readdir(path.join(root, name)).catch(() => [])).filter((entry) => /^\d{12}$/.test(entry)).sort();
      const last = fences.at(-1);
      const run = last === undefined ? undefined : await readJson(path.join(root, name, last, "run.json"), runSchema);
      if (run && keyFolder(run.key) === name) found.push({ folder: new RunFolder(root, run.key, Number(last)), run });
    }
    return found;
  }

  /** Makes the folder with its record; false when another was first. @throws Node's own error when the disk refuses. */
  async create(run: RunRecord): Promise<boolean> {
    await mkdir(path.dirname(this.path), { recursive: true, mode: 0o700 });
    try {
      await mkdir(this.path, { mode: 0o700 });
    } catch (error) {
      if (hasCode(error, "EEXIST")) return false;
      throw error;
    }
    await writeFile(path.join(this.path, "lease"), "");
    await this.#write("run.json", run);
    return true;
  }

  run(): Promise<RunRecord | undefined> {
    return readJson(path.join(this.path, "run.json"), runSchema);
  }

  supervisor(): Promise<ProcessIdentity | undefined> {
    return readJson(path.join(this.path, "supervisor.json"), identitySchema);
  }

  trainer(): Promise<ProcessIdentity | undefined> {
    return readJson(path.join(this.path, "trainer.json"), identitySchema);
  }

  exit(): Promise<ExitRecord | undefined> {
    return readJson(path.join(this.path, "exit.json"), exitSchema);
  }

  /** In the supervisor's place, when there is none any more. */
  writeExit(exit: ExitRecord): Promise<void> {
    return this.#write("exit.json", exit);
  }

  writeStop(wish: { readonly reason: string; readonly graceMs: number }): Promise<void> {
    return this.#write("stop.json", wish);
  }

  async wasToldToStop(): Promise<boolean> {
    return stat(path.join(this.path, "stop.json")).then(
      () => true,
      () => false,
    );
  }

  /** A worker has it in view. */
  async touchLease(nowMs: number): Promise<void> {
    await utimes(path.join(this.path, "lease"), nowMs / 1000, nowMs / 1000);
  }

  /** When a worker had it in view last, else when it was made. */
  async leaseAtMs(): Promise<number> {
    const lease = await stat(path.join(this.path, "lease")).catch(() => stat(this.path));
    return lease.mtimeMs;
  }

  /** The last bytes of what the trainer printed; empty when there is nothing. */
  async logTail(maxBytes: number): Promise<string> {
    const file = await open(this.logFile, "r").catch(() => undefined);
    if (!file) return "";
    try {
      const { size } = await file.stat();
      const length = Math.min(size, maxBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.subarray(0, bytesRead).toString("utf8");
    } finally {
      await file.close();
    }
  }

  async #write(name: string, value: unknown): Promise<void> {
    const draft = path.join(this.path, `${name}.${String(process.pid)}.draft`);
    await writeFile(draft, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true });
    await rename(draft, path.join(this.path, name));
  }
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(file, "utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (hasCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function nothingThere(error: unknown): string[] {
  if (hasCode(error, "ENOENT")) return [];
  throw error;
}
