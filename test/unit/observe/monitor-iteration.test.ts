import { describe, expect, it } from "vitest";
import { MonitorIteration } from "../../../src/observe/monitor-iteration.js";

/** Looks every 30 s: what the job's newest iteration is then, and where its load is drawn. */
function drawn(newest: readonly number[], everySeconds = 30): (string | undefined)[] {
  const iteration = new MonitorIteration();
  return newest.map((value, at) => {
    const point = iteration.next((at + 1) * everySeconds, value);
    return point && `${String(point.iteration)}${point.isNew ? "" : " again"}`;
  });
}

describe("the iteration of the machine's load", () => {
  it("is the job's own from the first on, and the same point again while the job stands still or goes back", () => {
    expect(drawn([0, 5, 9, 9, 3, 12])).toEqual([undefined, "5", "9", "9 again", "9 again", "12"]);
  });

  it("is the seconds since the start when the job has reported none for three minutes", () => {
    expect(drawn([0, 0, 0, 0, 0, 0, 0])).toEqual([undefined, undefined, undefined, undefined, undefined, "180", "210"]);
  });

  it("is the job's own again when it begins within half an hour, and stays the seconds when it begins later", () => {
    expect(drawn([0, 0, 4, 5], 100)).toEqual([undefined, "200", "4", "5"]);
    expect(drawn([0, 0, 4], 1_000)).toEqual(["1000", "2000", "3000"]);
  });
});
