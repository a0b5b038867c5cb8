/**
 * Samples become readings under ClearML's own series names (`clearml-protocol`, 4.8): means over the time since the last
 * report, rates from what counters grew by, three digits after the point. Pure.
 */
import type { GpuSample, MachineSample } from "./machine-sample.js";

/** Values by series: `cpu_usage`, `memory_used_gb`, ..., `gpu_0_utilization`, ... */
export type ResourceReadings = Readonly<Record<string, number>>;

const BYTES_PER_MB = 1024 ** 2;
const BYTES_PER_GB = 1024 ** 3;

const GAUGES: Readonly<Record<string, (sample: MachineSample) => number | undefined>> = {
  memory_used_gb: (sample) => over(sample.memoryUsedBytes, BYTES_PER_GB),
  memory_free_gb: (sample) => over(sample.memoryFreeBytes, BYTES_PER_GB),
  disk_free_percent: (sample) => sample.diskFreePercent,
  cpu_temperature: (sample) => sample.cpuTemperature,
};

const COUNTERS: Readonly<Record<string, (sample: MachineSample) => number | undefined>> = {
  network_tx_mbs: (sample) => over(sample.networkSentBytes, BYTES_PER_MB),
  network_rx_mbs: (sample) => over(sample.networkReceivedBytes, BYTES_PER_MB),
  io_read_mbs: (sample) => over(sample.diskReadBytes, BYTES_PER_MB),
  io_write_mbs: (sample) => over(sample.diskWrittenBytes, BYTES_PER_MB),
};

export class ResourceAverages {
  readonly #sums = new Map<string, { sum: number; count: number }>();
  #first: { readonly sample: MachineSample; readonly atMs: number } | undefined;
  #last: { readonly sample: MachineSample; readonly atMs: number } | undefined;

  /** One look at a moment of a clock that never goes back. */
  add(sample: MachineSample, atMs: number): void {
    this.#first ??= { sample, atMs };
    this.#last = { sample, atMs };
    for (const [name, read] of Object.entries(GAUGES)) this.#note(name, read(sample));
    for (const gpu of sample.gpus ?? []) for (const [name, value] of Object.entries(gpuReadings(gpu))) this.#note(name, value);
  }

  /** What has come together since the last {@link ResourceAverages.clear}. Empty before the second look. */
  readings(): ResourceReadings {
    const first = this.#first;
    const last = this.#last;
    if (!first || !last || last.atMs <= first.atMs) return {};
    const seconds = (last.atMs - first.atMs) / 1000;
    const readings: Record<string, number> = {};
    const busy = difference(last.sample.cpuBusyMs, first.sample.cpuBusyMs);
    const total = difference(last.sample.cpuTotalMs, first.sample.cpuTotalMs);
    if (busy !== undefined && total !== undefined && total > 0) readings["cpu_usage"] = rounded(Math.min(100, (100 * busy) / total));
    for (const [name, { sum, count }] of this.#sums) readings[name] = rounded(sum / count);
    for (const [name, read] of Object.entries(COUNTERS)) {
      const grown = difference(read(last.sample), read(first.sample));
      if (grown !== undefined) readings[name] = rounded(grown / seconds);
    }
    return readings;
  }

  /** From now on only what comes. Counters go on from the last look. */
  clear(): void {
    this.#sums.clear();
    this.#first = this.#last;
  }

  #note(name: string, value: number | undefined): void {
    if (value === undefined || !Number.isFinite(value)) return;
    const known = this.#sums.get(name);
    if (known) {
      known.sum += value;
      known.count++;
    } else this.#sums.set(name, { sum: value, count: 1 });
  }
}

function gpuReadings({ index, memoryUsedBytes, memoryTotalBytes, ...gpu }: GpuSample): Record<string, number | undefined> {
  const free = difference(memoryTotalBytes, memoryUsedBytes);
  const share = memoryUsedBytes === undefined || !memoryTotalBytes ? undefined : (100 * memoryUsedBytes) / memoryTotalBytes;
  return {
    [`gpu_${String(index)}_temperature`]: gpu.temperature,
    [`gpu_${String(index)}_utilization`]: gpu.utilizationPercent,
    [`gpu_${String(index)}_mem_usage`]: share,
    [`gpu_${String(index)}_mem_used_gb`]: over(memoryUsedBytes, BYTES_PER_GB),
    [`gpu_${String(index)}_mem_free_gb`]: over(free, BYTES_PER_GB),
    [`gpu_${String(index)}_power_draw`]: gpu.powerWatts,
  };
}

/** Absent where a counter began anew. */
function difference(now: number | undefined, before: number | undefined): number | undefined {
  return now === undefined || before === undefined || now < before ? undefined : now - before;
}

function over(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : value / unit;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
