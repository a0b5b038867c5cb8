import { describe, expect, it } from "vitest";
import { parseSettings, settingsQuery, type ChartSettings } from "../../../../src/devserver/dashboard/data/chart-settings.js";

const parsed = (text: string) => parseSettings(new URLSearchParams(text));

function queryOf(settings: ChartSettings): string {
  const entries = Object.entries(settingsQuery(settings)).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(entries).toString();
}

describe("chart settings in an address", () => {
  it("come back as they went", () => {
    const settings = { axis: "relative", smoothing: 0.6, logarithmic: true } as const;
    expect(queryOf(settings)).toBe("x=relative&smooth=0.6&log=1");
    expect(parsed(queryOf(settings))).toEqual(settings);
  });

  it("leave the defaults out", () => {
    expect(queryOf({ axis: "iteration", smoothing: 0, logarithmic: false })).toBe("");
    expect(parsed("")).toEqual({ axis: "iteration", smoothing: 0, logarithmic: false });
  });

  it("take nonsense for the default and keep the weight below one", () => {
    expect(parsed("x=moon&smooth=much&log=yes")).toEqual({ axis: "iteration", smoothing: 0, logarithmic: false });
    expect(parsed("smooth=7").smoothing).toBe(0.99);
    expect(parsed("smooth=-1").smoothing).toBe(0);
  });
});
