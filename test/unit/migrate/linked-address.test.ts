import { describe, expect, it } from "vitest";
import { linkedAddress } from "../../../src/migrate/linked-address.js";

const SERVER = "https://mlflow.example.com/team";
const at = (artifact_uri: string, source = SERVER, path = "plots/a b#.png"): string =>
  linkedAddress(
    { info: { run_id: "r1", experiment_id: "1", status: "FINISHED", artifact_uri }, data: { metrics: [], params: [], tags: [] } },
    path,
    source,
  );

describe("the address of a file that stays where it is", () => {
  it("is the proxy's route for files behind the server", () => {
    const route = "api/2.0/mlflow-artifacts/artifacts/1/r1/artifacts/plots/a%20b%23.png";
    expect(at("mlflow-artifacts:/1/r1/artifacts")).toBe(`${SERVER}/${route}`);
    expect(at("mlflow-artifacts://files.example.com:5500/1/r1/artifacts/")).toBe(`https://files.example.com:5500/${route}`);
  });

  it("is the object's own address in a store", () => {
    expect(at("s3://bucket/1/r1/artifacts")).toBe("s3://bucket/1/r1/artifacts/plots/a b#.png");
    expect(at("https://files.example.com/1")).toBe("https://files.example.com/1/plots/a%20b%23.png");
  });

  it("goes by way of the server where only the server's machine can read the file", () => {
    const route = `${SERVER}/get-artifact?run_uuid=r1&path=plots%2Fa%20b%23.png`;
    expect(at("/srv/mlruns/1/r1/artifacts")).toBe(route);
    expect(at("file:///srv/mlruns/1/r1/artifacts")).toBe(route);
  });

  it("is a file's address where the source is a folder", () => {
    expect(at("/srv/mlruns/1/r1/artifacts", "/srv/mlruns")).toBe("file:///srv/mlruns/1/r1/artifacts/plots/a%20b%23.png");
    expect(at("file:///srv/1", "/srv/mlruns")).toBe("file:///srv/1/plots/a%20b%23.png");
  });
});
