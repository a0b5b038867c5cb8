import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatRelative,
  formatTick,
  parseTime,
} from "../../../../src/devserver/dashboard/format.js";

describe("figures on the dashboard", () => {
  it.each([
    [0, "0"],
    [0.31, "0.31"],
    [0.123456789, "0.12346"],
    [-12.5, "-12.5"],
    [1204388, "1,204,388"],
    [1e-5, "1e-5"],
    [27510000000, "2.751e10"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [undefined, "–"],
    [null, "–"],
  ])("writes the value %s as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [0.30000000000000004, "0.3"],
    [20_000_000, "20M"],
    [2500, "2,500"],
    [0.0001, "0.0001"],
  ])("writes the axis label %s as %s", (value, text) => {
    expect(formatTick(value)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [48_211_044, "46 MiB"],
    [1_610_612_736, "1.5 GiB"],
    [undefined, "–"],
  ])("writes %s bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, "0 s"],
    [48_000, "48 s"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [3_600_000, "1 h"],
    [-5, "0 s"],
  ])("writes %s ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("tells an age by its largest unit, and calls the last seconds now", () => {
    expect(formatRelative(10_000, 12_000)).toBe("just now");
    expect(formatRelative(0, 200_000)).toBe("3 min ago");
    expect(formatRelative(undefined, 0)).toBe("–");
  });

  it("reads times of the wire and refuses what is none", () => {
    expect(parseTime("2025-01-31T12:00:00.123000+00:00")).toBe(Date.UTC(2025, 0, 31, 12, 0, 0, 123));
    expect(parseTime("soon")).toBeUndefined();
    expect(parseTime(undefined)).toBeUndefined();
  });
});
