import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { resolveTrainerOptions, type TrainerOptions } from "../../../src/trainer/options.js";

const resolve = (given: TrainerOptions = {}, env: Record<string, string> = {}) => resolveTrainerOptions(given, env, "/work-dir");
const paths = (resolved: ReturnType<typeof resolve>) => resolved.issues.map(({ path: name }) => name);

describe("resolveTrainerOptions", () => {
  it("takes what is given before the environment, and the environment before the default", () => {
    const env = { JOB_ID: "7", PROJECT_ID: "3", OPERATION_TYPE: "export", CALLBACK_URL: "http://backend/cb/" };
    expect(resolve({}, env)).toMatchObject({ jobId: "7", operation: "export", callback: { url: "http://backend/cb", dialect: "plan" } });
    expect(resolve({ jobId: "8", operation: "training" }, env)).toMatchObject({ jobId: "8", operation: "training" });
    expect(resolve()).toMatchObject({ jobId: undefined, operation: "training", callback: undefined, taskOwner: "trainer", issues: [] });
  });

  it("names the task and the project as the platform does", () => {
    expect(resolve({}, { JOB_ID: "7", PROJECT_ID: "3" }).clearmlTask).toEqual({
      taskId: undefined,
      projectName: "Project 3",
      taskName: "Training Job 7",
    });
    expect(resolve({}, { JOB_ID: "7", OPERATION_TYPE: "inference" }).clearmlTask.taskName).toBe("Inference Job 7");
    expect(resolve({}, { JOB_ID: "7", CLEARML_PROJECT: "Vision", CLEARML_TASK_NAME: "run" }).clearmlTask).toMatchObject({
      projectName: "Vision",
      taskName: "run",
    });
  });

  it("lists every bad variable at once and counts each as absent", () => {
    const resolved = resolve(
      {},
      { OPERATION_TYPE: "cooking", CALLBACK_URL: "ftp://x", CONFIG: "{", TRAINER_SINKS: "platform,fax", TRAINER_TASK_OWNER: "nobody" },
    );
    expect(paths(resolved)).toEqual(["OPERATION_TYPE", "CALLBACK_URL", "CONFIG", "TRAINER_SINKS", "TRAINER_TASK_OWNER"]);
    expect(resolved).toMatchObject({ operation: "training", callback: undefined, config: {}, sinks: undefined, taskOwner: "trainer" });
  });

  it("names options that there are not, what was meant by them, and no value", () => {
    const given = { jobID: "7", learningRate: 0.1, jobId: "8", clearml: { secret_key: "hunter2", taskId: "t" }, callback: { link: "x" } };
    const { issues, jobId } = resolve(given as TrainerOptions);
    expect(issues).toEqual([
      { path: "jobID", message: "is no option; jobId is" },
      { path: "learningRate", message: "is no option" },
      { path: "callback.link", message: "is no option" },
      { path: "clearml.secret_key", message: "is no option; clearml.secretKey is" },
    ]);
    expect(jobId).toBe("8");
  });

  it("shows a bad value, but never one that may be secret", () => {
    const [operation, config] = resolve({}, { OPERATION_TYPE: "cooking", CONFIG: '{"password": "hunter2"' }).issues;
    expect(operation?.message).toContain("cooking");
    expect(config?.message).not.toContain("hunter2");
  });

  it("sends nothing in a dialect that it does not speak, and says so", () => {
    const resolved = resolve({}, { CALLBACK_URL: "http://backend", CALLBACK_DIALECT: "klingon" });
    expect(resolved.callback).toBeUndefined();
    expect(paths(resolved)).toEqual(["CALLBACK_DIALECT"]);
  });

  it("says that a sink was asked for without its address", () => {
    expect(paths(resolve({}, { TRAINER_SINKS: "platform" }))).toEqual(["CALLBACK_URL"]);
  });

  it("counts an empty variable as unset", () => {
    expect(resolve({}, { OPERATION_TYPE: "", JOB_ID: " " })).toMatchObject({ operation: "training", jobId: undefined, issues: [] });
  });

  it.each([
    [{ JOB_ID: "42" }, "/work-dir/.trainer-sdk/42"],
    [{ JOB_ID: "42", OPERATION_TYPE: "export" }, "/work-dir/.trainer-sdk/export-42"],
    [{ JOB_ID: "../../etc" }, "/work-dir/.trainer-sdk/..%2F..%2Fetc"],
    [{ JOB_ID: ".." }, "/work-dir/.trainer-sdk/%2E%2E"],
    [{ JOB_ID: "42", TRAINER_JOURNAL_DIR: "/data/journal" }, "/data/journal"],
    [{ TRAINER_JOURNAL_DIR: "journal" }, "/work-dir/journal"],
    [{ JOB_ID: "42", RANK: "3" }, "/work-dir/.trainer-sdk/42/rank-3"],
    [{}, undefined],
  ])("puts the journal of %j in %s", (env, folder) => {
    expect(resolve({ rankScope: "all" }, env as Record<string, string>).journalDirectory).toBe(folder);
  });

  it("is silent on any rank but 0, unless every rank is to speak", () => {
    expect(resolve({}, { RANK: "1" }).silent).toBe(true);
    expect(resolve({}, { RANK: "0", LOCAL_RANK: "1" }).silent).toBe(false);
    expect(resolve({}, { SLURM_PROCID: "2" }).silent).toBe(true);
    expect(resolve({ rankScope: "all" }, { RANK: "1" }).silent).toBe(false);
    expect(resolve({}, { RANK: "first" }).silent).toBe(false);
  });

  it("reads the configuration from CONFIG, else from the file", () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), "config-")), "config.json");
    writeFileSync(file, '{"epochs": 3}');
    expect(resolve({}, { TRAINER_CONFIG_FILE: file }).config).toEqual({ epochs: 3 });
    expect(resolve({}, { TRAINER_CONFIG_FILE: file, CONFIG: '{"epochs": 5}' }).config).toEqual({ epochs: 5 });
    expect(paths(resolve({}, { TRAINER_CONFIG_FILE: `${file}.not` }))).toEqual(["TRAINER_CONFIG_FILE"]);
  });
});
