import { describe, expect, it } from "vitest";
import { HistoryBatches, MAX_BULK_POINTS, withQuotedWords, type BulkPoint } from "../../../src/mlflow/history-batches.js";

const { signal } = new AbortController();

const points = (run_id: string, count: number): BulkPoint[] =>
  Array.from({ length: count }, (_, step) => ({ run_id, step, timestamp: step, value: step }));

/** A server that answers each call when the test says so. */
class Held {
  readonly calls: { readonly key: string; readonly runIds: readonly string[]; answer(points: readonly BulkPoint[]): void; fail(): void }[] =
    [];
  readonly batches = new HistoryBatches(
    (key, runIds) =>
      new Promise((answer, reject) => {
        this.calls.push({ key, runIds, answer, fail: () => reject(new Error("refused")) });
      }),
  );

  /** Keeps all places of calls busy, so that what comes next gathers. */
  occupy(): void {
    for (const key of ["a", "b", "c", "d"]) void this.batches.points("busy", key, signal);
  }

  call(at: number) {
    const call = this.calls[at];
    if (!call) throw new Error(`there was no call ${String(at)}`);
    return call;
  }
}

describe("histories that are asked for together", () => {
  it("waits for nobody: the first is asked for at once", () => {
    const { calls, batches } = new Held();
    void batches.points("one", "loss", signal);
    expect(calls.map(({ runIds }) => runIds)).toEqual([["one"]]);
  });

  it("asks by one call for what was asked for while others were on their way, and gives each run its own points", async () => {
    const held = new Held();
    held.occupy();
    const asked = ["two", "one", "none"].map((runId) => held.batches.points(runId, "loss", signal));
    const other = held.batches.points("one", "accuracy", signal);
    expect(held.calls).toHaveLength(4);
    held.call(0).answer([]);
    held.call(1).answer([]);
    await expect.poll(() => held.calls.length).toBe(6);
    expect(held.call(4)).toMatchObject({ key: "loss", runIds: ["none", "one", "two"] });
    expect(held.call(5)).toMatchObject({ key: "accuracy", runIds: ["one"] });
    held.call(4).answer([...points("one", 2), ...points("two", 3)]);
    held.call(5).answer(points("one", 1));
    expect((await Promise.all(asked)).map((each) => each?.length)).toEqual([3, 2, undefined]);
    expect(await other).toHaveLength(1);
  });

  it("hands out no history that may have been cut off, nor one that is empty", async () => {
    const held = new Held();
    held.occupy();
    const asked = ["a", "b", "c"].map((runId) => held.batches.points(runId, "loss", signal));
    held.call(0).answer([]);
    await expect.poll(() => held.calls.length).toBe(5);
    held.call(4).answer([...points("a", 10), ...points("b", MAX_BULK_POINTS - 10)]);
    expect((await Promise.all(asked)).map((each) => each?.length)).toEqual([10, undefined, undefined]);
  });

  it("asks for fewer at once after a cut, and no more for a metric whose single history was cut", async () => {
    const held = new Held();
    const long = held.batches.points("a", "long", signal);
    held.call(0).answer(points("a", MAX_BULK_POINTS));
    expect(await long).toBeUndefined();
    expect(await held.batches.points("b", "long", signal)).toBeUndefined();
    expect(held.calls).toHaveLength(1);
  });

  it("says of a call that failed that each is to be asked for alone, and goes on with the next", async () => {
    const held = new Held();
    held.occupy();
    const asked = held.batches.points("one", "loss", signal);
    held.call(0).fail();
    await expect.poll(() => held.calls.length).toBe(5);
    held.call(4).fail();
    expect(await asked).toBeUndefined();
    void held.batches.points("two", "loss", signal);
    expect(held.calls).toHaveLength(6);
  });

  it("does not try again after three calls in a row that failed, and does after two and a good one", async () => {
    const held = new Held();
    const ask = async (end: "answer" | "fail"): Promise<void> => {
      const asked = held.batches.points("one", "loss", signal);
      const call = held.calls.at(-1);
      if (end === "fail") call?.fail();
      else call?.answer(points("one", 1));
      await asked;
    };
    for (const end of ["fail", "fail", "answer", "fail", "fail", "fail"] as const) await ask(end);
    expect(held.calls).toHaveLength(6);
    expect(await held.batches.points("one", "loss", signal)).toBeUndefined();
    expect(held.calls).toHaveLength(6);
  });
});

it("quotes the numbers that JSON has no word for, and no part of a metric's name", () => {
  const text = '{"metrics":[{"key":"a: NaN","value":NaN},{"key":"b/Infinity","value": -Infinity , "step":1},{"value":Infinity}]}';
  expect(JSON.parse(withQuotedWords(text))).toEqual({
    metrics: [{ key: "a: NaN", value: "NaN" }, { key: "b/Infinity", value: "-Infinity", step: 1 }, { value: "Infinity" }],
  });
});
