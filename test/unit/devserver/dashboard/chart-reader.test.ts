import { describe, expect, it } from "vitest";
import type { Chart } from "../../../../src/devserver/dashboard/data/chart-data.js";
import { ChartReader } from "../../../../src/devserver/dashboard/data/chart-reader.js";

const aChart = (title: string, points = 1): Chart => ({
  title,
  lines: [{ name: "train", x: Array.from({ length: points }, (_none, x) => x), y: Array.from({ length: points }, (_none, y) => y) }],
});

/** Lets all that is ready happen. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A server that answers when it is told to, and a pause that ends when it is told to. */
function aWorld() {
  const reads: string[][] = [];
  const answers: ((charts: readonly Chart[] | Error) => void)[] = [];
  const pauses: (() => void)[] = [];
  const reader = new ChartReader({
    load: (titles) => {
      reads.push([...titles]);
      const { promise, resolve, reject } = Promise.withResolvers<readonly Chart[]>();
      answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
      return promise;
    },
    pause: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      pauses.push(resolve);
      return promise;
    },
  });
  return {
    reader,
    reads,
    answer: async (charts: readonly Chart[] | Error) => {
      answers.shift()?.(charts);
      await settle();
    },
    endPause: async () => {
      pauses.shift()?.();
      await settle();
    },
  };
}

describe("reading charts", () => {
  it("reads charts that come into view together at once, and tells each watcher of its own", async () => {
    const { reader, reads, answer } = aWorld();
    const told: string[] = [];
    for (const title of ["loss", "accuracy"]) reader.watch(title, () => told.push(title));
    await settle();
    expect(reads).toEqual([["loss", "accuracy"]]);
    expect(reader.chart("loss")).toBeUndefined();
    await answer([aChart("loss"), aChart("accuracy")]);
    expect(told).toEqual(["loss", "accuracy"]);
    expect(reader.chart("loss")).toEqual(aChart("loss"));
  });

  it("never reads a chart that nobody looks at, and none twice while it is fresh", async () => {
    const { reader, reads, answer } = aWorld();
    const leave = reader.watch("seen", () => undefined);
    reader.watch("passed by", () => undefined)();
    await settle();
    await answer([aChart("seen")]);
    leave();
    reader.watch("seen", () => undefined);
    await settle();
    expect(reads).toEqual([["seen"]]);
  });

  it("reads a few at a time, so that the first need not wait for the last", async () => {
    const { reader, reads, answer } = aWorld();
    const titles = Array.from({ length: 14 }, (_none, index) => String(index));
    for (const title of titles) reader.watch(title, () => undefined);
    await settle();
    expect(reads).toEqual([titles.slice(0, 6)]);
    await answer([]);
    await answer([]);
    expect(reads).toEqual([titles.slice(0, 6), titles.slice(6, 12), titles.slice(12)]);
  });

  it("reads what is in view again after news, once for all news during a read, and never faster than the pause", async () => {
    const { reader, reads, answer, endPause } = aWorld();
    reader.watch("loss", () => undefined);
    await settle();
    await answer([aChart("loss")]);
    reader.refresh();
    await settle();
    reader.refresh();
    reader.refresh();
    expect(reads).toHaveLength(2);
    await answer([aChart("loss", 2)]);
    reader.refresh();
    await settle();
    expect(reads, "the pause has not ended").toHaveLength(2);
    await endPause();
    expect(reads).toHaveLength(3);
    expect(reader.chart("loss")).toEqual(aChart("loss", 2));
  });

  it("keeps no more than the last few charts of a long scroll, and those in view whatever their number", async () => {
    const { reader, answer } = aWorld();
    reader.watch("stays", () => undefined);
    await settle();
    await answer([aChart("stays")]);
    for (let index = 0; index < 60; index++) {
      const leave = reader.watch(String(index), () => undefined);
      await settle();
      await answer([aChart(String(index))]);
      leave();
    }
    const kept = Array.from({ length: 60 }, (_none, index) => String(index)).filter((title) => reader.chart(title) !== undefined);
    expect(kept).toHaveLength(39);
    expect(kept[0]).toBe("21");
    expect(reader.chart("stays")).toBeDefined();
  });

  it("says what a read failed with, keeps what it had, and tries again at the next news", async () => {
    const { reader, reads, answer, endPause } = aWorld();
    let told = 0;
    reader.watch("loss", () => told++);
    await settle();
    await answer([aChart("loss")]);
    reader.refresh();
    await settle();
    await answer(new Error("the server is gone"));
    expect(reader.error?.message).toBe("the server is gone");
    expect(reader.chart("loss")).toEqual(aChart("loss"));
    expect(told).toBe(2);
    await endPause();
    reader.refresh();
    await settle();
    await answer([aChart("loss", 3)]);
    expect(reads).toHaveLength(3);
    expect(reader.error).toBeUndefined();
  });

  it("asks for nothing once it is closed", async () => {
    const { reader, reads } = aWorld();
    reader.close();
    reader.watch("loss", () => undefined);
    reader.refresh();
    await settle();
    expect(reads).toEqual([]);
  });
});
