import { describe, expect, it } from "vitest";
import { mappedNames, projectPaths, taskNameOf } from "../../../src/migrate/mapped-names.js";

describe("projects of experiments", () => {
  it("pads short parts, drops empty ones, and gives a path that two would share to the older one", () => {
    const experiments = ["a", "a__", "vision//x", "/"].map((name, index) => ({ experiment_id: String(index + 1), name }));
    expect([...projectPaths(experiments, "Old").values()]).toEqual(["Old/a__", "Old/a__ (mlflow 2)", "Old/vision/x__", "Old/unnamed"]);
  });

  it("makes one name of what lies deeper than ClearML goes", () => {
    const name = Array.from({ length: 12 }, (_, index) => `part${String(index)}`).join("/");
    const path = projectPaths([{ experiment_id: "1", name }], undefined).get("1");
    expect(path?.split("/")).toHaveLength(10);
    expect(path).toMatch(/part8\/part9 - part10 - part11$/);
  });
});

describe("names of parameters, tags and files", () => {
  it("tells apart what ClearML would take for one, and leaves a name that can stay as it is", () => {
    expect(Object.fromEntries(mappedNames([" x y", "x y", "2024-01-31", "plain", "taken"], ["taken"]))).toEqual({
      " x y": "x y (2)",
      "x y": "x y",
      "2024-01-31": "2024-01-31_",
      plain: "plain",
      taken: "taken (2)",
    });
  });

  it("gives a task a name of three characters at least", () => {
    expect([taskNameOf("x", "id"), taskNameOf(undefined, "0123"), taskNameOf("2024-01-31", "id")]).toEqual(["x__", "0123", "2024-01-31_"]);
  });
});
