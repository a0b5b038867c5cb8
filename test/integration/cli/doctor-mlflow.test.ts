/** What the doctor says of an MLflow server, where a trainer would write to one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runDoctor } from "../../../src/cli/doctor-command.js";
import type { Finding, Setting } from "../../../src/cli/doctor/finding.js";
import { MlflowDouble } from "../../support/mlflow-double.js";
import { serveWire, type WireServer } from "../../support/wire-server.js";

let folder: string;
let double: MlflowDouble;
let server: WireServer;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "doctor-"));
  double = new MlflowDouble();
  server = await serveWire(double.handler);
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Report {
  readonly settings: readonly Setting[];
  readonly findings: readonly (Finding & { readonly section: string })[];
}

async function doctor(given: Record<string, string> = {}): Promise<Report> {
  let text = "";
  const env = {
    JOB_ID: "7",
    PROJECT_ID: "7",
    TRAINER_SINKS: "mlflow",
    MLFLOW_TRACKING_URI: server.url,
    MLFLOW_TRACKING_TOKEN: "mlflow-secret",
    TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
    ...given,
  };
  const terminal = { out: (more: string) => (text += more), error: () => undefined, stop: new AbortController().signal };
  await runDoctor({ json: true }, env, "1.2.3", terminal);
  expect(text).not.toContain("mlflow-secret");
  return JSON.parse(text) as Report;
}

const ofMlflow = ({ findings }: Report): string[] =>
  findings.filter(({ section }) => section === "MLflow").map(({ severity, message }) => `${severity}: ${message}`);

describe("an MLflow server that a trainer would write to", () => {
  it("is said to be there, with its version and what would be written to, and nothing is made in it", async () => {
    const report = await doctor();
    expect(ofMlflow(report)).toEqual([
      `ok: MLflow 3.17.2 answers at ${server.url}.`,
      'ok: MLflow takes the credentials; the experiment "Project 7" would be made.',
    ]);
    expect(report.settings.map(({ name, value, from }) => [name, value, from])).toEqual(
      expect.arrayContaining([
        ["MLflow", server.url, "MLFLOW_TRACKING_URI"],
        ["MLflow credentials", "***", "MLFLOW_TRACKING_TOKEN"],
        ["MLflow experiment", "Project 7", "default"],
      ]),
    );
    expect(double.experiments).toHaveLength(1);
    expect(double.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
  });

  it("that is not there is an error that says what to check", async () => {
    await server.close();
    const [finding] = (await doctor()).findings.filter(({ section }) => section === "MLflow");
    expect(finding).toMatchObject({ severity: "error", advice: expect.stringContaining("MLFLOW_TRACKING_URI") as string });
  });

  it.each([
    [401, "You are not authenticated", /MLFLOW_TRACKING_USERNAME/],
    [403, "Invalid Host header - possible DNS rebinding attack detected", /Invalid Host header/],
  ])("that answers %d to the first real call is an error, though it gave its version", async (status, body, words) => {
    double.faults.set("mlflow", { mode: "status", match: "experiments/get-by-name", status, body });
    const [first, second] = ofMlflow(await doctor());
    expect(first).toMatch(/^ok/);
    expect(second).toMatch(/^error/);
    expect(second).toMatch(words);
  });

  it("whose experiment was deleted, or whose run is not there, is told of", async () => {
    double.experiments.push({ experiment_id: "1", name: "Project 7", lifecycle_stage: "deleted" });
    expect(ofMlflow(await doctor())[1]).toMatch(/^warning: .*was deleted/);
    expect(ofMlflow(await doctor({ MLFLOW_RUN_ID: "ab" }))[1]).toMatch(/^error: There is no active run ab/);
  });

  it("without the workspace that is meant, or without any, is an error and not an experiment that would be made", async () => {
    double.workspaces = ["default", "team-a"];
    expect(ofMlflow(await doctor({ MLFLOW_WORKSPACE: "team-a" }))[1]).toMatch(/^ok: .* would be made/);
    expect(ofMlflow(await doctor({ MLFLOW_WORKSPACE: "team-b" })).at(-1)).toMatch(/^error: MLflow has no workspace team-b/);
    double.workspaces = undefined;
    expect(ofMlflow(await doctor({ MLFLOW_WORKSPACE: "team-a" })).at(-1)).toMatch(/^error: MLflow has no workspace team-a/);
  });

  it("is not asked when it is not named, and its address is missed when it is", async () => {
    expect(ofMlflow(await doctor({ TRAINER_SINKS: "" }))).toEqual([]);
    expect(double.requests).toEqual([]);
    const { findings } = await doctor({ MLFLOW_TRACKING_URI: "" });
    expect(findings.map(({ id }) => id)).toContain("configuration.MLFLOW_TRACKING_URI");
  });
});
