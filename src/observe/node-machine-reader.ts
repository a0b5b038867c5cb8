/**
 * Reads this machine: what Node tells on every system, and what Linux tells under `/proc` and `/sys`. Changes nothing, and
 * starts nothing but `nvidia-smi`. What is not there is left out of the sample.
 */
import { readdir, readFile, statfs } from "node:fs/promises";
import { cpus, freemem, homedir } from "node:os";
import { systemClock, type Clock } from "../base/clock.js";
import { silentLogger, type Logger } from "../base/logger.js";
import type { MachineReader, MachineSample } from "./machine-sample.js";
import { NvidiaSmi, type RunProgram } from "./nvidia-smi.js";
import { processTreeMemory } from "./process-tree-memory.js";

export interface NodeMachineReaderOptions {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How `nvidia-smi` is run. Default: as a child process. */
  readonly runProgram?: RunProgram;
  /** Where Linux tells of itself. Default `/`. */
  readonly root?: string;
}

/** Bytes of a sector in Linux's disk statistics, whatever the disk's own is. */
const SECTOR_BYTES = 512;

export function nodeMachineReader(options: NodeMachineReaderOptions = {}): MachineReader {
  const { clock = systemClock, logger = silentLogger, runProgram, root = "/" } = options;
  const gpus = new NvidiaSmi({ clock, logger, ...(runProgram ? { runProgram } : {}) });
  return {
    async read(signal) {
      const [memory, disk, temperature, network, disks, cards] = await Promise.all([
        processTreeMemory(root),
        diskFreePercent(),
        coreTemperature(root),
        networkBytes(root),
        diskBytes(root),
        gpus.read(signal),
      ]);
      return {
        ...cpuTimes(),
        memoryUsedBytes: memory,
        memoryFreeBytes: freemem(),
        diskFreePercent: disk,
        cpuTemperature: temperature,
        ...network,
        ...disks,
        gpus: cards,
      };
    },
  };
}

function cpuTimes(): Pick<MachineSample, "cpuBusyMs" | "cpuTotalMs"> {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return total === 0 ? {} : { cpuBusyMs: total - idle, cpuTotalMs: total };
}

/** As `df` counts: of what users may fill. */
async function diskFreePercent(): Promise<number | undefined> {
  try {
    const { blocks, bfree, bavail } = await statfs(homedir());
    const used = blocks - bfree;
    return used + bavail === 0 ? undefined : 100 - (100 * used) / (used + bavail);
  } catch {
    return undefined;
  }
}

async function networkBytes(root: string): Promise<Pick<MachineSample, "networkSentBytes" | "networkReceivedBytes">> {
  const lines = (await textOf(`${root}proc/net/dev`))?.split("\n").slice(2) ?? [];
  const rows = lines
    .map((line) =>
      line
        .slice(line.indexOf(":") + 1)
        .trim()
        .split(/\s+/)
        .map(Number),
    )
    .filter((row) => row.length >= 16);
  if (rows.length === 0) return {};
  return { networkReceivedBytes: sum(rows.map((row) => row[0])), networkSentBytes: sum(rows.map((row) => row[8])) };
}

/** Of whole disks: their partitions count the same bytes again. */
async function diskBytes(root: string): Promise<Pick<MachineSample, "diskReadBytes" | "diskWrittenBytes">> {
  const disks = new Set(await namesIn(`${root}sys/block`));
  const rows = ((await textOf(`${root}proc/diskstats`)) ?? "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , name = ""]) => disks.has(name) && !/^(loop|ram)\d/.test(name));
  if (rows.length === 0) return {};
  return {
    diskReadBytes: SECTOR_BYTES * sum(rows.map((row) => Number(row[5]))),
    diskWrittenBytes: SECTOR_BYTES * sum(rows.map((row) => Number(row[9]))),
  };
}

/** The hottest core of Intel's sensor, which is the one that ClearML's own client knows. */
async function coreTemperature(root: string): Promise<number | undefined> {
  for (const name of await namesIn(`${root}sys/class/hwmon`)) {
    const folder = `${root}sys/class/hwmon/${name}`;
    if ((await textOf(`${folder}/name`))?.trim() !== "coretemp") continue;
    const files = (await namesIn(folder)).filter((file) => /^temp\d+_input$/.test(file));
    const degrees = await Promise.all(files.map(async (file) => Number(await textOf(`${folder}/${file}`)) / 1000));
    const known = degrees.filter((value) => value > 0);
    return known.length === 0 ? undefined : Math.max(...known);
  }
  return undefined;
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
