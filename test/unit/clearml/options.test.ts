import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/errors.js";
import { resolveClearMLOptions } from "../../../src/clearml/options.js";
import { ClearMLSession } from "../../../src/clearml/session.js";

const KEYS = { CLEARML_API_ACCESS_KEY: "ACCESSKEY1", CLEARML_API_SECRET_KEY: "very-secret" };

describe("what is given", () => {
  it("goes before the environment, which goes before defaults", () => {
    const env = { ...KEYS, CLEARML_API_HOST: "http://env:8008", CLEARML_WORKER_NAME: "env-worker" };
    expect(resolveClearMLOptions({ apiHost: "http://given:8008/" }, env).options).toMatchObject({
      apiHost: "http://given:8008",
      workerName: "env-worker",
    });
    expect(resolveClearMLOptions({}, env).options).toMatchObject({ apiHost: "http://env:8008" });
    expect(resolveClearMLOptions({}, KEYS).options).toMatchObject({
      apiHost: "https://api.clear.ml",
      webHost: "https://app.clear.ml",
      filesHost: "https://files.clear.ml",
    });
  });

  it("may be empty text, which counts as not given", () => {
    const env = { ...KEYS, CLEARML_API_HOST: " ", TRAINS_API_HOST: "http://old:8008", CLEARML_AUTH_TOKEN: "" };
    expect(resolveClearMLOptions({ apiHost: "" }, env).options).toMatchObject({ apiHost: "http://old:8008", token: undefined });
  });

  it("may go by the older names", () => {
    const env = {
      TRAINS_API_ACCESS_KEY: "a",
      TRAINS_API_SECRET_KEY: "b",
      TRAINS_WORKER_NAME: "w",
      TRAINS_API_HOST_VERIFY_CERT: "0",
      TRAINS_WEB_HOST: "http://w:1",
      TRAINS_FILES_HOST: "http://f:2",
    };
    const { options, issues } = resolveClearMLOptions({}, env);
    expect(issues).toEqual([]);
    expect(options).toMatchObject({
      accessKey: "a",
      secretKey: "b",
      workerName: "w",
      verifyCertificates: false,
      webHost: "http://w:1",
      filesHost: "http://f:2",
    });
  });

  it("does not mix credentials of two sources", () => {
    const env = { ...KEYS, CLEARML_AUTH_TOKEN: "env-token" };
    expect(resolveClearMLOptions({ token: "given" }, env).options).toMatchObject({ token: "given", accessKey: undefined });
    expect(resolveClearMLOptions({ accessKey: "given" }, env).issues).toMatchObject([{ path: "clearml.secretKey" }]);
    expect(resolveClearMLOptions({}, env).options).toMatchObject({ token: "env-token", accessKey: "ACCESSKEY1" });
  });
});

describe("hosts that were not named", () => {
  it.each([
    ["http://localhost:8008", "http://localhost:8080", "http://localhost:8081"],
    ["https://api.clearml.example", "https://app.clearml.example", "https://files.clearml.example"],
    ["https://ml.example/api", "https://ml.example", "https://ml.example/files"],
    ["https://clearml-api.example", undefined, undefined],
    ["http://10.0.0.1:9000", undefined, undefined],
  ])("are derived from %s", (apiHost, webHost, filesHost) => {
    const { options, issues } = resolveClearMLOptions({ apiHost }, KEYS);
    expect(issues).toEqual([]);
    expect(options).toMatchObject({ apiHost, webHost, filesHost });
  });

  it("lie beside a web host that was named", () => {
    expect(resolveClearMLOptions({ apiHost: "http://a:9000", webHost: "https://web.example" }, KEYS).options?.filesHost).toBe(
      "https://web.example:8081",
    );
    expect(resolveClearMLOptions({ apiHost: "http://a:9000", webHost: "http://web.example:9001" }, KEYS).options?.filesHost).toBe(
      "http://web.example:8081",
    );
  });
});

describe("problems", () => {
  it("come out all at once, by variable, and without a secret", () => {
    const env = {
      CLEARML_API_HOST: "localhost:8008",
      CLEARML_WEB_HOST: "http://:hunter2@web",
      CLEARML_API_SECRET_KEY: "very-secret",
      CLEARML_API_HOST_VERIFY_CERT: "maybe",
    };
    const { options, issues, configured } = resolveClearMLOptions({}, env);
    expect(options).toBeUndefined();
    expect(configured).toBe(true);
    expect(issues.map(({ path }) => path).sort()).toEqual([
      "CLEARML_API_ACCESS_KEY",
      "CLEARML_API_HOST",
      "CLEARML_API_HOST_VERIFY_CERT",
      "CLEARML_WEB_HOST",
    ]);
    expect(JSON.stringify(issues)).not.toMatch(/very-secret|hunter2/);
  });

  it("name the key that has no secret, too little of it to be used", () => {
    const { issues } = resolveClearMLOptions({}, { CLEARML_API_ACCESS_KEY: "ACCESSKEY1" });
    expect(issues).toEqual([{ path: "CLEARML_API_SECRET_KEY", message: "is missing beside CLEARML_API_ACCESS_KEY (AC***)" }]);
  });

  it("are told apart from ClearML not being wanted at all", () => {
    expect(resolveClearMLOptions({}, {})).toMatchObject({ options: undefined, configured: false });
    expect(resolveClearMLOptions({}, { CLEARML_API_HOST: "http://a:8008" })).toMatchObject({ options: undefined, configured: true });
  });

  it("that are no obstacle leave the rest usable, but a session is strict", () => {
    const env = { ...KEYS, CLEARML_WEB_HOST: "nonsense" };
    expect(resolveClearMLOptions({}, env).options).toMatchObject({ apiHost: "https://api.clear.ml" });
    expect(() => new ClearMLSession({}, env)).toThrow(ConfigError);
    expect(() => new ClearMLSession({}, {})).toThrow(/CLEARML_API_ACCESS_KEY is missing/);
  });
});
