/** What every TrainingManager must do; run for each backend over real processes. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StartRequest, TrainingEnd, TrainingHandle, TrainingManager } from "../../src/temporal/training-manager.js";
import { until } from "../support/until.js";

/** A world in which trainers run, and a ledger that the trainers themselves write. */
export interface ManagerBench extends AsyncDisposable {
  /** Each worker has a manager of its own; all look at the same world. */
  worker(): TrainingManager;
  /** A request for the ledger program in a mode. */
  request(mode: string, given?: Partial<StartRequest>): StartRequest;
  /** A request for a program that is not there. */
  missing(): StartRequest;
  /** Lines of the ledger: fence, word, pid. */
  ledger(): Promise<readonly (readonly [fence: string, word: string, pid: number])[]>;
  isAlive(pid: number): boolean;
  readonly passesSecrets: boolean;
}

export function describeTrainingManager(name: string, makeBench: () => Promise<ManagerBench>): void {
  describe(`${name}: a manager of trainers`, () => {
    let bench: ManagerBench;
    const { signal } = new AbortController();
    const words = async (): Promise<string[]> => (await bench.ledger()).map(([fence, word]) => `${fence} ${word}`);
    const began = (count: number): Promise<unknown> =>
      until(async () => (await words()).filter((line) => line.endsWith("began")).length >= count);
    const run = async (mode: string): Promise<{ end: TrainingEnd; handle: TrainingHandle }> => {
      const { handle } = await bench.worker().start(bench.request(mode), { signal });
      return { handle, end: await bench.worker().wait(handle, { signal }) };
    };

    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(async () => {
      await bench[Symbol.asyncDispose]();
    });

    it("runs a trainer to its end and shows the last of what it printed", async () => {
      const { end, handle } = await run("complete");
      expect(end).toMatchObject({ outcome: "completed", exitCode: 0 });
      expect(await words()).toEqual(["1 began", "1 ended"]);
      expect(await bench.worker().logTail(handle, { signal, maxBytes: 9 })).toContain("ast line");
      expect(JSON.stringify(handle).length).toBeLessThan(1024);
    });

    it("knows nothing of a key that was never started", async () => {
      expect(await bench.worker().find("nobody's", { signal })).toBeUndefined();
    });

    it("lets another worker find a running trainer and wait for its end", async () => {
      const request = bench.request("wait");
      const { handle } = await bench.worker().start(request, { signal });
      await began(1);
      const other = bench.worker();
      await until(async () => (await other.find(request.key, { signal }))?.state.phase === "running");
      expect((await other.find(request.key, { signal }))?.handle).toEqual(handle);
      const ended = other.wait(handle, { signal });
      await bench.worker().stop(handle, { signal, graceMs: 10_000, reason: "enough" });
      expect(await ended).toMatchObject({ outcome: "stopped" });
      expect((await other.find(request.key, { signal }))?.state).toMatchObject({ phase: "ended", end: { outcome: "stopped" } });
    });

    it("leaves the trainer alone when a wait is aborted, and rejects with the abort's reason", async () => {
      const { handle } = await bench.worker().start(bench.request("wait"), { signal });
      await began(1);
      const leaving = new AbortController();
      const waiting = bench.worker().wait(handle, { signal: leaving.signal });
      const reason = new Error("the worker shuts down");
      leaving.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      expect(await words()).toEqual(["1 began"]);
      expect((await bench.worker().find(handle.key, { signal }))?.state.phase).not.toBe("ended");
    });

    it("starts one trainer when it is asked twice, or by two workers at once", async () => {
      const request = bench.request("wait");
      const both = await Promise.all([bench.worker().start(request, { signal }), bench.worker().start(request, { signal })]);
      const again = await bench.worker().start(request, { signal });
      expect(new Set([...both, again].map(({ handle }) => JSON.stringify(handle))).size).toBe(1);
      await began(1);
      await bench.worker().stop(again.handle, { signal, graceMs: 10_000, reason: "enough" });
      expect((await words()).filter((line) => line.endsWith("began"))).toHaveLength(1);
    });

    it("ends the trainer of a lower number before it starts one of a higher", async () => {
      await bench.worker().start(bench.request("wait", { fence: 1 }), { signal });
      await began(1);
      const { handle } = await bench.worker().start(bench.request("complete", { fence: 2 }), { signal });
      expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "completed" });
      expect(await words()).toEqual(["1 began", "1 told", "1 ended", "2 began", "2 ended"]);
    });

    it("answers with the newer trainer when it is asked for an older number", async () => {
      const newer = await bench.worker().start(bench.request("wait", { fence: 7 }), { signal });
      const answer = await bench.worker().start(bench.request("wait", { fence: 3 }), { signal });
      expect(answer.handle).toEqual(newer.handle);
      await began(1);
      await bench.worker().stop(newer.handle, { signal, graceMs: 10_000, reason: "enough" });
      expect((await words()).filter((line) => line.endsWith("began"))).toEqual(["7 began"]);
    });

    it("stops politely, and a trainer that does not listen by force, with its children", async () => {
      const { handle } = await bench.worker().start(bench.request("family"), { signal });
      await began(2);
      const end = await bench.worker().stop(handle, { signal, graceMs: 300, reason: "enough" });
      expect(end).toMatchObject({ outcome: "stopped", signal: "SIGKILL" });
      const ledger = await bench.ledger();
      expect(ledger.filter(([, word]) => word === "told")).not.toEqual([]);
      await until(() => ledger.every(([, , pid]) => !bench.isAlive(pid)));
    });

    it("can be asked to stop twice, and answers with the end of one that had ended", async () => {
      const { handle, end } = await run("exit:3");
      expect(await bench.worker().stop(handle, { signal, graceMs: 0, reason: "late" })).toEqual(end);
      expect(await bench.worker().stop(handle, { signal, graceMs: 0, reason: "later" })).toEqual(end);
    });

    it.each([
      ["exit:1", "TrainerError"],
      ["exit:64", "InvalidSpec"],
      ["exit:75", "TryAgain"],
      ["exit:143", "Preempted"],
      ["exit:137", "Killed"],
      ["kill:SIGKILL", "Killed"],
      ["oom", "OutOfMemory"],
    ])("tells %s as %s", async (mode, failure) => {
      expect((await run(mode)).end).toMatchObject({ outcome: "failed", failure });
    });

    it("tells a program that cannot be started as ImageUnavailable", async () => {
      const { handle } = await bench.worker().start(bench.missing(), { signal });
      expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "failed", failure: "ImageUnavailable" });
    });

    it("tells each new state once", async () => {
      const { handle } = await bench.worker().start(bench.request("wait"), { signal });
      const phases: string[] = [];
      const waiting = bench.worker().wait(handle, { signal, onState: ({ phase }) => phases.push(phase) });
      await until(() => Promise.resolve(phases.includes("running")));
      await bench.worker().stop(handle, { signal, graceMs: 10_000, reason: "enough" });
      await waiting;
      expect(phases).toEqual([...new Set(phases)]);
    });

    it("lists what it knows, with labels, and forgets what has ended, and that alone", async () => {
      const { handle } = await run("complete");
      const running = await bench.worker().start(bench.request("wait", { key: "another" }), { signal });
      await began(2);
      await bench.worker().forget(running.handle, { signal });
      await bench.worker().forget(handle, { signal });
      const left = [];
      for await (const training of bench.worker().list({ signal })) left.push(training);
      expect(left).toMatchObject([{ handle: { key: "another" }, labels: { workflow: "w" } }]);
      await bench.worker().stop(running.handle, { signal, graceMs: 10_000, reason: "enough" });
    });

    it("passes secrets on, or refuses them, and never shows them", async () => {
      const secret = "hunter2-hunter2";
      const start = bench.worker().start(bench.request("complete", { secretEnv: { SECRET: secret } }), { signal });
      if (!bench.passesSecrets) return expect(start).rejects.toMatchObject({ type: "InvalidSpec" });
      const { handle } = await start;
      await bench.worker().wait(handle, { signal });
      expect(await bench.worker().logTail(handle, { signal, maxBytes: 1000 })).toContain(`secret of ${String(secret.length)}`);
      expect(JSON.stringify(await bench.worker().find(handle.key, { signal }))).not.toContain(secret);
    });
  });
}
