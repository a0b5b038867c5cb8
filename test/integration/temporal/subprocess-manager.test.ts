/** What is special to processes of a host: workers and supervisors that die, leases, pids that are somebody else's. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { RunFolder } from "../../../src/temporal/subprocess/run-folder.js";
import type { TrainingHandle } from "../../../src/temporal/training-manager.js";
import { subprocessBench, type SubprocessBench } from "../../support/temporal/subprocess-bench.js";
import { until } from "../../support/until.js";

const RESOLVER = new URL("../../support/resolve-typescript.js", import.meta.url).href;
const WORKER = fileURLToPath(new URL("starting-worker.ts", import.meta.url));
const { signal } = new AbortController();

let bench: SubprocessBench | undefined;
afterEach(async () => {
  await bench?.[Symbol.asyncDispose]();
});

async function running(given: Parameters<typeof subprocessBench>[0], mode: string): Promise<{ handle: TrainingHandle; folder: RunFolder }> {
  bench = await subprocessBench(given);
  const { handle } = await bench.worker().start(bench.request(mode), { signal });
  await until(async () => (await bench!.ledger()).length > 0);
  return { handle, folder: new RunFolder(bench.registry, handle.key, handle.fence) };
}

describe("a trainer as a process", () => {
  it("outlives its worker's SIGKILL; the next worker finds it and learns how it ends", async () => {
    bench = await subprocessBench();
    const request = bench.request("wait");
    const argument = JSON.stringify({ directory: bench.registry, request });
    const worker = spawn(process.execPath, ["--no-warnings", "--import", RESOLVER, WORKER, argument], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(worker.stdout, "data");
    await until(async () => (await bench!.ledger()).length > 0);
    worker.kill("SIGKILL");
    await once(worker, "close");
    const successor = bench.worker();
    const found = await successor.find(request.key, { signal });
    expect(found?.state.phase).toBe("running");
    const waiting = successor.wait(found!.handle, { signal });
    process.kill((await bench.ledger())[0]![2], "SIGTERM");
    expect(await waiting).toMatchObject({ outcome: "failed", failure: "Preempted", exitCode: 143 });
  });

  it("whose supervisor was killed is still found, waited for and stopped, with its children", async () => {
    const { handle, folder } = await running({}, "family");
    await until(async () => (await bench!.ledger()).filter(([, word]) => word === "began").length === 2);
    process.kill((await folder.supervisor())!.pid, "SIGKILL");
    await until(async () => {
      const state = (await bench!.worker().find(handle.key, { signal }))?.state;
      return state?.phase === "running" && state.message === "without its supervisor";
    });
    expect(await bench!.worker().stop(handle, { signal, graceMs: 200, reason: "enough" })).toMatchObject({ outcome: "stopped" });
    const pids = (await bench!.ledger()).map(([, , pid]) => pid);
    await until(() => pids.every((pid) => !bench!.isAlive(pid)));
  });

  it("that vanished with its supervisor is told as vanished, to be started again", async () => {
    const { handle, folder } = await running({}, "wait");
    process.kill((await folder.supervisor())!.pid, "SIGKILL");
    process.kill((await folder.trainer())!.pid, "SIGKILL");
    expect(await bench!.worker().wait(handle, { signal })).toMatchObject({ outcome: "failed", failure: "JobVanished" });
  });

  it("is ended by its supervisor when no worker had it in view for the length of its lease", async () => {
    const { handle, folder } = await running({ leaseMs: 12_000, leaseGraceMs: 20_000 }, "wait");
    await utimes(path.join(folder.path, "lease"), 1, 1);
    await until(async () => (await folder.exit()) !== undefined);
    expect((await bench!.worker().find(handle.key, { signal }))?.state).toMatchObject({
      phase: "ended",
      end: { outcome: "failed", failure: "NodeLost" },
    });
    expect((await bench!.ledger()).map(([, word]) => word)).toEqual(["began", "told", "ended"]);
  });

  it("is ended when its place in the registry was removed, for nobody would ever find it again", async () => {
    const { folder } = await running({ leaseMs: 12_000, leaseGraceMs: 20_000 }, "wait");
    const [[, , pid] = ["", "", 0]] = await bench!.ledger();
    await rm(folder.path, { recursive: true });
    await until(() => !bench!.isAlive(pid));
    expect((await bench!.ledger()).map(([, word]) => word)).toEqual(["began", "told", "ended"]);
  });

  it("keeps its lease while a worker waits for it", async () => {
    const { handle, folder } = await running({ leaseMs: 60_000 }, "wait");
    const leaving = new AbortController();
    const waiting = bench!.worker().wait(handle, { signal: leaving.signal });
    await utimes(path.join(folder.path, "lease"), 1, 1);
    const again = bench!.worker().wait(handle, { signal: leaving.signal });
    await until(async () => (await folder.leaseAtMs()) > 1_000);
    leaving.abort(new Error("over"));
    await expect(Promise.all([waiting, again])).rejects.toThrow("over");
  });

  it("is never taken for another process that has its pid now", async () => {
    const { handle, folder } = await running({}, "wait");
    const { pid } = (await folder.trainer())!;
    const supervisor = (await folder.supervisor())!.pid;
    process.kill(supervisor, "SIGKILL");
    await until(() => !bench!.isAlive(supervisor));
    await writeFile(path.join(folder.path, "trainer.json"), JSON.stringify({ ...(await folder.trainer()), startedAt: "1" }));
    expect((await bench!.worker().find(handle.key, { signal }))?.state.phase).toBe("ended");
    await bench!.worker().stop(handle, { signal, graceMs: 0, reason: "enough" });
    expect(bench!.isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });

  it("of a machine that was restarted since is told as lost with its node", async () => {
    const { handle, folder } = await running({}, "wait");
    const { pid } = (await folder.trainer())!;
    const supervisor = (await folder.supervisor())!.pid;
    process.kill(supervisor, "SIGKILL");
    process.kill(pid, "SIGKILL");
    await until(() => !bench!.isAlive(pid) && !bench!.isAlive(supervisor));
    await writeFile(path.join(folder.path, "run.json"), JSON.stringify({ ...(await folder.run()), bootId: "before" }));
    expect((await bench!.worker().find(handle.key, { signal }))?.state).toMatchObject({ end: { failure: "NodeLost" } });
  });

  it("leaves no secret in the registry", async () => {
    bench = await subprocessBench();
    const { handle } = await bench.worker().start(bench.request("complete", { secretEnv: { SECRET: "hunter2-hunter2" } }), { signal });
    await bench.worker().wait(handle, { signal });
    for (const entry of await readdir(bench.registry, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) expect(await readFile(path.join(entry.parentPath, entry.name), "utf8")).not.toContain("hunter2");
  });

  // What the kernel counts and the limit that is held against it exist on Linux alone.
  describe.runIf(process.platform === "linux")("with a memory limit", () => {
    const MEBIBYTE = 1024 * 1024;
    const hoarding = (mode: string, limitMebibytes: number) => {
      const request = bench!.request(mode);
      const env = { ...request.spec.env, GATE: path.join(bench!.folder, "gate") };
      return { ...request, spec: { ...request.spec, env, resources: { memoryBytes: limitMebibytes * MEBIBYTE } } };
    };

    it("is ended as OutOfMemory when it really holds more, and told what it held", async () => {
      bench = await subprocessBench();
      const { handle } = await bench.worker().start(hoarding("hoard:200", 200), { signal });
      const end = await bench.worker().wait(handle, { signal });
      expect(end).toMatchObject({ outcome: "failed", failure: "OutOfMemory", signal: "SIGKILL" });
      expect(Number(/holding (\d+) MiB/.exec(end.message)?.[1])).toBeGreaterThan(200);
    });

    it("is ended with its children when they hold more together, though none does alone", async () => {
      bench = await subprocessBench();
      const { handle } = await bench.worker().start(hoarding("hoards:150", 300), { signal });
      expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "failed", failure: "OutOfMemory" });
      const pids = (await bench.ledger()).map(([, , pid]) => pid);
      await until(() => pids.every((pid) => !bench!.isAlive(pid)));
    });

    it("goes on to its end when it stays below", async () => {
      bench = await subprocessBench();
      const request = hoarding("hoard:200", 600);
      const { handle } = await bench.worker().start(request, { signal });
      await until(async () => (await bench!.ledger()).some(([, word]) => word === "hoarded"));
      await writeFile(request.spec.env.GATE, "");
      expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "completed" });
      expect((await bench.ledger()).at(-1)?.[1]).toBe("ended-with-200");
    });
  });
});
