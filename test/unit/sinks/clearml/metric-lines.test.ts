import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../../../src/base/json.js";
import { metricAddress } from "../../../../src/records/metric-address.js";
import { metricAddresses } from "../../../../src/records/metric-addresses.js";
import { MetricLines, safeRule } from "../../../../src/sinks/clearml/metric-lines.js";
import { volatileMemory } from "../../../contract/sink-contract.js";

describe("lines of metrics", () => {
  it("follows the one rule of names", () => {
    const lines = MetricLines.load(volatileMemory());
    expect(lines.ofName("train_loss")).toEqual({ title: "loss", series: "train" });
    expect(lines.ofName("val/accuracy")).toEqual({ title: "accuracy", series: "val" });
    expect(lines.ofName("learning_rate")).toEqual({ title: "learning_rate", series: "metrics" });
  });

  it("keeps two names apart that mean the same line", () => {
    const lines = MetricLines.load(volatileMemory());
    expect(lines.ofName("train_loss")).toEqual({ title: "loss", series: "train" });
    expect(lines.ofName("train/loss")).toEqual({ title: "loss", series: "train (2)" });
    expect(lines.ofName("train_loss")).toEqual({ title: "loss", series: "train" });
  });

  it("gives names that come together the lines that a migration gives them, before and after a restart", async () => {
    const names = ["train_loss", "a-b/c", "train/loss", "b/c-a", "loss"];
    const migrated = metricAddresses(names);
    const values = new Map<string, JsonValue>();
    const before = MetricLines.load(volatileMemory(values));
    before.learn(names);
    await before.save(volatileMemory(values));
    const after = MetricLines.load(volatileMemory(values));
    after.learn(names.toReversed());
    for (const lines of [before, after])
      expect(new Map(names.map((name) => [name, lines.ofName(name)]))).toEqual(new Map(names.map((name) => [name, migrated.get(name)])));
  });

  it("keeps lines apart that the server would join with the same hyphens", () => {
    const lines = MetricLines.load(volatileMemory());
    const first = lines.ofAddress({ title: "a-b", series: "c" });
    const second = lines.ofAddress({ title: "a", series: "b-c" });
    expect(`${first.title}-${first.series}`).not.toBe(`${second.title}-${second.series}`);
  });

  it("draws a scalar on the line of the metric whose address it names", () => {
    const lines = MetricLines.load(volatileMemory());
    expect(lines.ofAddress({ title: "loss", series: "train" })).toEqual(lines.ofName("train_loss"));
  });

  it("gives a later process the same lines, whatever the order of its reports", async () => {
    const values = new Map<string, JsonValue>();
    const before = MetricLines.load(volatileMemory(values));
    const names = ["train_loss", "train/loss", "2024-01-31", ...Array.from({ length: 250 }, (_, index) => `m-${String(index)}/x-y`)];
    const expected = new Map(names.map((name) => [name, before.ofName(name)]));
    const scalar = before.ofAddress({ title: "y-m", series: "0-x" });
    await before.save(volatileMemory(values));

    const after = MetricLines.load(volatileMemory(values));
    for (const name of names.toReversed()) expect(after.ofName(name)).toEqual(expected.get(name));
    expect(after.ofAddress({ title: "y-m", series: "0-x" })).toEqual(scalar);
  });

  it("writes to memory only what is new, page by page", async () => {
    const written: string[] = [];
    const values = new Map<string, JsonValue>();
    const memory = {
      get: (key: string) => values.get(key),
      set: async (key: string, value: JsonValue) => void (written.push(key), values.set(key, value)),
    };
    const lines = MetricLines.load(memory);
    for (let index = 0; index < 150; index++) lines.ofName(`train_m${String(index)}`);
    await lines.save(memory);
    expect(written).toEqual(["metric-names:0", "metric-names:1"]);
    written.length = 0;
    lines.ofName("train_m7");
    await lines.save(memory);
    expect(written).toEqual([]);
    lines.ofName("train_new");
    await lines.save(memory);
    expect(written).toEqual(["metric-names:1"]);
  });

  it("falls back to the default rule where the caller's own fails", () => {
    const complaints: string[] = [];
    const rule = safeRule(
      (name) => {
        if (name === "throws") throw new Error("no idea");
        return name === "empty" ? { title: " ", series: "x" } : (undefined as never);
      },
      (name) => complaints.push(name),
    );
    for (const name of ["throws", "empty", "nothing"]) expect(rule(name)).toEqual(metricAddress(name));
    expect(complaints).toEqual(["throws", "empty", "nothing"]);
  });
});
