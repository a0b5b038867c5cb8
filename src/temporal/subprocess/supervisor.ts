/**
 * The program between a worker and a trainer process: it outlives the worker, records how the trainer ended, ends the
 * whole process group when told to, and when no worker has shown itself for the length of the lease. A program of its
 * own: it imports nothing of ours, so that it starts fast and can be run as it is. Its one argument is the run's folder.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";

/** `run.json`, written by the manager. */
interface RunFile {
  readonly command: readonly string[];
  readonly workingDirectory?: string;
  readonly leaseMs: number;
  readonly leaseGraceMs: number;
  /** The kernel's counters of the memory group, `memory.events`; undefined: found through `/proc/self/cgroup`. */
  readonly memoryEventsFile?: string;
  /** What the trainer and everybody of its session may hold together. */
  readonly memoryBytes?: number;
}

const folder = process.argv[2] ?? "";
const run = JSON.parse(readFileSync(path.join(folder, "run.json"), "utf8")) as RunFile;
const MAX_LEASE_CHECK_MS = 5_000;
const MEMORY_CHECK_MS = 500;
/** A stop that came as a signal alone, without the manager's word on how long to wait. */
const DEFAULT_GRACE_MS = 30_000;

function writeWhole(name: string, value: unknown): void {
  const draft = path.join(folder, `${name}.${String(process.pid)}.tmp`);
  writeFileSync(draft, `${JSON.stringify(value)}\n`, { flush: true });
  renameSync(draft, path.join(folder, name));
}

function readJson(name: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(path.join(folder, name), "utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** A pid alone names nobody: field 22 of its stat line tells two owners of one pid apart. */
function identity(pid: number): object {
  const read = (file: string): string => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  const line = read(`/proc/${String(pid)}/stat`);
  const startedAt = line === "" ? "unknown" : (line.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? "unknown");
  return { pid, startedAt, bootId: read("/proc/sys/kernel/random/boot_id").trim(), host: hostname() };
}

/** Without the folder no worker can ever find the trainer again. */
function leaseAgeMs(): number {
  try {
    return Date.now() - statSync(path.join(folder, "lease")).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function oomKills(): number {
  const file = run.memoryEventsFile ?? ownMemoryEvents();
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function ownMemoryEvents(): string {
  try {
    const group = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
    return path.join("/sys/fs/cgroup", group, "memory.events");
  } catch {
    return "/sys/fs/cgroup/memory.events";
  }
}

/** Processes of the trainer's session: also those that made groups of their own, but not those that made a session. */
function sessionOf(leader: number): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && statField(name, SESSION_FIELD) === String(leader));
}

/** Numbered from the state letter, which follows the last parenthesis: a program's name may hold anything. */
const SESSION_FIELD = 3;

function statField(pid: string, field: number): string | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    return line.slice(line.lastIndexOf(")") + 2).split(" ")[field];
  } catch {
    return undefined;
  }
}

function kilobytesIn(file: string, name: string): number | undefined {
  try {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(file, "utf8"))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

/**
 * What a session holds, when that is more than the limit. Resident sizes are quick to read but count a page once for each
 * process that shares it; only above the limit is the dear figure asked for, which divides such pages among their holders.
 */
function overLimit(leader: number, limitBytes: number): number | undefined {
  const pids = sessionOf(leader);
  const sum = (read: (pid: string) => number): number => pids.reduce((total, pid) => total + read(pid) * 1024, 0);
  const resident = (pid: string): number => kilobytesIn(`/proc/${pid}/status`, "VmRSS") ?? 0;
  if (sum(resident) <= limitBytes) return undefined;
  const held = sum((pid) => kilobytesIn(`/proc/${pid}/smaps_rollup`, "Pss") ?? resident(pid));
  return held > limitBytes ? held : undefined;
}

/** Another was started for the same job while this one was on its way. */
function isSuperseded(): boolean {
  const own = path.basename(folder);
  return readdirSync(path.dirname(folder)).some((name) => /^\d{12}$/.test(name) && name > own);
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // Nobody of it is left.
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone meanwhile.
  }
}

function supervise(): void {
  const killsBefore = oomKills();
  let stopReason: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const end = (facts: Record<string, unknown>): void => {
    try {
      writeWhole("exit.json", { stopReason, ...facts });
    } finally {
      process.exit(0);
    }
  };
  if (isSuperseded()) return end({ superseded: true });
  const early = readJson("stop.json");
  if (early !== undefined) return end({ stopReason: early["reason"] ?? "stopped", neverStarted: true });
  const log = openSync(path.join(folder, "output.log"), "a");
  const [program = "", ...parameters] = run.command;
  const child = spawn(program, parameters, {
    detached: true,
    stdio: ["ignore", log, log],
    ...(run.workingDirectory === undefined ? {} : { cwd: run.workingDirectory }),
  });
  closeSync(log);
  const stop = (reason: string, graceMs: number): void => {
    if (stopReason !== undefined) return;
    stopReason = reason;
    killGroup(child, "SIGTERM");
    timer = setTimeout(() => {
      killGroup(child, "SIGKILL");
    }, graceMs);
  };
  process.on("SIGTERM", () => {
    const wish = readJson("stop.json");
    stop(typeof wish?.["reason"] === "string" ? wish["reason"] : "stopped", Number(wish?.["graceMs"] ?? DEFAULT_GRACE_MS));
  });
  // A terminal's signals are the worker's business.
  for (const signal of ["SIGINT", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => undefined);
  const lease = setInterval(
    () => {
      if (leaseAgeMs() > run.leaseMs) stop("lease-lapsed", run.leaseGraceMs);
    },
    Math.min(MAX_LEASE_CHECK_MS, run.leaseMs / 4),
  );
  const { memoryBytes } = run;
  let heldBytes: number | undefined;
  const memory =
    memoryBytes === undefined || process.platform !== "linux"
      ? undefined
      : setInterval(() => {
          if (child.pid === undefined || heldBytes !== undefined) return;
          heldBytes = overLimit(child.pid, memoryBytes);
          // As the kernel does: at once, since whoever is asked goes on allocating.
          if (heldBytes !== undefined) for (const pid of sessionOf(child.pid)) killProcess(Number(pid));
        }, MEMORY_CHECK_MS);
  child.on("error", (error) => {
    if (child.pid === undefined) end({ startError: error.message });
  });
  child.on("exit", (code, signal) => {
    clearTimeout(timer);
    clearInterval(lease);
    clearInterval(memory);
    // Whoever it left behind holds the log, and perhaps the accelerator.
    killGroup(child, "SIGKILL");
    end({ code, signal, oom: heldBytes !== undefined || oomKills() > killsBefore, heldBytes });
  });
  if (child.pid !== undefined) writeWhole("trainer.json", identity(child.pid));
}

writeWhole("supervisor.json", identity(process.pid));
supervise();
