import { expect, it } from "vitest";
import { Laps, lapTable, minutes } from "../../../scripts/stopwatch-laps.ts";

it("tells of each point when it was reached, and how long since the one before", () => {
  let nowMs = 1000;
  const laps = new Laps(() => nowMs);
  nowMs = 3500;
  laps.reach("clone");
  nowMs = 65_000;
  laps.reach("npm ci");
  expect(laps.all).toEqual([
    { name: "clone", atMs: 2500, tookMs: 2500 },
    { name: "npm ci", atMs: 64_000, tookMs: 61_500 },
  ]);
  expect(lapTable(laps.all)).toBe(
    ["            took   reached", "clone     0:02.5    0:02.5", "npm ci    1:01.5    1:04.0", ""].join("\n"),
  );
});

it("rounds to a tenth of a second, and never to sixty seconds", () => {
  expect([0, 49, 59_949, 59_951, 3_600_000].map(minutes)).toEqual(["0:00.0", "0:00.0", "0:59.9", "1:00.0", "60:00.0"]);
});
