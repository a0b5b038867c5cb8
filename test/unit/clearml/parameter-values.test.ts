import { describe, expect, it } from "vitest";
import { flattenParameters, intoShape, readParameter } from "../../../src/clearml/parameter-values.js";

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
      warmup: { value: "" },
      layers: { value: "[64,10]", type: "list/int" },
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

describe("readParameter", () => {
  it.each([
    ["10", "int", 10],
    ["1e-07", "float", 1e-7],
    ["-inf", "float", -Infinity],
    ["1_000", "int", 1000],
    ["True", "bool", true],
    ["", "bool", false],
    ["10", "str", "10"],
    ["", undefined, null],
    ["", "NoneType", null],
    ["10", undefined, "10"],
    ["[64, 10]", "list/int", [64, 10]],
    ["('a', None, True)", "tuple", ["a", null, true]],
    ['{"a": 1}', "dict/int", { a: 1 }],
    ["ten", "int", "ten"],
    ["0x10", "int", "0x10"],
    ["[1, ", "list", "[1, "],
    ["2026-01-31 ", "str", "2026-01-31"],
    ["2026-01-31 x ", "str", "2026-01-31 x "],
    ["Color.red", "Color", "Color.red"],
  ])("reads %j of type %s", (value, type, expected) => {
    expect(readParameter({ value, type })).toEqual(expected);
  });

  it("gives back what flattenParameters wrote", () => {
    const settings = { a: 1, b: 2.5, c: "x", d: true, e: false, f: null, g: [1, "x", null], h: {}, i: "2026-01-31", j: [], k: -1e-9 };
    const flat = flattenParameters(settings);
    expect(Object.fromEntries(Object.entries(flat).map(([name, kept]) => [name, readParameter(kept)]))).toEqual(settings);
  });
});

describe("intoShape", () => {
  const shape = { lr: 0.1, name: "adam", nested: { layers: [1, 2], flag: true, deep: { n: 1 } }, none: null, fn: undefined };

  it("takes kept values in the types of the caller's own", () => {
    const kept = {
      lr: { value: "1", type: "int" },
      name: { value: "12", type: "int" },
      "nested/layers": { value: "[8, 9]", type: "str" },
      "nested/flag": { value: "0" },
      "nested/deep/n": { value: "7" },
      none: { value: "5", type: "int" },
      unknown: { value: "1" },
    };
    expect(intoShape(shape, kept)).toEqual({
      ...{ lr: 1, name: "12", none: 5, fn: undefined },
      nested: { layers: [8, 9], flag: false, deep: { n: 7 } },
    });
  });

  it("keeps the caller's value where what is kept cannot be one", () => {
    const kept = { lr: { value: "fast" }, "nested/layers": { value: "many" }, "nested/flag": { value: "maybe" } };
    expect(intoShape(shape, kept)).toEqual(shape);
  });
});
