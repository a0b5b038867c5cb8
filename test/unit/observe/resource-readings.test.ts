import { describe, expect, it } from "vitest";
import { ResourceAverages } from "../../../src/observe/resource-readings.js";

const GB = 1024 ** 3;
const MB = 1024 ** 2;

describe("readings of the machine", () => {
  it("are means of what was seen and rates of what counters grew by, under ClearML's names, to three digits", () => {
    const averages = new ResourceAverages();
    averages.add(
      {
        cpuBusyMs: 1_000,
        cpuTotalMs: 10_000,
        memoryUsedBytes: GB,
        memoryFreeBytes: 4 * GB,
        diskFreePercent: 50,
        cpuTemperature: 60,
        networkSentBytes: 0,
        networkReceivedBytes: 7 * MB,
        diskReadBytes: 0,
        diskWrittenBytes: 0,
      },
      0,
    );
    averages.add(
      {
        cpuBusyMs: 2_000,
        cpuTotalMs: 13_000,
        memoryUsedBytes: 2 * GB,
        memoryFreeBytes: 3 * GB,
        diskFreePercent: 40,
        cpuTemperature: 71,
        networkSentBytes: 10 * MB,
        networkReceivedBytes: 7 * MB,
        diskReadBytes: MB,
        diskWrittenBytes: 20 * MB,
      },
      3_000,
    );
    expect(averages.readings()).toEqual({
      cpu_usage: 33.333,
      memory_used_gb: 1.5,
      memory_free_gb: 3.5,
      disk_free_percent: 45,
      cpu_temperature: 65.5,
      network_tx_mbs: 3.333,
      network_rx_mbs: 0,
      io_read_mbs: 0.333,
      io_write_mbs: 6.667,
    });
  });

  it("of graphics processors have the processor's number in their name", () => {
    const averages = new ResourceAverages();
    const gpu = { index: 1, utilizationPercent: 80, memoryUsedBytes: 2 * GB, memoryTotalBytes: 8 * GB, temperature: 66, powerWatts: 250.5 };
    averages.add({ gpus: [gpu] }, 0);
    averages.add({ gpus: [{ index: 2 }] }, 1_000);
    expect(averages.readings()).toEqual({
      gpu_1_utilization: 80,
      gpu_1_mem_usage: 25,
      gpu_1_mem_used_gb: 2,
      gpu_1_mem_free_gb: 6,
      gpu_1_temperature: 66,
      gpu_1_power_draw: 250.5,
    });
  });

  it("go on from the last look after a clear, so that no load falls in between", () => {
    const averages = new ResourceAverages();
    averages.add({ networkSentBytes: 0 }, 0);
    averages.add({ networkSentBytes: MB }, 1_000);
    averages.clear();
    expect(averages.readings()).toEqual({});
    averages.add({ networkSentBytes: 4 * MB }, 2_000);
    expect(averages.readings()).toEqual({ network_tx_mbs: 3 });
  });

  it("are left out where nothing was told, or a counter began anew", () => {
    const averages = new ResourceAverages();
    averages.add({ networkSentBytes: 5, cpuTemperature: NaN }, 0);
    averages.add({ networkSentBytes: 1 }, 1_000);
    expect(averages.readings()).toEqual({});
  });
});
