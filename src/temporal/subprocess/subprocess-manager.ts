/** Trainers as processes of this host: what a worker's code names. The manager itself is loaded at the first call. */
import path from "node:path";
import type { Clock } from "../../base/clock.js";
import { ConfigError } from "../../base/errors.js";
import { machineProcessTable } from "../../base/folder-lock.js";
import { lazyManager } from "../lazy-manager.js";
import { BACKENDS, type TrainingManager } from "../training-manager.js";

export interface SubprocessManagerOptions {
  /** The registry: a folder on a local disk that outlives the worker. Made when missing. */
  readonly directory: string;
  /**
   * A trainer that no worker has had in view for so long is ended by its supervisor; only then may another host start the
   * job. Longer than the longest time without a worker. Default 15 minutes.
   */
  readonly leaseMs?: number;
  /** Of a trainer whose lease has lapsed: from SIGTERM to SIGKILL. Default 60 s. */
  readonly leaseGraceMs?: number;
  /** How often the folder of a trainer is looked at. Default 500 ms. */
  readonly pollIntervalMs?: number;
  /** Variables of the worker's own environment that trainers get. Default `PATH`, `HOME`, `LANG`, `TZ`, `TMPDIR`. */
  readonly inheritEnv?: readonly string[];
  /** The kernel's counters of memory kills (`memory.events` of a control group). Default: the group that trainers start in. */
  readonly memoryEventsFile?: string;
  readonly clock?: Clock;
}

/** Beyond the grace, for the kernel and the supervisor's last word. */
const KILL_MARGIN_MS = 10_000;
const DEFAULT_LEASE_MS = 15 * 60_000;
const DEFAULT_LEASE_GRACE_MS = 60_000;

/**
 * Trainers as processes of this host. On Linux, `resources.memoryBytes` is held against what a trainer and its children
 * keep in memory, twice a second; one that is above it is ended as `OutOfMemory`. It is a watch and not a wall: until the
 * next look a trainer may hold more. Elsewhere, and for cpus and gpus, nobody holds it to anything.
 *
 * @throws ConfigError for options that cannot be used, and on Windows.
 */
export function subprocessManager(options: SubprocessManagerOptions): TrainingManager {
  if (process.platform === "win32")
    throw new ConfigError("Trainers as processes need process groups, which Windows has not. Use Kubernetes Jobs there.", [
      { path: "process.platform", message: "is win32" },
    ]);
  if (!path.isAbsolute(options.directory))
    throw new ConfigError(`subprocessManager: directory must be an absolute path, not ${JSON.stringify(options.directory)}`, [
      { path: "directory", message: "must be an absolute path" },
    ]);
  const { leaseMs = DEFAULT_LEASE_MS, leaseGraceMs = DEFAULT_LEASE_GRACE_MS } = options;
  const table = machineProcessTable();
  return lazyManager(
    {
      backend: BACKENDS.process,
      hostBound: true,
      leaseMs: leaseMs + leaseGraceMs + KILL_MARGIN_MS,
      stopMarginMs: KILL_MARGIN_MS,
      host: table.host,
    },
    async () => {
      const { ProcessManager } = await import("./process-manager.js");
      return new ProcessManager({ ...options, leaseMs, leaseGraceMs, killMarginMs: KILL_MARGIN_MS }, table);
    },
  );
}
