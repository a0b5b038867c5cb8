/**
 * One metric of more points than memory holds, moved and proved in memory that does not grow with them. Of the proof MLflow's side is a
 * real database file, and ClearML's the embedded server, whose points are made up when they are asked for: that takes seconds, and not
 * the minutes of storing them.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { createClearML } from "../../../src/clearml/index.js";
import { createClearMLServer, type ClearMLServer } from "../../../src/devserver/clearml-server.js";
import { listen, type Listener } from "../../../src/devserver/http-listener.js";
import { ownOrigins } from "../../../src/devserver/request-guard.js";
import { createMemoryStore } from "../../../src/devserver/store/memory-store.js";
import type { EventRow, EventTable } from "../../../src/devserver/store/store.js";
import { startDevServer } from "../../../src/devserver/index.js";
import type { Difference, VerifiedCounts } from "../../../src/migrate/differences.js";
import { PointsByStep, type SteppedPoint } from "../../../src/migrate/points-by-step.js";
import { RunCopyWriter } from "../../../src/migrate/run-copy.js";
import { writeTrackingFolder } from "../../support/tracking-folder.js";
import { smallDatabase, SMALL_RUNS } from "../../support/small-mlflow.js";

const VERIFY = fileURLToPath(new URL("programs/verify-metric.ts", import.meta.url));
const MOVE = fileURLToPath(new URL("programs/move-folder.ts", import.meta.url));
const RESOLVER = new URL("../../support/resolve-typescript.js", import.meta.url).href;
const POINTS = 2_000_000;
const MIB = 2 ** 20;
const T = 1_700_000_000_000;
/** The steps go round and round in leaps: nothing is in the order in which a chart is read. */
const LEAP = 1_000_003;
const RUN = SMALL_RUNS["deleted one"];

/** What was written as the n-th. */
const written = (n: number): SteppedPoint => ({ step: (n * LEAP) % POINTS, timestamp: T + n, value: Math.sin(n) });

/** The number by which steps lead back to where they were written. */
function inverseOfLeap(): number {
  for (let n = 1; n < POINTS; n++) if ((n * LEAP) % POINTS === 1) return n;
  throw new Error("the leap and the number of points have a divisor in common");
}
const BACK = inverseOfLeap();
const writtenAt = (step: number): SteppedPoint => written((step * BACK) % POINTS);

/** What a program answers that may use so much of a heap. */
async function inProcess<T>(program: string, heapMib: number, env: Record<string, string>, ...given: string[]): Promise<T> {
  const limit = `--max-old-space-size=${String(heapMib)}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", limit, "--import", RESOLVER, program, ...given], {
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout) as T;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "long-metric-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a metric of millions of points", () => {
  let server: ClearMLServer;
  let listener: Listener;
  /** Points of the chart that are other than they were written, by step. */
  const spoiled = new Map<number, number>();

  beforeEach(async () => {
    const chart = { type: "training_stats_scalar", metric: "loss", variant: "train" } as const;
    const events: Pick<EventTable, "byIteration" | "series" | "count"> = {
      byIteration: ({ entity }, { limit, after }) => {
        const first = after ? after.iteration + 1 : 0;
        return Array.from({ length: Math.max(0, Math.min(limit, POINTS - first)) }, (_, at): EventRow => {
          const { step, timestamp, value } = writtenAt(first + at);
          return { ...chart, entity, id: "", iteration: step, timestamp, value: spoiled.get(step) ?? value, extra: {}, sequence: step };
        });
      },
      series: () => [chart],
      count: () => POINTS,
    };
    server = createClearMLServer({ store: { ...createMemoryStore(), events: events as EventTable } });
    listener = await listen(0, silentLogger);
    listener.serve(server.api, ownOrigins([listener.port]));
  });
  afterEach(async () => {
    await listener.close();
    await server.close();
  });

  it("is compared to its last point in memory that does not grow with it, and one wrong value is found", async () => {
    const database = await smallDatabase(folder);
    const rows = new DatabaseSync(database);
    rows.exec(`CREATE INDEX of_runs ON metrics (run_uuid); BEGIN;`);
    const insert = rows.prepare("INSERT INTO metrics VALUES ('train_loss', ?, ?, ?, ?, 0)");
    const path = join(folder, "copy");
    const copy = new RunCopyWriter(path);
    const start = { sourceId: "s", trackingUri: "s", version: "" };
    await copy.start(
      start,
      { experiment_id: "1", name: "e", tags: [] },
      { info: { run_id: RUN, experiment_id: "1", status: "FINISHED" }, data: { metrics: [], params: [], tags: [] } },
    );
    for (let n = 0; n < POINTS; n += 10_000) {
      const page = Array.from({ length: 10_000 }, (_, at) => ({ ...written(n + at) }));
      for (const { step, timestamp, value } of page) insert.run(value, timestamp, RUN, step);
      await copy.points("train_loss", page);
    }
    await copy.end();
    rows.exec(
      `INSERT INTO latest_metrics SELECT key, value, timestamp, run_uuid, step, is_nan FROM metrics WHERE run_uuid = '${RUN}' LIMIT 1; COMMIT;`,
    );
    rows.close();
    await using clearml = createClearML({}, environment());
    const { id } = await clearml.tasks.create({ name: "its task", type: "training" });
    spoiled.set(1_234_567, 0.5);

    const { counts, total, differences, grownBytes } = await proof(database, path, RUN, id);
    expect(counts).toMatchObject({ points: POINTS, events: POINTS, collapsed: 0, notChartable: 0 });
    const { timestamp, value } = writtenAt(1_234_567);
    const what = "train_loss at step 1234567 in its chart (time, value)";
    expect([total, differences]).toEqual([
      1,
      [{ runId: RUN, what, inMlflow: `${String(timestamp)} ${String(value)}`, inClearML: `${String(timestamp)} 0.5` }],
    ]);
    expect(grownBytes).toBeLessThan(200 * MIB);
  }, 600_000);

  const environment = (): Record<string, string> => ({
    CLEARML_API_HOST: `http://127.0.0.1:${String(listener.port)}`,
    CLEARML_API_ACCESS_KEY: server.accessKey,
    CLEARML_API_SECRET_KEY: server.secretKey,
  });

  interface Proof {
    readonly counts: VerifiedCounts;
    readonly total: number;
    readonly differences: readonly Difference[];
    readonly grownBytes: number;
  }

  /** With a heap in which so many points have no room. */
  const proof = (...given: string[]): Promise<Proof> => inProcess(VERIFY, 96, environment(), ...given);
});

it("brings over a metric whose points are in no order in a heap that cannot hold them, and draws of each step the last", async () => {
  // Each step twice: what is written first counts last.
  const points = 650_000;
  const value = (n: number): number => (n * 7) % 1000;
  const lines = Array.from(
    { length: points },
    (_, n) => `${String(T + points - n)} ${String(value(n))} ${String((n * LEAP) % (points / 2))}`,
  );
  const mlruns = join(folder, "mlruns");
  await writeTrackingFolder(mlruns, { a: { "metrics/loss": `${lines.join("\n")}\n` } });
  await using server = await startDevServer();
  const { CALLBACK_URL: _, ...env } = server.env;
  expect(await inProcess(MOVE, 52, env, mlruns)).toEqual({ migrated: 1, points, failures: [] });
  await using clearml = createClearML({}, { ...server.env });
  const [task] = (await clearml.tasks.getPage({ tags: ["mlflow"] })).tasks;
  const wrong: unknown[] = [];
  const steps = new Set<number>();
  const expected = new Map(Array.from({ length: points / 2 }, (_, n) => [(n * LEAP) % (points / 2), value(n)]));
  for await (const event of clearml.events.iterateEvents({ task: task?.id ?? "", type: "training_stats_scalar" })) {
    steps.add(event.iter ?? Number.NaN);
    if (event.value !== expected.get(event.iter ?? Number.NaN)) wrong.push(event);
  }
  expect([steps.size, wrong.slice(0, 3)]).toEqual([points / 2, []]);
}, 300_000);

describe("points by step", () => {
  const points = fc.array(
    fc.record({ step: fc.integer({ min: -5, max: 20 }), timestamp: fc.nat(5), value: fc.integer({ min: -3, max: 3 }) }),
    { maxLength: 60 },
  );

  it("are all there and in order, however few fit into memory, and leave no file", async () => {
    await fc.assert(
      fc.asyncProperty(points, fc.integer({ min: 1, max: 9 }), async (given, held) => {
        const read: SteppedPoint[] = [];
        {
          await using sorted = new PointsByStep(join(folder, "points"), held);
          await sorted.add(given.slice(0, 20));
          await sorted.add(given.slice(20));
          for await (const page of sorted.pages()) read.push(...page);
        }
        const expected = given.toSorted(
          (one, other) => one.step - other.step || one.timestamp - other.timestamp || one.value - other.value,
        );
        expect(read).toEqual(expected);
        expect(await readdir(folder)).toEqual([]);
      }),
    );
  });
});
