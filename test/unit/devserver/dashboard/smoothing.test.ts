import { describe, expect, it } from "vitest";
import { smooth } from "../../../../src/devserver/dashboard/data/smoothing.js";

const rounded = (values: readonly (number | null)[]) => values.map((value) => (value === null ? null : Number(value.toFixed(6))));

describe("smoothing", () => {
  it("gives TensorBoard's numbers: a moving average, corrected for having nothing before its first values", () => {
    // By hand: (1*0.4)/0.4; (0.4*0.6+2*0.4)/(1-0.36); ((1.04)*0.6+3*0.4)/(1-0.216)
    expect(rounded(smooth([1, 2, 3], 0.6))).toEqual([1, 1.625, 2.326531]);
  });

  it("leaves the values alone without weight", () => {
    expect(smooth([3, 1, null, 2], 0)).toEqual([3, 1, null, 2]);
  });

  it("keeps a constant line constant to the last digit, whatever the weight", () => {
    expect(smooth([0.1, 0.1, 0.1], 0.97)).toEqual([0.1, 0.1, 0.1]);
  });

  it("keeps holes, and lets what is no number count for nothing", () => {
    expect(rounded(smooth([1, null, Number.NaN, 2], 0.6))).toEqual([1, null, null, 1.625]);
  });
});
