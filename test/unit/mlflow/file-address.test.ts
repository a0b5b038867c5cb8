import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/errors.js";
import { folderOfFileAddress } from "../../../src/mlflow/file-address.js";

describe("the folder of a file: address", () => {
  it.each([
    ["file:///data/runs", "/data/runs"],
    ["FILE:/data/runs", "/data/runs"],
    ["file:///data/a%20b", "/data/a b"],
    ["file:///data/d%C3%A9part", "/data/départ"],
    ["file:runs/1", "/base/runs/1"],
    ["file:./runs%20of%20mine", "/base/runs of mine"],
    // MLflow's own reading of these.
    ["file:///data/100%", "/data/100%"],
    ["file:///data/100%/50%zz", "/data/100%/50%zz"],
    ["file:100%", "/base/100%"],
  ])("of %s is %s", (address, folder) => {
    expect(folderOfFileAddress(address, "/base")).toBe(folder);
  });

  it.each(["/data/runs", "s3://b/p", "mlflow-artifacts:/1", "profile:/x"])("of %s is none", (address) => {
    expect(folderOfFileAddress(address, "/base")).toBeUndefined();
  });

  it.each(["file:///data/%FF", "file:///data/a%2Fb", "file:runs%00"])("of %s is told as what it is, a mistake", (address) => {
    const call = (): unknown => folderOfFileAddress(address, "/base");
    expect(call).toThrow(ConfigError);
    expect(call).toThrow(`${address} names no folder`);
  });
});
