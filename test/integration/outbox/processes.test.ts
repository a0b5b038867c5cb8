/** What only real processes can show: a kill in mid-write, and two that want one folder. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Outbox } from "../../../src/outbox/outbox.js";
import { MemorySink } from "../../support/memory-sink.js";

const child = fileURLToPath(new URL("appending-child.ts", import.meta.url));
const resolver = new URL("../../support/resolve-typescript.js", import.meta.url).href;

let directory = "";
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "processes-"));
});
afterEach(async () => {
  for (const process of children.splice(0)) process.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

interface Appending {
  readonly process: ChildProcess;
  readonly runId: string;
  /** Sequences that the child was told were durable. */
  readonly acknowledged: number[];
  /** Resolves once so many were acknowledged. */
  until(count: number): Promise<void>;
  kill(): Promise<void>;
}

async function startAppending(): Promise<Appending> {
  const started = spawn(process.execPath, ["--no-warnings", "--import", resolver, child, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(started);
  const acknowledged: number[] = [];
  const lines = createInterface({ input: started.stdout });
  const ended = once(lines, "close");
  const [ready] = (await once(lines, "line")) as [string];
  let wake = (): void => undefined;
  lines.on("line", (line) => {
    acknowledged.push(Number(line));
    wake();
  });
  return {
    process: started,
    runId: ready.split(" ")[1] ?? "",
    acknowledged,
    until: (count) =>
      new Promise((resolve) => {
        wake = () => {
          if (acknowledged.length >= count) resolve();
        };
        wake();
      }),
    async kill() {
      const gone = once(started, "exit");
      started.kill("SIGKILL");
      // Its output ends a moment before the process does.
      await Promise.all([ended, gone]);
    },
  };
}

describe("a process that is killed while it appends", () => {
  it("has lost nothing that it was told was durable, over and over on the same folder", async () => {
    const acknowledged: number[] = [];
    const runIds = new Set<string>();
    for (const count of [1, 50, 400]) {
      const appending = await startAppending();
      await appending.until(count);
      await appending.kill();
      acknowledged.push(...appending.acknowledged);
      runIds.add(appending.runId);
    }
    expect(new Set(acknowledged).size).toBe(acknowledged.length);

    const sink = new MemorySink({ name: "down" });
    const outbox = await Outbox.open({ directory, sinks: [sink], strict: true });
    runIds.add(outbox.runId);
    expect(await outbox.close()).toMatchObject({ complete: true });
    expect([...runIds]).toHaveLength(1);
    const delivered = sink.sequences;
    for (const sequence of acknowledged) expect(delivered).toContain(sequence);
    expect(delivered).toEqual([...new Set(delivered)].sort((left, right) => left - right));
    expect(sink.batches.every(({ ambiguous }) => ambiguous)).toBe(true);
    expect(outbox.stats().losses.corrupt).toBe(0);
  });
});

describe("a process that forgets to close", () => {
  it("is not kept alive, and its record is on the disk", async () => {
    const forgetful = fileURLToPath(new URL("forgetful-child.ts", import.meta.url));
    const started = spawn(process.execPath, ["--no-warnings", "--import", resolver, forgetful, directory], { stdio: "inherit" });
    children.push(started);
    expect(await once(started, "exit")).toEqual([0, null]);
    const sink = new MemorySink({ name: "down" });
    const outbox = await Outbox.open({ directory, sinks: [sink], strict: true });
    await outbox.close();
    expect(sink.delivered.map(({ fact }) => fact)).toEqual([{ kind: "log", level: "info", message: "said in passing" }]);
  });
});

describe("two processes that want one folder", () => {
  it("do not both get it: the second works in memory, or throws when strict", async () => {
    const appending = await startAppending();
    await expect(Outbox.open({ directory, sinks: [], strict: true })).rejects.toMatchObject({
      code: "JOURNAL_LOCKED",
      path: directory,
      retryable: true,
    });
    const outbox = await Outbox.open({ directory, sinks: [] });
    expect(outbox.stats().journal).toMatchObject({
      mode: "volatile",
      path: undefined,
      reason: expect.stringContaining(String(appending.process.pid)) as string,
    });
    await outbox.close();
    await appending.kill();
    const after = await Outbox.open({ directory, sinks: [], strict: true });
    expect(after.stats().journal.mode).toBe("durable");
    await after.close();
  });
});
