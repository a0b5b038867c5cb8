import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { artifactRoute, fileRoute } from "../../../src/mlflow/artifact-route.js";
import { callersTag, keyOf, nameRulesOf, pathPart, textOf } from "../../../src/mlflow/mlflow-names.js";
import { metricLine } from "../../../src/mlflow/mlflow-writer.js";

const MODERN = nameRulesOf("3.17.2");
const OLD = nameRulesOf("2.9.2");
/** Any characters of Unicode, lone surrogates too. By their numbers: the library's own unit of that kind takes four seconds to make. */
const anyText = fc.array(fc.nat({ max: 0x10ffff }), { minLength: 1, maxLength: 12 }).map((codes) => String.fromCodePoint(...codes));
const TAKEN = /^[/\p{L}\p{N}_.\- :]+$/u;

describe("a name on its way to MLflow", () => {
  it.each(["loss", "train/loss", "größe", "a b", "x.y-z_0"])("that is right stays as it is: %s", (name) => {
    expect([keyOf(name, MODERN), keyOf(name, OLD)]).toEqual([name, name]);
  });

  it("keeps its colon where the server takes one", () => {
    expect(keyOf("map:50", MODERN)).toBe("map:50");
    expect(keyOf("map:50", OLD)).toMatch(/^map_50-[0-9a-f]{8}$/);
    expect(nameRulesOf(undefined)).toEqual({ colons: false });
  });

  it("is always one that MLflow takes, whatever it was", () => {
    fc.assert(
      // Long ones by repetition.
      fc.property(anyText, fc.nat({ max: 60 }), (part, more) => {
        const name = part.repeat(1 + more);
        const key = keyOf(name, MODERN);
        expect(TAKEN.test(key)).toBe(true);
        expect(key.length).toBeLessThanOrEqual(250);
        expect(key).not.toMatch(/^\/|\/\/|\/$|(^|\/)\.{1,2}(\/|$)/);
      }),
    );
  });

  it("never becomes another's", () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        fc.pre(one !== other);
        expect(keyOf(one, OLD)).not.toBe(keyOf(other, OLD));
      }),
    );
    expect(keyOf("\uD800", OLD)).not.toBe(keyOf("\uD801", OLD));
    expect(keyOf("n".repeat(251), MODERN)).not.toBe(keyOf("n".repeat(252), MODERN));
  });

  it("of a tag does not take the place of MLflow's own or of ours", () => {
    expect(callersTag("mlflow.runName", MODERN)).toBe("tag.mlflow.runName");
    expect(callersTag("trainer_sdk.key", MODERN)).toBe("tag.trainer_sdk.key");
    expect(callersTag("prod", MODERN)).toBe("prod");
  });
});

describe("a file's path", () => {
  it("has no part that climbs, divides, or means something to a URL", () => {
    for (const name of ["..", ".", "", "a/b", "a#b", "a?b", "a%2e", "x".repeat(500)]) {
      expect(pathPart(name)).toMatch(/^[\p{L}\p{N}_\-. ]+-[0-9a-f]{8}$/u);
      expect(pathPart(name)).not.toMatch(/^\.+/);
    }
    expect(pathPart("last-3-abcdef01.pt")).toBe("last-3-abcdef01.pt");
    expect(pathPart("größe?.pt")).toMatch(/^größe_-[0-9a-f]{8}\.pt$/);
  });

  it("leads to the server alone that proved to be ours", () => {
    const base = "https://mlflow.internal/prefix";
    expect(artifactRoute("mlflow-artifacts:/1/ab/artifacts", base)).toBe("/api/2.0/mlflow-artifacts/artifacts/1/ab/artifacts");
    expect(artifactRoute("mlflow-artifacts://mlflow.internal/1/ab/artifacts", base)).toBeDefined();
    expect(artifactRoute("mlflow-artifacts://elsewhere/1/ab/artifacts", base)).toBeUndefined();
    expect(artifactRoute("https://mlflow.internal/prefix/api/2.0/mlflow-artifacts/artifacts/1/ab/artifacts", base)).toBe(
      "/api/2.0/mlflow-artifacts/artifacts/1/ab/artifacts",
    );
    for (const uri of [
      "s3://bucket/1",
      "file:///mlruns/1",
      "/mlruns/1",
      undefined,
      "https://elsewhere/api/2.0/mlflow-artifacts/artifacts/1",
    ])
      expect(artifactRoute(uri, base)).toBeUndefined();
    expect(fileRoute("/p", "a b/c+d é.pt")).toBe("/p/a%20b/c%2Bd%20%C3%A9.pt");
  });
});

describe("a value on its way to MLflow", () => {
  it("has a whole time and step, and words for what is no number", () => {
    expect(metricLine("loss", 0.5, 1234.9, 3)).toBe('{"key":"loss","value":0.5,"timestamp":1234,"step":3}');
    expect(metricLine("loss", "NaN", -1, 3)).toBe('{"key":"loss","value":"NaN","timestamp":0,"step":3}');
  });

  it("is cut between characters, and says so", () => {
    expect(textOf("abc", 3)).toEqual({ text: "abc", whole: true });
    expect(textOf("ab😀", 3)).toEqual({ text: "ab", whole: false });
  });
});
