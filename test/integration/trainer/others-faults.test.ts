/** What the caller hands in may be broken; the training must not be. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { ConnectionError } from "../../../src/base/errors.js";
import type { Delivery, Sink } from "../../../src/outbox/sink.js";
import { aTrainerWorld } from "../../support/trainer-world.js";
import { eventually } from "../../support/fake-clock.js";

const world = aTrainerWorld();

it("a logger that throws, as one does whose worker has exited, ends no delivery and no process", async () => {
  const outcomes: Delivery[] = [{ status: "retry", cause: "unreachable", reason: "away" }];
  const sink: Sink = {
    name: "own",
    limits: { maxRecords: 10, maxBytes: 1e6 },
    accepts: () => true,
    deliver: () => Promise.resolve(outcomes.pop() ?? { status: "delivered" }),
  };
  const fail = (): never => {
    throw new Error("the worker has exited");
  };
  const sdk = await world.start({ extraSinks: [sink], logger: { debug: fail, info: fail, warn: fail, error: fail } });
  await sdk.reportProgress({ epoch: 1, metrics: { loss: Number.NaN } });
  await eventually(() => sdk.stats().outbox?.sinks["own"]?.pending === 0, "the delivery after a failure");
  expect((await sdk.close()).complete).toBe(true);
});

it("a configuration with what JSON has no words for is an issue, and the job starts", async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = [cyclic];
  const sdk = await world.start({ configSchema: { parse: () => ({ sizes: [1n], cyclic, day: new Date(Number.NaN) }) } });
  expect(sdk.stats().issues).toMatchObject([{ path: "CONFIG" }]);
  expect(await sdk.reportProgress({ epoch: 1 })).toMatchObject({ status: "durable" });
});

it("flush waits no longer than the caller's signal, also while a file is being taken in", async () => {
  const file = await world.file("last.pt", "weights");
  const sdk = await world.start();
  let isTaken = false;
  // Written to all the time: taking it in needs several attempts, with pauses.
  const writing = setInterval(() => void writeFile(file, String(performance.now())), 1);
  try {
    const upload = sdk.uploadCheckpoint(file).then(() => (isTaken = true));
    await sdk.flush({ signal: AbortSignal.abort(new Error("enough")) });
    expect(isTaken).toBe(false);
    clearInterval(writing);
    await upload;
  } finally {
    clearInterval(writing);
  }
});

it("a process without a journal's folder leaves no copies behind in the temporary one", async () => {
  const away = new ConnectionError("no route", { code: "CONNECTION_FAILED", ambiguous: false });
  const owner = await world.start();
  const second = await world.start({
    storage: {
      kind: "folder",
      describe: () => "a store of the test",
      uriOf: (key) => `file:///store/${key}`,
      put: () => Promise.reject(away),
      close: () => Promise.resolve(),
    },
  });
  expect(second.stats().outbox?.journal.path).toBeUndefined();
  await second.uploadCheckpoint(await world.file("last.pt", "weights"));
  const copies = path.join(tmpdir(), "trainer-sdk", second.runId ?? "");
  expect(existsSync(copies)).toBe(true);
  await second.close({ deadlineMs: 0 });
  expect(existsSync(copies)).toBe(false);
  await owner.close();
});

it.each<[string, unknown, object]>([
  ["an object without a text", Object.create(null), { name: "Error", message: "[object Object]" }],
  [
    "an error of another realm",
    { name: "RangeError", message: "out of memory", stack: "at step" },
    { name: "RangeError", message: "out of memory" },
  ],
  ["an error with an odd stack", Object.assign(new Error("odd"), { stack: 7 }), { name: "Error", message: "odd" }],
])("the end of a job that failed with %s is told", async (_what, thrown, error) => {
  const sdk = await world.start();
  expect(await sdk.reportFailed(thrown)).toMatchObject({ status: "durable" });
  await sdk.close();
  expect(world.platform.callbacks("/failed")[0]?.body).toMatchObject({ error });
});
