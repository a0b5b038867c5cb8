import { describe, expect, it } from "vitest";
import type { ClearML } from "../../../src/clearml/index.js";
import type { ScalarEventInput } from "../../../src/protocol/clearml/event-document.js";
import { ChartWriter } from "../../../src/migrate/chart-writer.js";

const loss = { title: "loss", series: "train" };
const rate = { title: "rate", series: "metrics" };
const points = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({ timestamp: from + at, step: from + at, value: (from + at) / 3 }));

/** A ClearML that keeps the requests of points, and answers them when it is told to. */
function standIn(answer: () => Promise<object> = () => Promise.resolve({ added: 1, errors: 0, errorsInfo: {} })) {
  const requests: (readonly ScalarEventInput[])[] = [];
  const events = {
    addBatch: (batch: readonly ScalarEventInput[]) => {
      requests.push(batch);
      return answer();
    },
  };
  const charts = new ChartWriter({ clearml: { events } as unknown as ClearML, taskId: "t", signal: new AbortController().signal });
  return { charts, requests };
}

describe("the charts of a migrated run", () => {
  it("are written with the lines of several metrics in one request", async () => {
    const { charts, requests } = standIn();
    await charts.add(loss, points(200));
    await charts.add(rate, points(200));
    expect(requests).toHaveLength(0);
    await charts.end();
    expect(requests.map((batch) => batch.length)).toEqual([400]);
    expect(requests[0]?.[399]).toEqual({
      type: "training_stats_scalar",
      task: "t",
      metric: "rate",
      variant: "metrics",
      iter: 199,
      timestamp: 199,
      value: 199 / 3,
    });
  });

  it("are written in requests of at most ten thousand points, all of them once", async () => {
    const { charts, requests } = standIn();
    for (let from = 0; from < 60_000; from += 25_000) await charts.add(loss, points(Math.min(25_000, 60_000 - from), from));
    await charts.end();
    expect(Math.max(...requests.map((batch) => batch.length))).toBe(10_000);
    expect(requests.flatMap((batch) => batch.map(({ iter }) => iter))).toEqual(points(60_000).map(({ step }) => step));
  });

  it("hold a step once in a request, by its latest point, of one moment the greater", async () => {
    const { charts, requests } = standIn();
    await charts.add(loss, [
      { timestamp: 2, step: 0, value: 5 },
      { timestamp: 1, step: 0, value: 9 },
    ]);
    await charts.add(loss, [{ timestamp: 2, step: 0, value: 7 }]);
    await charts.end();
    expect(requests.map((batch) => batch.map(({ iter, value }) => [iter, value]))).toEqual([[[0, 7]]]);
  });

  it("are never written by two requests at the same time, so that a later one overwrites", async () => {
    let [underWay, most] = [0, 0];
    const { charts } = standIn(async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return { added: 1, errors: 0, errorsInfo: {} };
    });
    for (let at = 0; at < 5; at++) await charts.add(loss, points(12_000, at * 12_000));
    await charts.end();
    expect(most).toBe(1);
  });

  it("fail the run when a point is refused, and when a request fails while the next points are read", async () => {
    const refused = standIn(() => Promise.resolve({ added: 0, errors: 2, errorsInfo: { "Invalid task id t": 2 } })).charts;
    await refused.add(loss, points(2));
    await expect(refused.end()).rejects.toThrow("ClearML refused 2 points of task t: Invalid task id t.");
    const failing = standIn(() => Promise.reject(new Error("gone"))).charts;
    await failing.add(loss, points(10_000));
    await expect(failing.add(rate, points(10_000))).rejects.toThrow("gone");
  });
});
