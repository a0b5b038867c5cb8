import { describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS, settingsSchema } from "../../../../examples/mnist/settings.ts";

describe("the trainer's settings", () => {
  it("fill what the job's configuration leaves open", () => {
    expect(settingsSchema.parse({})).toEqual(DEFAULT_SETTINGS);
    expect(settingsSchema.parse({ epochs: 3, learningRate: 0.5 })).toEqual({ ...DEFAULT_SETTINGS, epochs: 3, learningRate: 0.5 });
  });

  it("name everything that is wrong at once", () => {
    expect(() => settingsSchema.parse({ epochs: 1.5, learningRate: "high", hiddenunits: 3, seed: 0 })).toThrow(
      /epochs must be a whole number.*learningRate must be a number above 0.*hiddenunits is not a setting.*seed must be a number above 0/,
    );
  });
});
