import { describe, expect, it } from "vitest";
import type { TaskDocument } from "../../../../src/devserver/dashboard/data/documents.js";
import { compareParameters } from "../../../../src/devserver/dashboard/data/parameter-differences.js";

function aTask(id: string, values: Record<string, string>, configuration?: string): TaskDocument {
  return {
    id,
    hyperparams: { General: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { name, value }])) },
    ...(configuration === undefined ? {} : { configuration: { model: { name: "model", value: configuration } } }),
  };
}

describe("hyperparameters side by side", () => {
  it("tells what differs from what is the same, also when one task has no such value", () => {
    const [section] = compareParameters([aTask("a", { lr: "0.1", epochs: "5", seed: "1" }), aTask("b", { lr: "0.2", epochs: "5" })]);
    expect(section).toEqual({
      name: "General",
      parameters: [
        { name: "epochs", values: ["5", "5"], differs: false },
        { name: "lr", values: ["0.1", "0.2"], differs: true },
        { name: "seed", values: ["1", undefined], differs: true },
      ],
    });
  });

  it("takes two spellings of one number for the same, and never a text for a number", () => {
    const [section] = compareParameters([aTask("a", { lr: "1e-3", name: "0" }), aTask("b", { lr: "0.001", name: "" })]);
    expect(section?.parameters.map(({ name, differs }) => [name, differs])).toEqual([
      ["lr", false],
      ["name", true],
    ]);
  });

  it("compares configuration objects as texts", () => {
    const sections = compareParameters([aTask("a", {}, "layers = 2"), aTask("b", {}, "layers = 3")]);
    expect(sections.find(({ name }) => name === "Configuration")?.parameters[0]?.differs).toBe(true);
  });
});
