/** The machine's load, from the trainer's option to ClearML's charts. */
import { describe, expect, it } from "vitest";
import { systemClock, type Clock } from "../../../src/base/clock.js";
import type { MachineReader } from "../../../src/observe/machine-sample.js";
import { aTrainerWorld } from "../../support/trainer-world.js";

const world = aTrainerWorld();
const taskId = (): string => world.platform.tasks()[0]?.id ?? "";

/** A machine on which each look finds another second of work. */
function aMachine(): { reader: MachineReader; reportIntervalMs: number; sampleIntervalMs: number } {
  let looks = 0;
  const read = () => Promise.resolve({ cpuBusyMs: ++looks * 500, cpuTotalMs: looks * 1_000, gpus: [{ index: 0, utilizationPercent: 75 }] });
  return { reader: { read }, reportIntervalMs: 20, sampleIntervalMs: 5 };
}

describe("resourceMonitor", () => {
  it("draws the machine's load at the job's iterations under ClearML's names, and moves no last iteration by it", async () => {
    const sdk = await world.start({ resourceMonitor: aMachine() });
    await sdk.reportProgress({ epoch: 7, metrics: { loss: 1 } });
    await expect.poll(() => Object.keys(world.platform.scalars(taskId()))).toContain(":monitor:gpu/gpu_0_utilization");
    expect((await sdk.close()).complete).toBe(true);
    const scalars = world.platform.scalars(taskId());
    expect(scalars[":monitor:machine/cpu_usage"]).toEqual([{ iteration: 7, value: 50 }]);
    expect(scalars[":monitor:gpu/gpu_0_utilization"]).toEqual([{ iteration: 7, value: 75 }]);
    expect(world.platform.tasks()[0]?.last_iteration).toBe(7);
    expect(new Set(world.platform.callbacks().map(({ path }) => path))).toEqual(new Set(["/progress"]));
  });

  it("says nothing after the job's end, nor of a start that says nothing itself", async () => {
    const sdk = await world.start({ resourceMonitor: aMachine() });
    await sdk.reportProgress({ epoch: 1, metrics: { loss: 1 } });
    await sdk.reportCompleted();
    await sdk.close();
    const machine = aMachine();
    const looked = Promise.withResolvers<void>();
    let looks = 0;
    // A thousand times as fast: long past the three minutes after which seconds stand for iterations.
    const clock: Clock = {
      now: () => Date.now(),
      monotonic: () => performance.now() * 1_000,
      sleep: (ms, options) => systemClock.sleep(ms / 1_000, options),
    };
    const later = await world.start({
      clock,
      resourceMonitor: {
        reportIntervalMs: 30_000,
        sampleIntervalMs: 10_000,
        reader: {
          read: (signal) => {
            if (++looks === 50) looked.resolve();
            return machine.reader.read(signal);
          },
        },
      },
    });
    await looked.promise;
    expect((await later.close({ deadlineMs: 30_000_000 })).complete).toBe(true);
    expect(world.platform.tasks()).toMatchObject([{ status: "completed" }]);
  });
});
