/** This machine, read for real; and what a Linux tells, from files that were written for the test. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { platform, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeMachineReader } from "../../../src/observe/node-machine-reader.js";

const signal = new AbortController().signal;
const noGpu = { runProgram: () => Promise.reject(Object.assign(new Error("none"), { code: "ENOENT" })) };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "machine-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(name: string, content: string): Promise<void> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

function sourceOf(name: string): string {
  return new URL(`../../../src/observe/${name}.ts`, import.meta.url).href;
}

/** Runs it in a process of its own, in which `nvidia-smi` is what the test has written, if anything; resolves with what it printed. */
async function runProgram(program: string): Promise<string> {
  const resolver = new URL("../../support/resolve-typescript.js", import.meta.url).href;
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", resolver, "--input-type=module", "-e", program], {
    timeout: 50_000,
    env: { PATH: folder, HOME: folder },
  });
  return stdout;
}

describe("the machine that this runs on", () => {
  it("tells of its processors, memory and disk", async () => {
    const sample = await nodeMachineReader(noGpu).read(signal);
    expect(sample.cpuTotalMs).toBeGreaterThan(sample.cpuBusyMs ?? Number.POSITIVE_INFINITY);
    expect(sample.memoryUsedBytes).toBeGreaterThan(1024 ** 2);
    expect(sample.memoryFreeBytes).toBeGreaterThan(0);
    expect(sample.diskFreePercent).toBeGreaterThanOrEqual(0);
    expect(sample.diskFreePercent).toBeLessThanOrEqual(100);
    expect(sample.gpus).toBeUndefined();
  });

  it.runIf(platform() === "linux")("counts the memory of the processes that this one started", async () => {
    const child = spawn(process.execPath, [
      "-e",
      "const held = Buffer.alloc(2 ** 28, 1); console.log(held.length); setInterval(() => 0, 1000)",
    ]);
    try {
      await once(child.stdout, "data");
      const { memoryUsedBytes = 0 } = await nodeMachineReader(noGpu).read(signal);
      expect(memoryUsedBytes - process.memoryUsage.rss()).toBeGreaterThan(2 ** 28 - 2 ** 26);
    } finally {
      child.kill("SIGKILL");
      await once(child, "close");
    }
  });

  it("does not keep a process alive that watches it", async () => {
    const program = `const { ResourceMonitor } = await import(${JSON.stringify(sourceOf("resource-monitor"))});
      new ResourceMonitor({ iteration: () => 0, isOpen: () => true, report() {} });
      console.log("returned");`;
    expect(await runProgram(program)).toBe("returned\n");
  });

  it.runIf(platform() === "linux")("tells of its graphics processors where nvidia-smi is on the path", async () => {
    await write("nvidia-smi", '#!/bin/sh\necho "0, GPU-aa, 35, 1024, 8192, 61, 120.5"\n');
    await chmod(path.join(folder, "nvidia-smi"), 0o755);
    const program = `const { nodeMachineReader } = await import(${JSON.stringify(sourceOf("node-machine-reader"))});
      const { gpus } = await nodeMachineReader().read(new AbortController().signal);
      console.log(JSON.stringify(gpus.map(({ index, utilizationPercent }) => [index, utilizationPercent])));`;
    expect(await runProgram(program)).toBe("[[0,35]]\n");
  });
});

describe("a Linux", () => {
  it("tells of its network, disks and temperature", async () => {
    const row = (name: string, received: number, sent: number): string =>
      `${name}: ${String(received)} 1 0 0 0 0 0 0 ${String(sent)} 2 0 0 0 0 0 0\n`;
    await write("proc/net/dev", `Inter-| Receive\n face |bytes\n${row("    lo", 10, 20)}${row("  eth0", 100, 200)}`);
    await write(
      "proc/diskstats",
      [
        " 8 0 sda 1 0 100 0 1 0 50 0 0 0 0",
        " 8 1 sda1 1 0 100 0 1 0 50 0 0 0 0",
        " 7 0 loop0 1 0 9 0 1 0 9 0 0 0 0",
        " 259 0 nvme0n1 1 0 2 0 1 0 4 0 0 0 0",
      ].join("\n"),
    );
    for (const disk of ["sda", "loop0", "nvme0n1"]) await write(`sys/block/${disk}/size`, "1");
    await write("sys/class/hwmon/hwmon0/name", "nvme\n");
    await write("sys/class/hwmon/hwmon0/temp1_input", "99000\n");
    await write("sys/class/hwmon/hwmon1/name", "coretemp\n");
    await write("sys/class/hwmon/hwmon1/temp1_input", "45000\n");
    await write("sys/class/hwmon/hwmon1/temp2_input", "61000\n");
    expect(await nodeMachineReader({ ...noGpu, root: `${folder}/` }).read(signal)).toMatchObject({
      networkReceivedBytes: 110,
      networkSentBytes: 220,
      diskReadBytes: 102 * 512,
      diskWrittenBytes: 54 * 512,
      cpuTemperature: 61,
    });
  });

  it("that tells nothing is no failure", async () => {
    const sample = await nodeMachineReader({ ...noGpu, root: `${folder}/` }).read(signal);
    expect(sample).not.toHaveProperty("networkSentBytes");
    expect(sample).not.toHaveProperty("diskReadBytes");
    expect(sample.cpuTemperature).toBeUndefined();
  });
});
