/** Whether the journal has a good place: writable, free, quick to the disk, large enough, and there after the next restart. */
import { mkdtemp, open, rm, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "../../base/clock.js";
import { FolderLock } from "../../base/folder-lock.js";
import { describeFileError } from "../../storage/file-errors.js";
import { inWords } from "../../storage/download/evict.js";
import type { ResolvedTrainerOptions } from "../../trainer/options.js";
import type { Examination, Finding } from "./finding.js";
import { nearest } from "./place-checks.js";

/** By `statfs`; see `linux/magic.h`. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0x01021994: "tmpfs (memory)",
  0x858458f6: "ramfs (memory)",
  0x794c7630: "overlay (the container's own layer)",
  0x6969: "NFS",
  0xff534d42: "CIFS",
  0x65735546: "FUSE",
};
const VOLATILE = new Set([0x01021994, 0x858458f6, 0x794c7630]);
const PROBES = 12;
/** Above it a training that waits for its receipts feels it. */
const SLOW_FSYNC_MS = 50;

export async function checkJournal(
  { journalDirectory, handover, jobId }: ResolvedTrainerOptions,
  { workingDirectory, signal }: Examination,
): Promise<readonly Finding[]> {
  const directory = journalDirectory ?? path.join(workingDirectory, ".trainer-sdk");
  const found: Finding[] = [];
  if (jobId === undefined && journalDirectory === undefined)
    found.push({
      id: "journal.job",
      severity: "note",
      message: "There is no JOB_ID: each start is a run of its own, and none goes on with what an earlier one left.",
    });
  const lock = await lockOf(directory);
  if (lock) found.push(lock);
  try {
    if (!(await isFolderOrNothing(directory))) throw Object.assign(new Error("it is a file"), { code: "ENOTDIR", syscall: "mkdir" });
    const there = await nearest(directory);
    const probe = await mkdtemp(path.join(there, ".trainer-sdk-doctor-"));
    try {
      found.push(await fsyncSpeed(path.join(probe, "probe"), directory, signal));
    } finally {
      await rm(probe, { recursive: true, force: true });
    }
    found.push(...(await diskOf(there, directory, handover !== undefined)));
  } catch (error) {
    signal.throwIfAborted();
    found.push({
      id: "journal.writable",
      severity: "error",
      message: `The journal's folder ${directory} cannot be written: ${describeFileError(error)}. The journal would go to the temporary folder.`,
      advice: "Mount a volume that can be written, and name a folder on it in TRAINER_JOURNAL_DIR.",
    });
  }
  return found;
}

async function lockOf(directory: string): Promise<Finding | undefined> {
  const holder = await FolderLock.liveHolder(directory, systemClock).catch(() => undefined);
  if (!holder) return undefined;
  const who = holder.pid === undefined ? "another process" : `process ${String(holder.pid)} on ${holder.host ?? "this machine"}`;
  return {
    id: "journal.lock",
    severity: "warning",
    message: `The journal's folder ${directory} is in use by ${who}. A second trainer on it would keep everything in memory alone.`,
    advice: "If that is the trainer itself, all is well. Else give each job a folder of its own (JOB_ID, TRAINER_JOURNAL_DIR).",
  };
}

async function fsyncSpeed(file: string, directory: string, signal: AbortSignal): Promise<Finding> {
  const handle = await open(file, "w");
  const timesMs: number[] = [];
  try {
    for (let probe = 0; probe < PROBES; probe++) {
      signal.throwIfAborted();
      await handle.write(Buffer.alloc(512, probe));
      const startedAtMs = performance.now();
      await handle.datasync();
      timesMs.push(performance.now() - startedAtMs);
    }
  } finally {
    await handle.close();
  }
  timesMs.sort((one, other) => one - other);
  const [medianMs = 0, slowestMs = 0] = [timesMs[PROBES / 2], timesMs.at(-1)].map((ms) => Math.round((ms ?? 0) * 100) / 100);
  const facts = { medianMs, slowestMs };
  const took = `An fsync in ${directory} takes ${String(medianMs)} ms (the slowest of ${String(PROBES)}: ${String(slowestMs)} ms)`;
  if (medianMs > SLOW_FSYNC_MS)
    return {
      id: "journal.fsync",
      severity: "warning",
      message: `${took}: whoever awaits a receipt waits that long.`,
      advice: "Put the journal on a local disk, or do not await receipts in the loop.",
      facts,
    };
  return { id: "journal.fsync", severity: "ok", message: `${took}.`, facts };
}

async function diskOf(there: string, directory: string, hasHandOver: boolean): Promise<readonly Finding[]> {
  const { bavail, bsize, type } = await statfs(there);
  const freeBytes = bavail * bsize;
  const facts = { freeBytes };
  const found: Finding[] = [];
  if (freeBytes < 50e6)
    found.push({
      id: "journal.space",
      severity: "error",
      message: `The journal's disk has ${inWords(freeBytes)} left.`,
      advice: "Make room: without any, what is said is kept in memory alone.",
      facts,
    });
  else if (freeBytes < 1e9)
    found.push({
      id: "journal.space",
      severity: "warning",
      message: `The journal's disk has ${inWords(freeBytes)} left, and waiting checkpoints need room too.`,
      advice: "Make room, or name another folder in TRAINER_JOURNAL_DIR.",
      facts,
    });
  else found.push({ id: "journal.space", severity: "ok", message: `The journal's disk has ${inWords(freeBytes)} left.`, facts });
  const name = FILE_SYSTEMS[type];
  if (VOLATILE.has(type)) {
    found.push({
      id: "journal.volatile",
      severity: hasHandOver ? "note" : "warning",
      message: `${directory} lies on ${name ?? "memory"} and is gone with the container${hasHandOver ? "; a close or SIGTERM hands over what is pending" : ", with all that is pending"}.`,
      ...(hasHandOver
        ? {}
        : { advice: "Mount a volume and name a folder on it in TRAINER_JOURNAL_DIR, or name a hand-over (TRAINER_HANDOVER_URI)." }),
    });
  } else if (name !== undefined) {
    found.push({ id: "journal.volatile", severity: "note", message: `${directory} lies on ${name}: its fsync is the server's word.` });
  }
  return found;
}

async function isFolderOrNothing(directory: string): Promise<boolean> {
  return stat(directory).then(
    (facts) => facts.isDirectory(),
    () => true,
  );
}
