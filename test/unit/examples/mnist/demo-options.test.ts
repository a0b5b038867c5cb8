import { describe, expect, it } from "vitest";
import { readDemoOptions, UsageError } from "../../../../examples/mnist/demo-options.ts";

describe("the demo's options", () => {
  it("are off unless given", () => {
    expect(readDemoOptions([])).toEqual({ json: false, keep: false, help: false, epochs: undefined, trainImages: undefined });
    expect(readDemoOptions(["--json", "--keep", "--epochs", "3", "--train-images=500"])).toEqual({
      json: true,
      keep: true,
      help: false,
      epochs: 3,
      trainImages: 500,
    });
  });

  it.each([
    ["--jsno"],
    ["--epochs"],
    ["--epochs", "0"],
    ["--epochs", "many"],
    ["--epochs", "1.5"],
    ["--train-images", "-4"],
    ["--train-images", "55001"],
    ["extra"],
  ])("refuse %s %s, so that a slip is not taken for a run", (...args) => {
    expect(() => readDemoOptions(args)).toThrow(UsageError);
  });
});
