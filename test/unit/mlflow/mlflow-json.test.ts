import { describe, expect, it } from "vitest";
import { lossless, parseMlflowJson } from "../../../src/mlflow/mlflow-json.js";

describe("MLflow's JSON", () => {
  it("keeps integers that a number would round, and nothing else otherwise", () => {
    const text =
      '{"step":9007199254740993,"least":-9007199254740993,"time":1700000000000,"value":1.7976931348623157e+308,"text":"9007199254740993"}';
    expect(parseMlflowJson(text)).toEqual({
      step: 9007199254740993n,
      least: -9007199254740993n,
      time: 1700000000000,
      value: 1.7976931348623157e308,
      text: "9007199254740993",
    });
  });

  it.each([
    ["alone", "9007199254740993", 9007199254740993n],
    ["in a list", "[1,9007199254740993]", [1, 9007199254740993n]],
    ["first in a list", "[-9007199254740993]", [-9007199254740993n]],
    ["behind white space", '{"step":\n  9007199254740993}', { step: 9007199254740993n }],
    [
      "beside decimal places",
      '{"value":0.30000000000000004,"step":9007199254740993}',
      { value: 0.30000000000000004, step: 9007199254740993n },
    ],
    [
      "but not in decimal places",
      '{"value":0.30000000000000004,"least":-0.30000000000000004}',
      { value: 0.30000000000000004, least: -0.30000000000000004 },
    ],
  ])("keeps a long integer that stands %s", (_where, text, value) => {
    expect(parseMlflowJson(text)).toEqual(value);
  });

  it("writes what JSON has no word for so that it can be read back", () => {
    const values = [9007199254740993n, Number.NaN, Number.NEGATIVE_INFINITY, -0, 0.1];
    expect(JSON.stringify(values, lossless)).toBe(
      '[{"int64":"9007199254740993"},{"double":"NaN"},{"double":"-Infinity"},{"double":"-0"},0.1]',
    );
  });
});
