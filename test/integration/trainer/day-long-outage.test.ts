/** Everything is down for a simulated day, and the disk's limits are small: what goes, in which order, and what never goes. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ConnectionError } from "../../../src/base/errors.js";
import type { TrainerRecord } from "../../../src/records/record.js";
import type { ObjectStore } from "../../../src/storage/object-store.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { FakeClock } from "../../support/fake-clock.js";
import { MemorySink } from "../../support/memory-sink.js";
import { TestDisk } from "../../support/test-disk.js";

const MINUTES = 24 * 60;
const MAX_JOURNAL_BYTES = 300_000;
const MAX_PINNED_BYTES = 60_000;
const CHECKPOINT_BYTES = 20_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-day-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("sheds replaceable checkpoints, console lines, then the oldest scalars; never status, models or best ones; all else arrives", async () => {
  const clock = new FakeClock();
  let isUp = false;
  const sink = new MemorySink({ name: "own" });
  sink.answer = () => (isUp ? { status: "delivered" } : { status: "retry", cause: "unreachable", reason: "down" });
  const stored: string[] = [];
  const store: ObjectStore = {
    kind: "folder",
    describe: () => "a store of the test",
    uriOf: (key) => `file:///store/${key}`,
    put: (key) => {
      if (!isUp) return Promise.reject(new ConnectionError("down", { code: "CONNECTION_FAILED", ambiguous: false }));
      stored.push(key);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  await mkdir(path.join(folder, "journal"));
  const sdk = await TrainerSDK.init({
    env: { JOB_ID: "7", TRAINER_JOURNAL_DIR: path.join(folder, "journal") },
    clock,
    storage: store,
    extraSinks: [sink],
    maxJournalBytes: MAX_JOURNAL_BYTES,
    // A real disk lives by the real clock: while it takes a moment, hours may pass here, and it would be given up as hanging.
    journal: { disk: new TestDisk().mount() },
    maxPinnedBytes: MAX_PINNED_BYTES,
  });
  const shed: string[] = [];
  sdk.on("loss", ({ reason }) => void shed.push(reason));

  const weights = path.join(folder, "weights.pt");
  let mostJournalBytes = 0;
  const said = { log: 0, progress: 0, scalar: 0 };
  await sdk.reportStarted({ totalEpochs: 24 });
  for (let minute = 1; minute <= MINUTES; minute++) {
    // Every promise is awaited, as a careful trainer does: none waits for anything but the disk.
    expect((await sdk.log("info", `minute ${String(minute)} ${"x".repeat(200)}`)).status).not.toBe("ignored");
    said.log++;
    expect((await sdk.reportProgress({ epoch: minute, metrics: { loss: 1 / minute, accuracy: 1 - 1 / minute } })).status).toBe("durable");
    said.progress++;
    if (minute % 60 === 0) {
      const hour = String(minute / 60);
      await writeFile(weights, hour.padEnd(CHECKPOINT_BYTES, "w"));
      expect((await sdk.uploadCheckpoint(weights, { type: "last", epoch: minute })).status).toBe("durable");
      if (minute % 360 === 0) {
        expect((await sdk.uploadCheckpoint(weights, { type: "best", isBest: true, epoch: minute })).status).toBe("durable");
        expect((await sdk.registerModel({ name: `model-${hour}`, path: weights })).status).toBe("durable");
      }
    }
    await clock.advance(60_000);
    mostJournalBytes = Math.max(mostJournalBytes, sdk.stats().outbox?.journal.bytes ?? 0);
  }
  expect((await sdk.reportCompleted({ finalMetrics: { accuracy: 0.99 } })).status).toBe("durable");
  const before = sdk.stats().outbox;
  expect(before?.sinks["own"]).toMatchObject({ delivered: 0, state: "waiting" });
  // One file beyond the limit is what compaction needs to work in.
  expect(mostJournalBytes).toBeLessThan(MAX_JOURNAL_BYTES * 1.3);

  isUp = true;
  const closing = sdk.close({ deadlineMs: 3_600_000 });
  let receipt: Awaited<typeof closing> | undefined;
  void closing.then((value) => (receipt = value));
  while (!receipt) await clock.advance(1_000);
  expect(receipt).toMatchObject({ complete: true, sinks: { own: { pending: 0 } } });

  const delivered = (kind: string): TrainerRecord[] => sink.delivered.filter(({ fact }) => fact.kind === kind);
  const accepted = before?.accepted ?? 0;
  const losses = sdk.stats().outbox?.losses;
  // Nothing is silent: what was taken in was delivered or counted, in stats as in events.
  expect(sink.delivered.length + (losses?.shed ?? 0) + (losses?.superseded ?? 0)).toBe(sdk.stats().outbox?.accepted ?? 0);
  expect(accepted).toBeGreaterThan(2 * MINUTES);
  expect(shed.length).toBe((losses?.shed ?? 0) + (losses?.superseded ?? 0));
  expect(losses).toMatchObject({ refused: 0, "budget-spent": 0, "upload-failed": 0, "after-final": 0, corrupt: 0 });

  // What never goes.
  expect(delivered("started")).toHaveLength(1);
  expect(sink.delivered.at(-1)?.fact).toMatchObject({ kind: "final", status: "completed" });
  expect(delivered("model").map(({ fact }) => fact)).toMatchObject([6, 12, 18, 24].map((hour) => ({ name: `model-${String(hour)}` })));
  const checkpoints = delivered("checkpoint").map(({ fact }) => fact as { type: string; epoch: number });
  expect(checkpoints.filter(({ type }) => type === "best").map(({ epoch }) => epoch)).toEqual([360, 720, 1080, 1440]);
  // Of those that replace each other, the newest at most; the pins' limit may take that one too.
  expect(checkpoints.filter(({ type }) => type === "last").length).toBeLessThanOrEqual(1);

  // What goes, and in which order: lines before scalars, of each the oldest.
  const lines = delivered("log").map(({ sequence }) => sequence);
  const points = delivered("progress").map(({ fact }) => (fact as { epoch: number }).epoch);
  expect(lines.length).toBeLessThan(said.log);
  const firstKeptPoint = points[0] ?? 0;
  expect(points).toEqual(Array.from({ length: MINUTES - firstKeptPoint + 1 }, (_, at) => firstKeptPoint + at));
  // Of the time from which points had to go, no line is left.
  const firstPointSequence = delivered("progress")[0]?.sequence ?? 0;
  expect(lines.filter((sequence) => sequence < firstPointSequence)).toEqual([]);
}, 120_000);
