import { describe, expect, it } from "vitest";
import { frameworkOfMlmodel } from "../../../src/migrate/model-flavor.js";

const file = (flavors: string): string => `artifact_path: model\nflavors:\n${flavors}mlflow_version: 3.17.2\nmodel_uuid: 1234e567\n`;

describe("the framework of an MLmodel file", () => {
  it.each([
    ["  python_function:\n    loader_module: mlflow.sklearn\n  sklearn:\n    code: null\n", "ScikitLearn"],
    ["  transformers:\n    pytorch_version: 2.1\n  pytorch:\n    model_data: data\n", "PyTorch"],
    ["  prophet:\n    pr_version: 1.1\n  python_function:\n    loader_module: mlflow.prophet\n", "prophet"],
    ["  python_function:\n    loader_module: mlflow.xgboost\n", "XGBoost"],
    ["  python_function:\n    loader_module: mlflow.pyfunc.model\n", undefined],
  ])("is read from its flavors, and not from what merely loads it: %j", (flavors, framework) => {
    expect(frameworkOfMlmodel(file(flavors))).toBe(framework);
  });

  it.each(["flavors: {}\n", "", "flavors: [\n", "just text", "flavors: null\n", "- a\n"])(
    "is unknown where the file says nothing: %j",
    (text) => {
      expect(frameworkOfMlmodel(text)).toBeUndefined();
    },
  );
});
