/** The pure parts of models, data sets and reading. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiError } from "../../../src/base/errors.js";
import { ChartBuilder } from "../../../src/clearml/chart.js";
import { compareVersions, newestVersion } from "../../../src/clearml/dataset-version.js";
import { datasetsOfTask } from "../../../src/clearml/dataset.js";
import { frameworkOfFile } from "../../../src/clearml/model-framework.js";
import { castMetadata, metadataEntry } from "../../../src/clearml/model-metadata.js";
import { recordedWeights, weightsRecord } from "../../../src/clearml/model-weights.js";
import { readEvents } from "../../../src/clearml/read-events.js";
import { figureOf } from "../../../src/clearml/reading-plots.js";
import { failureOf } from "./fake-api.js";

describe("metadata of a model", () => {
  it.each([
    [3, { value: "3", type: "int" }],
    [0.5, { value: "0.5", type: "float" }],
    [1e-7, { value: "1e-07", type: "float" }],
    [true, { value: "True", type: "bool" }],
    ["text", { value: "text", type: "str" }],
    [[1, "a"], { value: '[1,"a"]', type: "list" }],
    [{ a: { b: 1 } }, { value: '{"a":{"b":1}}', type: "dict" }],
    [{}, { value: "{}", type: "dict" }],
  ] as const)("%j is kept as Python reads it", (value, expected) => {
    expect(metadataEntry("key", value)).toEqual({ key: "key", ...expected });
  });

  it("comes back as it was, whatever it is", () => {
    const json = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.array(fc.jsonValue()),
    );
    fc.assert(
      fc.property(json, (value) => {
        const { value: text = "", type } = metadataEntry("key", value);
        const back = castMetadata({ value: text ?? "", type: type ?? undefined });
        // A text that the server would take for a date carries a space more; minus zero is zero in Python's spelling.
        const plain = typeof value === "string" ? String(back).trimEnd() : JSON.parse(JSON.stringify(back));
        expect(plain).toEqual(typeof value === "string" ? value.toWellFormed().trimEnd() : JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("that does not fit its type is the text itself", () => {
    expect(castMetadata({ value: "many", type: "int" })).toBe("many");
    expect(castMetadata({ value: "{", type: "dict" })).toBe("{");
    expect(castMetadata({ value: "perhaps", type: "bool" })).toBe("perhaps");
    expect(castMetadata({ value: "", type: "float" })).toBe("");
    expect(castMetadata({ value: "1", type: undefined })).toBe("1");
  });
});

describe("what was recorded of weights", () => {
  const record = weightsRecord({ uri: "s3://b/k", sizeBytes: 5, sha256: "A".repeat(64) });
  const model = (uri: string, facts: Readonly<Record<string, string>>) => ({
    uri,
    getAllMetadata: () => Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, { value, type: "str" }])),
  });

  it("holds for the address that it was recorded of, and no other", () => {
    expect(recordedWeights(model("s3://b/k", record))).toEqual({ sha256: "a".repeat(64), sizeBytes: 5 });
    expect(recordedWeights(model("s3://b/other", record))).toEqual({});
  });

  it("by the trainer's sink, without an address, holds too; what is no digest does not", () => {
    expect(recordedWeights(model("s3://b/k", { sha256: "b".repeat(64) }))).toEqual({ sha256: "b".repeat(64) });
    expect(recordedWeights(model("s3://b/k", { sha256: "my hash", size_bytes: "large" }))).toEqual({});
  });
});

it.each([
  ["best.pt", "PyTorch"],
  ["BEST.PTH", "PyTorch"],
  ["model.json", "TensorFlow_js"],
  ["net.onnx", "ONNX"],
  ["weights.h5", "Keras"],
  ["archive.zip", undefined],
  ["pt", undefined],
])("a file named %s suggests %s", (name, framework) => {
  expect(frameworkOfFile(name)).toBe(framework);
});

describe("versions of data sets", () => {
  it("are compared by their numbers", () => {
    const versions = ["1.9", "1.10", "v1.2", "1.10.0-rc1", "1.10.1", "x", undefined, "2"].map((version) => ({ version }));
    expect(newestVersion(versions)?.version).toBe("2");
    expect(compareVersions("1.10", "1.9")).toBeGreaterThan(0);
    expect(compareVersions("1.10", "1.10.0")).toBe(0);
    expect(compareVersions("1.10.0-rc1", "1.10.0")).toBeLessThan(0);
    expect(compareVersions(undefined, "0.0.1")).toBeLessThan(0);
    expect(newestVersion([{ version: "x" }, { version: undefined }])?.version).toBe("x");
    expect(newestVersion([])).toBeUndefined();
  });
});

it("the data sets of a task are those of its parameters and those that only its runtime lists", () => {
  const hyperparams = { Datasets: { train: { name: "train", value: "id1" } }, Args: {} };
  expect(datasetsOfTask({ hyperparams, runtime: { datasets: ["id1", "id2", 3] } })).toEqual([
    { alias: "train", id: "id1" },
    { alias: undefined, id: "id2" },
  ]);
  expect(datasetsOfTask({})).toEqual([]);
});

it("charts come in one order whatever order the lines came in", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: (pair) => JSON.stringify(pair) }), (pairs) => {
      const chartsOf = (lines: readonly (readonly [string, string])[]) => {
        const builder = new ChartBuilder("iteration");
        for (const [title, name] of lines) builder.add(title, { name, id: "t", x: [1], y: [2] });
        return builder.charts();
      };
      expect(chartsOf(pairs)).toEqual(chartsOf(pairs.toReversed()));
      expect(chartsOf(pairs).flatMap(({ series }) => series)).toHaveLength(pairs.length);
    }),
  );
});

describe("a stored figure", () => {
  it("is read although Python wrote what JSON does not know, and texts stay as they are", () => {
    const text = '{"data":[{"y":[NaN,Infinity,-Infinity,1],"name":"NaN, \\"Infinity\\" and \\\\"}],"layout":{"a":-Infinity}}';
    expect(figureOf(text)).toEqual({ data: [{ y: [null, null, null, 1], name: 'NaN, "Infinity" and \\' }], layout: { a: null } });
  });

  it.each(["", "null", "[]", "1", "{"])("that is %j is none", (text) => {
    expect(figureOf(text)).toBeUndefined();
  });

  it("has data and a layout in any case", () => {
    expect(figureOf('{"frames":[]}')).toEqual({ data: [], layout: {}, frames: [] });
  });
});

describe("events in pages", () => {
  const page = (iters: readonly number[], scroll_id: string | undefined, total = 4) =>
    ({ events: iters.map((iter) => ({ iter })), returned: iters.length, total, scroll_id }) as const;
  const reading = { id: "t", isModel: false, type: "training_stats_scalar" } as const;

  async function read(pages: readonly ReturnType<typeof page>[]): Promise<{ iters: (number | null | undefined)[]; asked: number }> {
    const iters: (number | null | undefined)[] = [];
    let asked = 0;
    const fetch = () => Promise.resolve(pages[asked++] ?? page([], undefined));
    for await (const { iter } of readEvents(fetch, reading)) iters.push(iter);
    return { iters, asked };
  }

  it("are read to their end and not a page further", async () => {
    expect(await read([page([1, 2], "a"), page([2, 3], "b"), page([1], "c")])).toEqual({ iters: [1, 2, 2, 3], asked: 2 });
    expect(await read([page([], "a")])).toEqual({ iters: [], asked: 1 });
    expect(await read([page([1], undefined)])).toEqual({ iters: [1], asked: 1 });
  });

  it("that begin anew are an error, never a shorter answer", async () => {
    const error = await failureOf(read([page([-1, 0], "a"), page([-1, 0], "b")]));
    expect(error).toBeInstanceOf(ApiError);
    expect(String(error)).toContain("2 of 4 events");
  });
});
