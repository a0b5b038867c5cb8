/** `clearml.conf` on a real disk: who uses it, what wins over it, and what a broken one costs. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readClearMLConf } from "../../../src/base/clearml-conf.js";
import { createClearML } from "../../../src/clearml/create-clearml.js";
import { resolveClearMLOptions } from "../../../src/clearml/options.js";
import { parseCheckpointUri } from "../../../src/storage/checkpoint-uri.js";
import { resolveS3Settings, type S3Settings } from "../../../src/storage/s3-settings.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "conf-"));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const TEXT = `api {
  api_server: http://conf:8008
  credentials { access_key: conf-key, secret_key = "conf-secret" }
  verify_certificate = false
}
sdk.aws.s3 {
  key = general-key, secret = general-secret, region = eu-1
  credentials: [
    { host: "minio:9000", key: minio-key, secret: minio-secret, secure: false, multipart: false }
    { bucket: "corp", host: "store.corp.example", key: corp-key, secret: corp-secret, token: corp-token }
    { bucket: "chain", use_credentials_chain: true, region: us-2 }
  ]
}`;

const write = async (text: string, name = "clearml.conf"): Promise<string> => {
  await writeFile(path.join(home, name), text);
  return path.join(home, name);
};

describe("the client", () => {
  it("takes hosts and keys from ~/clearml.conf, over ~/trains.conf", async () => {
    await write(TEXT);
    await write("api { web_server: http://trains:8080, api_server: http://trains:8008 }", "trains.conf");
    const { options, issues, origins } = resolveClearMLOptions({}, { HOME: home });
    expect(issues).toEqual([]);
    expect(options).toMatchObject({
      apiHost: "http://conf:8008",
      webHost: "http://trains:8080",
      filesHost: "http://trains:8081",
      accessKey: "conf-key",
      secretKey: "conf-secret",
      verifyCertificates: false,
    });
    expect(origins.apiHost).toBe(`${path.join(home, "clearml.conf")} (api.api_server)`);
  });

  it("takes options before the environment before the file, and keys from one of them alone", async () => {
    const file = await write(TEXT);
    const env = { CLEARML_CONFIG_FILE: file, CLEARML_API_HOST: "http://env:8008", CLEARML_API_ACCESS_KEY: "env-key" };
    const fromEnv = resolveClearMLOptions({}, env);
    expect(fromEnv.options).toBeUndefined();
    expect(fromEnv.issues).toEqual([
      { path: "CLEARML_API_SECRET_KEY", message: expect.stringContaining("CLEARML_API_ACCESS_KEY") as string },
    ]);
    const given = resolveClearMLOptions(
      { apiHost: "http://given:8008" },
      { ...env, CLEARML_API_SECRET_KEY: "env-secret", CLEARML_API_HOST_VERIFY_CERT: "1" },
    );
    expect(given.options).toMatchObject({
      apiHost: "http://given:8008",
      accessKey: "env-key",
      secretKey: "env-secret",
      verifyCertificates: true,
    });
  });

  it("says what the named file is when it cannot be read or is wrong, with line and column", async () => {
    const missing = path.join(home, "missing.conf");
    expect(readClearMLConf({ CLEARML_CONFIG_FILE: "~/missing.conf", HOME: home }).issues).toEqual([
      { path: "CLEARML_CONFIG_FILE", message: expect.stringContaining(missing) as string },
    ]);
    const file = await write("api {\n  api_server = \n}");
    const env = { CLEARML_CONFIG_FILE: file, CLEARML_API_ACCESS_KEY: "k", CLEARML_API_SECRET_KEY: "s" };
    expect(() => createClearML({}, env)).toThrow(`${file}, line 3, column 1: a value is missing for api.api_server`);
  });

  it("follows includes beside the file, and ends one that includes itself", async () => {
    await mkdir(path.join(home, "more"));
    await writeFile(path.join(home, "more", "keys.conf"), "api.credentials { access_key = k, secret_key = s }");
    const file = await write('include "more/keys.conf"\napi.api_server = http://a:8008');
    expect(resolveClearMLOptions({}, { CLEARML_CONFIG_FILE: file }).options).toMatchObject({ accessKey: "k", apiHost: "http://a:8008" });
    await write('include "clearml.conf"');
    expect(readClearMLConf({ HOME: home }).issues[0]?.message).toContain("includes itself");
  });
});

describe("a trainer", () => {
  const start = (text: string, strict: boolean) => async (): Promise<TrainerSDK> => {
    const file = await write(text);
    const env = {
      JOB_ID: "1",
      TRAINER_JOURNAL_DIR: path.join(home, "journal"),
      CALLBACK_URL: "http://127.0.0.1:9/callback",
      CLEARML_CONFIG_FILE: file,
    };
    return TrainerSDK.init({ env, strict });
  };

  it("starts without what a broken clearml.conf says, and says so", async () => {
    const sdk = await start("api { api_server: [ }", false)();
    expect(sdk.stats().issues).toContainEqual({
      path: "CLEARML_CONFIG_FILE",
      message: expect.stringMatching(/clearml\.conf, line 1, column 21/) as string,
    });
    await sdk.close({ deadlineMs: 0 });
  });

  it("throws for it with strict", async () => {
    await expect(start("api { api_server: [ }", true)()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("reports to the ClearML that the file names", async () => {
    const sdk = await start(TEXT, false)();
    expect(Object.keys(sdk.stats().outbox?.sinks ?? {})).toContain("clearml");
    await sdk.close({ deadlineMs: 0 });
  });
});

describe("storage", () => {
  function settings(uri: string, env: Record<string, string> = {}): S3Settings {
    const parsed = parseCheckpointUri(uri);
    if (parsed.status === "invalid" || parsed.spec.kind !== "s3") throw new Error("unreachable");
    return resolveS3Settings(parsed.spec, {}, { HOME: home, ...env });
  }
  const AWS = { AWS_ACCESS_KEY_ID: "env-key", AWS_SECRET_ACCESS_KEY: "env-secret" };
  beforeEach(() => write(TEXT));

  it("takes the keys of the very host or bucket before all others", () => {
    expect(settings("s3://minio:9000/data", AWS)).toMatchObject({
      endpoint: "http://minio:9000",
      credentials: { accessKeyId: "minio-key", secretAccessKey: "minio-secret" },
    });
    expect(settings("s3://corp/models", AWS)).toMatchObject({
      endpoint: "https://store.corp.example:443",
      uriBase: "s3://store.corp.example:443/corp",
      credentials: { accessKeyId: "corp-key", sessionToken: "corp-token" },
    });
  });

  it("asks AWS's chain where the file says so", () => {
    expect(settings("s3://chain/a", AWS)).toMatchObject({ endpoint: undefined, region: "us-2", credentials: undefined });
  });

  it("takes the general keys last", () => {
    expect(settings("s3://other/a", AWS).credentials).toEqual({ accessKeyId: "env-key", secretAccessKey: "env-secret" });
    expect(settings("s3://other/a")).toMatchObject({ region: "eu-1", credentials: { accessKeyId: "general-key" } });
    expect(settings("s3://minio:9001/data").credentials).toEqual({ accessKeyId: "general-key", secretAccessKey: "general-secret" });
  });
});
