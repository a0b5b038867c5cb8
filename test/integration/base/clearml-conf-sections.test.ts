/** What `clearml.conf` says beside hosts and keys: its folder, variables that it sets, files that it would write, and where files go. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readClearMLConf } from "../../../src/base/clearml-conf.js";
import { withConfEnvironment } from "../../../src/base/conf-environment.js";
import { createClearML } from "../../../src/clearml/create-clearml.js";
import { resolveClearMLOptions } from "../../../src/clearml/options.js";
import { resolveTrainerOptions } from "../../../src/trainer/options.js";
import { storagePlaceOf } from "../../../src/trainer/storage-place.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "conf-"));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

async function write(name: string, text: string): Promise<string> {
  const file = path.join(home, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

describe("CLEARML_CONFIG_PATH", () => {
  it("names a folder in which each file stands for the part of its name, below what the home folder says", async () => {
    await write("conf/default/api.conf", "api_server: http://default:8008\nweb_server: http://default:8080");
    await write("conf/default/sdk/aws.conf", "s3 { key: k, secret: s, region: eu-1 }");
    await write("conf/default/notes.txt", "not { read");
    await write("clearml.conf", "api.web_server: http://home:8080");
    const conf = readClearMLConf({ CLEARML_CONFIG_PATH: "~/conf", HOME: home });
    expect(conf.issues).toEqual([]);
    expect(conf.api).toMatchObject({ apiHost: "http://default:8008", webHost: "http://home:8080" });
    expect(conf.s3).toMatchObject({ key: "k", secret: "s", region: "eu-1" });
    expect(conf.files.map((file) => path.relative(home, file))).toEqual([
      "conf/default/api.conf",
      "conf/default/sdk/aws.conf",
      "clearml.conf",
    ]);
  });

  it("lays the environment that CLEARML_ENV names over the default one, and a named file over both", async () => {
    await write(
      "conf/default/api.conf",
      "api_server: http://default:8008, web_server: http://default:8080, files_server: http://default:8081",
    );
    await write("conf/local/api.conf", "web_server: http://local:8080, files_server: http://local:8081");
    const file = await write("own.conf", "api.files_server: http://own:8081");
    const env = { TRAINS_CONFIG_PATH: path.join(home, "conf"), CLEARML_ENV: "local", CLEARML_CONFIG_FILE: file };
    expect(readClearMLConf(env).api).toMatchObject({
      apiHost: "http://default:8008",
      webHost: "http://local:8080",
      filesHost: "http://own:8081",
    });
  });

  it("reads files once where they are mounted by links, as a ConfigMap is", async () => {
    await write("mount/..2026/api.conf", "api_server: http://mounted:8008");
    await symlink("..2026", path.join(home, "mount", "..data"));
    await symlink(path.join("..data", "api.conf"), path.join(home, "mount", "api.conf"));
    await mkdir(path.join(home, "conf"));
    await symlink(path.join(home, "mount"), path.join(home, "conf", "default"));
    const conf = readClearMLConf({ CLEARML_CONFIG_PATH: path.join(home, "conf") });
    expect(conf.api.apiHost).toBe("http://mounted:8008");
    expect(conf.files).toHaveLength(1);
  });

  it("is an issue when nothing is where it leads, when its environment is none, and when a text of it is wrong", async () => {
    await write("flat/clearml.conf", "api.api_server: http://a:8008");
    const flat = readClearMLConf({ CLEARML_CONFIG_PATH: path.join(home, "flat") }).issues;
    expect(flat).toEqual([
      { path: "CLEARML_CONFIG_PATH", message: expect.stringMatching(/no folder default .*CLEARML_CONFIG_FILE/) as string },
    ]);
    await write("conf/default/api.conf", "api_server = ");
    await write("conf/default/sdk.conf", "storage.cache.default_base_dir: /cache");
    const conf = readClearMLConf({ CLEARML_CONFIG_PATH: path.join(home, "conf"), CLEARML_ENV: "prod" });
    expect(conf.issues).toEqual([
      { path: "CLEARML_ENV", message: 'must be default, demo, local, not "prod"' },
      { path: "CLEARML_CONFIG_PATH", message: expect.stringMatching(/api\.conf, line 1.*left out/) as string },
    ]);
    expect(conf.cacheDirectory).toBe("/cache");
  });
});

describe("the section environment", () => {
  const TEXT = `sdk.apply_environment: true
environment {
  AWS_ACCESS_KEY_ID: conf-key, AWS_SECRET_ACCESS_KEY: "conf-secret"
  NUMBER: 7, ON: true, OFF: false, EMPTY: ""
  JOINED: "first:"\${?JOINED}
  CLEARML_API_HOST: "http://elsewhere:8008", HOME: /elsewhere
}`;

  it("wins over what is set, as in ClearML's client, and has no say in where ClearML and the file are", async () => {
    await write("clearml.conf", TEXT);
    const env = { HOME: home, AWS_ACCESS_KEY_ID: "env-key", JOINED: "second", CLEARML_API_HOST: "http://here:8008", KEPT: "kept" };
    expect(withConfEnvironment(env)).toEqual({
      ...env,
      AWS_ACCESS_KEY_ID: "conf-key",
      AWS_SECRET_ACCESS_KEY: "conf-secret",
      NUMBER: "7",
      ON: "True",
      OFF: "",
      EMPTY: "",
      JOINED: "first:second",
    });
    expect(process.env["AWS_SECRET_ACCESS_KEY"]).not.toBe("conf-secret");
  });

  it("counts only when it is turned on, by the file or over it by CLEARML_ENABLE_ENV_CONFIG_SECTION", async () => {
    await write("clearml.conf", "sdk.apply_environment: false\nenvironment { TRAINER_SINKS: platform }");
    expect(withConfEnvironment({ HOME: home })).toEqual({ HOME: home });
    expect(withConfEnvironment({ HOME: home, CLEARML_ENABLE_ENV_CONFIG_SECTION: "1" })).toMatchObject({ TRAINER_SINKS: "platform" });
    await write("clearml.conf", TEXT);
    expect(withConfEnvironment({ HOME: home, CLEARML_ENABLE_ENV_CONFIG_SECTION: "0" })).not.toHaveProperty("NUMBER");
  });

  it("is what a trainer and a client are set up with", async () => {
    const keys = "api { api_server: http://127.0.0.1:9, credentials { access_key: a, secret_key: b } }\n";
    await write("clearml.conf", `${keys}sdk.apply_environment: true\nenvironment { TRAINER_SINKS: clearml }`);
    const env = { HOME: home, TRAINER_JOURNAL_DIR: path.join(home, "journal"), CALLBACK_URL: "http://127.0.0.1:9/" };
    const sdk = await TrainerSDK.init({ env });
    expect(Object.keys(sdk.stats().outbox?.sinks ?? {})).toEqual(["clearml"]);
    await sdk.close({ deadlineMs: 0 });
    const clearml = createClearML({}, { HOME: home });
    expect(clearml.env["TRAINER_SINKS"]).toBe("clearml");
    await clearml.close();
  });
});

it("writes no file of the section files, and says so", async () => {
  await write("clearml.conf", `sdk.apply_files: true\nfiles { one { path: "${path.join(home, "written.txt")}", contents: "no" } }`);
  const warnings: string[] = [];
  const note = (message: string): void => void warnings.push(message);
  const logger = { debug() {}, info() {}, warn: note, error: note };
  const env = { HOME: home, TRAINER_JOURNAL_DIR: path.join(home, "journal"), CALLBACK_URL: "http://127.0.0.1:9/" };
  const sdk = await TrainerSDK.init({ env, logger, strict: true });
  await sdk.close({ deadlineMs: 0 });
  expect(warnings.join("\n")).toContain("sdk.apply_files");
  expect((await readdir(home)).includes("written.txt")).toBe(false);
});

describe("the default output destination", () => {
  const place = (env: Record<string, string>) => {
    const all = { HOME: home, CLEARML_API_HOST: "http://clearml:8008", CLEARML_API_ACCESS_KEY: "a", CLEARML_API_SECRET_KEY: "b", ...env };
    return storagePlaceOf({}, resolveTrainerOptions({}, all, home), resolveClearMLOptions({}, all).options?.filesHost);
  };

  it("is used after CHECKPOINT_URI and the platform's own storage, before ClearML's file server; the variable before the file", async () => {
    const file = await write("clearml.conf", "sdk.development.default_output_uri: s3://conf/models");
    expect(place({}).place).toEqual({ uri: "s3://conf/models", from: `${file} (sdk.development.default_output_uri)` });
    const variable = { CLEARML_DEFAULT_OUTPUT_URI: "s3://minio:9000/env" };
    expect(place(variable).place).toEqual({ uri: "s3://minio:9000/env", from: "CLEARML_DEFAULT_OUTPUT_URI" });
    const internal = { INTERNAL_STORAGE_ENDPOINT: "http://minio:9002", INTERNAL_BUCKET_CHECKPOINTS: "own" };
    expect(place({ ...variable, ...internal }).place?.uri).toBe("s3://minio:9002/own");
    expect(place({ ...variable, ...internal, CHECKPOINT_URI: "clearml" }).place).toEqual({ uri: "clearml", from: "CHECKPOINT_URI" });
    await rm(file);
    expect(place({}).place).toEqual({ uri: "clearml", from: "derived" });
  });

  it("may be a folder or the file server by its address, as for ClearML's client", () => {
    expect(place({ CLEARML_DEFAULT_OUTPUT_URI: "~/models" }).place?.uri).toBe(pathToFileURL(path.join(home, "models")).href);
    expect(place({ CLEARML_DEFAULT_OUTPUT_URI: "http://clearml:8081" }).place?.uri).toBe("clearml");
  });

  it("of a kind that this package has no store for is an issue, and the file server is taken", () => {
    const { place: taken, issues } = place({ CLEARML_DEFAULT_OUTPUT_URI: "gs://bucket/models" });
    expect(taken?.uri).toBe("clearml");
    expect(issues).toEqual([{ path: "CLEARML_DEFAULT_OUTPUT_URI", message: expect.stringContaining("gs:// is not supported") as string }]);
  });

  it("does not count without ClearML: offline, or when ClearML is no destination", () => {
    for (const env of [{ CLEARML_OFFLINE_MODE: "1" }, { TRAINER_SINKS: "platform" }])
      expect(place({ CLEARML_DEFAULT_OUTPUT_URI: "s3://bucket/models", ...env }).place?.uri).toBe("clearml");
  });
});
