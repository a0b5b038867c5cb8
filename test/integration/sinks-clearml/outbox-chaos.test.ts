/** Journal, outbox and sink together against a server that fails at random: what is left at the end must be the story, once. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import type { FaultMode } from "../../../src/devserver/faults.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import type { Fact } from "../../../src/records/facts.js";
import { checkpoint, final, line, model, progress } from "../../unit/sinks/clearml/facts.js";
import { ClearMLBench } from "./clearml-bench.js";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** The same numbers for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const FAULTS: readonly FaultMode[] = [
  { mode: "drop-answer" },
  { mode: "refuse" },
  { mode: "reset-mid-body" },
  { mode: "garbage" },
  { mode: "status", status: 503, retryAfter: "0" },
  { mode: "status", status: 500 },
  { mode: "expire-tokens" },
];

describe("outbox and ClearML sink under random faults", () => {
  it.each([1, 2, 3])("delivers a run that is started three times, every record once (seed %i)", async (seed) => {
    await using bench = await ClearMLBench.start();
    const random = seeded(seed);
    for (const fault of FAULTS) bench.server.faults.set("api", { ...fault, times: 1_000_000, match: () => random() < 0.05 });
    const directory = await mkdtemp(join(tmpdir(), "trainer-sdk-chaos-"));
    folders.push(directory);

    const said: Fact[] = [];
    let iteration = 0;
    for (let start = 1; start <= 3; start++) {
      const job = bench.job({ clock: systemClock, pollIntervalMs: 20, pingIntervalMs: 20 });
      const outbox = await Outbox.open({ directory, sinks: [job.sink], retry: { baseMs: 2, factor: 2, capMs: 10 }, batchAgeMs: 2, random });
      const say = (fact: Fact): void => {
        said.push(fact);
        outbox.append({ fact, traits: fact.kind === "final" ? { barrier: true } : {} });
      };
      for (let step = 0; step < 60; step++) {
        iteration++;
        say(progress({ iteration, percent: iteration / 2, metrics: { train_loss: 1 / iteration } }));
        say(line(`line ${String(iteration)}`));
        if (step % 20 === 0) say(checkpoint({ type: "best", isBest: true, iteration }));
        if (step % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      if (start === 3) {
        say(model());
        say(final({ finalMetrics: { loss: 0.1 } }));
      }
      // The first two processes are cut off in the middle of their work.
      const receipt = await outbox.close({ deadlineMs: start === 3 ? 30_000 : 5 });
      if (start === 3) expect(receipt).toMatchObject({ complete: true, sinks: { clearml: { pending: 0, rejected: 0 } } });
      expect(job.stops).toEqual([]);
    }

    expect(bench.server.faults.hits("api")).toBeGreaterThan(10);
    bench.server.faults.clear();
    const [task, ...others] = await bench.tasks();
    expect(others).toEqual([]);
    expect(task).toMatchObject({ status: "completed", last_iteration: 180 });
    const lines = (await bench.console(task!.id)).map(({ msg }) => msg);
    expect(lines.toSorted()).toEqual(said.flatMap((fact) => (fact.kind === "log" ? [fact.message] : [])).toSorted());
    expect(await bench.line(task!.id, "loss", "train")).toEqual(Array.from({ length: 180 }, (_, index) => [index + 1, 1 / (index + 1)]));
    expect(task!.execution!.artifacts!.map(({ key }) => key)).toEqual(["checkpoint_best"]);
    const { models } = await bench.reader.session.call("models.get_all", { task: [task!.id], order_by: ["created"] });
    expect(models.map(({ name }) => name)).toEqual(["Training Job 42 - checkpoint_best", "detector"]);
  });
});
