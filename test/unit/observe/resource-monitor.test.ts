import { describe, expect, it } from "vitest";
import type { MachineReader, MachineSample } from "../../../src/observe/machine-sample.js";
import { ResourceMonitor } from "../../../src/observe/resource-monitor.js";
import { FakeClock } from "../../support/fake-clock.js";

const MB = 1024 ** 2;

function aMonitor(read: (look: number) => Promise<MachineSample>) {
  const clock = new FakeClock();
  const reports: [iteration: number, readings: Readonly<Record<string, number>>][] = [];
  const job = { iteration: 0, isOpen: true };
  let looks = 0;
  const reader: MachineReader = { read: () => read(looks++) };
  const monitor = new ResourceMonitor(
    {
      iteration: () => job.iteration,
      isOpen: () => job.isOpen,
      report: (readings, iteration) => void reports.push([iteration, readings]),
    },
    { clock, reader },
  );
  return { clock, reports, job, monitor, looks: () => looks };
}

/** Two megabytes a second go out. */
const steady = (look: number): Promise<MachineSample> => Promise.resolve({ networkSentBytes: look * 4 * MB, memoryUsedBytes: 1024 ** 3 });

describe("the resource monitor", () => {
  it("looks every two seconds and reports every thirty, at the job's iteration", async () => {
    const { clock, reports, job, monitor, looks } = aMonitor(steady);
    job.iteration = 7;
    await clock.advance(30_000);
    expect(reports).toEqual([[7, { network_tx_mbs: 2, memory_used_gb: 1 }]]);
    expect(looks()).toBe(16);
    job.iteration = 9;
    await clock.advance(30_000);
    expect(reports[1]).toEqual([9, { network_tx_mbs: 2, memory_used_gb: 1 }]);
    monitor.stop();
    await clock.advance(60_000);
    expect(reports).toHaveLength(2);
    expect(clock.sleeping).toBe(0);
  });

  it("reports nothing while nothing is to be said, and goes on gathering", async () => {
    const { clock, reports, job, monitor } = aMonitor(steady);
    job.iteration = 1;
    job.isOpen = false;
    await clock.advance(30_000);
    job.isOpen = true;
    await clock.advance(30_000);
    expect(reports).toEqual([[1, { network_tx_mbs: 2, memory_used_gb: 1 }]]);
    monitor.stop();
  });

  it("leaves out a look that failed or hung, and goes on", async () => {
    const { clock, reports, job, monitor } = aMonitor((look) => {
      if (look === 1) return Promise.reject(new Error("no such file"));
      if (look === 2) return new Promise(() => undefined);
      return steady(look);
    });
    job.iteration = 1;
    await clock.advance(40_000);
    expect(reports).toHaveLength(1);
    expect(reports[0]?.[1]).toMatchObject({ memory_used_gb: 1 });
    monitor.stop();
    await clock.advance(1);
    expect(clock.sleeping).toBe(0);
  });
});
