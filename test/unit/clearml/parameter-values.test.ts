import { describe, expect, it } from "vitest";
import { flattenParameters } from "../../../src/clearml/parameter-values.js";

describe("flattenParameters", () => {
  it("writes values as Python writes them, with its names of types", () => {
    const flat = flattenParameters({
      epochs: 10,
      lr: 1e-7,
      momentum: 0.9,
      name: "adam",
      nesterov: true,
      warmup: null,
      layers: [64, 10],
      optimizer: { beta: { one: 0.9 } },
      empty: {},
    });
    expect(flat).toEqual({
      epochs: { value: "10", type: "int" },
      lr: { value: "1e-07", type: "float" },
      momentum: { value: "0.9", type: "float" },
      name: { value: "adam", type: "str" },
      nesterov: { value: "True", type: "bool" },
      warmup: { value: "", type: "NoneType" },
      layers: { value: "[64,10]", type: "list" },
      "optimizer/beta/one": { value: "0.9", type: "float" },
      empty: { value: "{}", type: "dict" },
    });
  });

  it("leaves out what is no setting", () => {
    expect(flattenParameters({ a: undefined, b: () => 1, c: Symbol("c"), " ": 1 })).toEqual({});
  });

  it("spells what is not finite as Python does", () => {
    expect(Object.values(flattenParameters({ a: NaN, b: Infinity, c: -Infinity })).map(({ value }) => value)).toEqual([
      "nan",
      "inf",
      "-inf",
    ]);
  });
});
