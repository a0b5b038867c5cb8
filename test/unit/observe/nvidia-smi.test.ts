import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { NvidiaSmi, type RunProgram } from "../../../src/observe/nvidia-smi.js";
import { FakeClock } from "../../support/fake-clock.js";

/** As a machine with two cards prints it; the second one, cut in slices, does not tell its load. */
const ANSWER = "0, GPU-aa, 35, 1024, 8192, 61, 120.55\n1, GPU-bb, [N/A], 0, 8192, 40, [Not Supported]\n";
const MB = 1024 ** 2;

function aProgram(run: RunProgram, env: Record<string, string> = {}) {
  const clock = new FakeClock();
  const warnings: string[] = [];
  let runs = 0;
  const smi = new NvidiaSmi({
    clock,
    env,
    logger: { ...silentLogger, warn: (message) => void warnings.push(message) },
    runProgram: (...call) => {
      runs++;
      return run(...call);
    },
  });
  const read = async () => {
    await clock.advance(10_000);
    return smi.read(new AbortController().signal);
  };
  return { read, warnings, runs: () => runs, smi };
}

describe("nvidia-smi", () => {
  it("tells of each graphics processor what it knows", async () => {
    const { read } = aProgram(() => Promise.resolve(ANSWER));
    expect(await read()).toEqual([
      { index: 0, utilizationPercent: 35, memoryUsedBytes: 1024 * MB, memoryTotalBytes: 8192 * MB, temperature: 61, powerWatts: 120.55 },
      { index: 1, utilizationPercent: undefined, memoryUsedBytes: 0, memoryTotalBytes: 8192 * MB, temperature: 40, powerWatts: undefined },
    ]);
  });

  it.each([
    [{ CUDA_VISIBLE_DEVICES: "1" }, [1]],
    [{ NVIDIA_VISIBLE_DEVICES: "GPU-aa" }, [0]],
    [{ NVIDIA_VISIBLE_DEVICES: "all", CUDA_VISIBLE_DEVICES: "0,1" }, [0, 1]],
    [{ CUDA_VISIBLE_DEVICES: "MIG-of-nobody" }, [0, 1]],
    [{ CUDA_VISIBLE_DEVICES: "" }, [0, 1]],
  ] as [Record<string, string>, number[]][])("is about the processors that are the job's: %o", async (env, indexes) => {
    const { read } = aProgram(() => Promise.resolve(ANSWER), env);
    expect((await read())?.map(({ index }) => index)).toEqual(indexes);
  });

  it("is asked once where it is not there, and nobody is told", async () => {
    const { read, runs, warnings } = aProgram(() => Promise.reject(Object.assign(new Error("spawn nvidia-smi"), { code: "ENOENT" })));
    for (let at = 0; at < 5; at++) expect(await read()).toBeUndefined();
    expect(runs()).toBe(1);
    expect(warnings).toEqual([]);
  });

  it("is given up after three failures in a row, and that is said once if it had answered before", async () => {
    const { read, runs, warnings } = aProgram(() =>
      runs() === 1 ? Promise.resolve(ANSWER) : Promise.reject(new Error("driver mismatch")),
    );
    for (let at = 0; at < 9; at++) await read();
    expect(runs()).toBe(4);
    expect(warnings).toEqual([expect.stringContaining("driver mismatch")]);
  });

  it("is asked every ten seconds and no sooner", async () => {
    const { read, runs, smi } = aProgram(() => Promise.resolve(ANSWER));
    await read();
    expect(await smi.read(new AbortController().signal)).toBeUndefined();
    expect(runs()).toBe(1);
  });
});
