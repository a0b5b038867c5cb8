/** A migration that may not have read all of MLflow: each step says so, and only somebody's word makes the proof one. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runMigrate, type MigrateOptions, type MigrateStep } from "../../../src/cli/migrate-command.js";
import { verificationPage, verifyMigration, type VerificationReport } from "../../../src/migrate/index.js";
import { migrationBench, type MigrationBench } from "../../support/migration-bench.js";
import { history, holding, page, point, T } from "../../support/mlflow-stand-in.js";

let bench: MigrationBench;
beforeEach(async () => {
  bench = await migrationBench();
});
afterEach(() => bench[Symbol.asyncDispose]());

const withWorkspaces = {
  "/api/3.0/mlflow/server-info": '{"workspaces_enabled":true}',
  "/api/3.0/mlflow/workspaces": '{"workspaces":[{"name":"default"},{"name":"team-a"}]}',
};

function answer(more: Readonly<Record<string, string>>): void {
  const query = "&max_results=25000";
  const text = page(point("1", T, "0"));
  const answers = holding(["a"], { [history("a")]: text });
  bench.standIn.answers = { ...answers, [history("a").replace("&max_results=2", query)]: text, ...more };
}

/** One command, as the program runs it. */
async function migrate(step: MigrateStep, options: MigrateOptions = {}, env: Readonly<Record<string, string>> = {}) {
  let text = "";
  const terminal = { out: (more: string) => (text += more), error: () => undefined, stop: new AbortController().signal };
  const given = { trackingUri: bench.standIn.url, ledger: join(bench.folder, "ledger.jsonl"), ...options };
  const code = await runMigrate(step, given, { ...bench.server.env, ...env }, terminal);
  return { code, text };
}

describe("workspaces that were not named", () => {
  beforeEach(() => {
    answer(withWorkspaces);
  });

  it("are told by each step, and fail the proof until that is accepted", async () => {
    const env = { MLFLOW_WORKSPACE: "default" };
    const told = /NOT READ: 1 workspace of MLflow, team-a: .*--accept-workspaces/;
    for (const step of ["plan", "run"] as const)
      expect(await migrate(step, {}, env)).toEqual({ code: 0, text: expect.stringMatching(told) as string });
    const proof = await migrate("verify", {}, env);
    expect(proof).toEqual({ code: 1, text: expect.stringMatching(told) as string });
    expect(proof.text).toContain("No difference, but MLflow has workspaces that were not read: that is not accepted.");
    const accepted = await migrate("verify", { acceptWorkspaces: true }, env);
    expect(accepted.code).toBe(0);
    expect(accepted.text).toContain("equal, but for workspaces that were not named, as accepted.");
  });

  it("are named by an option before the environment", async () => {
    const { text } = await migrate("plan", { workspace: ["team-a"], json: true }, { MLFLOW_WORKSPACE: "default" });
    expect(JSON.parse(text)).toMatchObject({ workspaces: ["team-a"], unread: { workspaces: ["default"] } });
    await expect(migrate("plan", {}, { MLFLOW_WORKSPACE: "team-b" })).rejects.toThrow(/no workspace "team-b".*MLFLOW_WORKSPACE/);
  });

  it("are on the page of the proof", async () => {
    const { mlflow, clearml } = bench;
    const report: VerificationReport = await verifyMigration({ mlflow, clearml, workspaces: ["default"] });
    expect(await verificationPage(report, new Date(0))).toContain("Not read: the workspaces team-a of MLflow, which were not named.");
  });
});

describe("a server that does not show everything", () => {
  it.each([
    ["a user who is no administrator", { "users/current": '{"user":{"username":"eve","is_admin":false}}' }, /"eve" is no administrator/],
    ["a page in the place of an answer", { "/api/3.0/mlflow/server-info": "<html>" }, /whether there are workspaces cannot be told/],
  ])("is told of by each step and fails the proof until that is accepted: %s", async (_what, more, words) => {
    answer(more);
    for (const step of ["plan", "run"] as const) {
      const { code, text } = await migrate(step);
      expect([code, text]).toEqual([0, expect.stringMatching(/PERHAPS NOT ALL: .*--accept-limits/)]);
      expect(text).toMatch(words);
    }
    const proof = await migrate("verify");
    expect(proof.code).toBe(1);
    expect(proof.text).toContain("No difference, but MLflow may hold more than it has shown: that is not accepted.");
    // The other word is none for this.
    expect((await migrate("verify", { acceptWorkspaces: true })).code).toBe(1);
    expect((await migrate("verify", { acceptLimits: true })).code).toBe(0);
  });

  it("and was not asked for all of it is told of what is not accepted, and of nothing that is", async () => {
    answer({
      ...withWorkspaces,
      "users/current": '{"user":{"username":"eve","is_admin":false}}',
      "artifacts/list?run_id=a": '{"files":[{"path":"weights.bin","is_dir":false,"file_size":3}]}',
    });
    const env = { MLFLOW_WORKSPACE: "default" };
    await migrate("run", { artifacts: "link" }, env);
    const proof = async (options: MigrateOptions): Promise<readonly unknown[]> => {
      const { code, text } = await migrate("verify", options, env);
      return [code, text.trim().split("\n").at(-1)];
    };
    const accepted = { acceptLinks: true, acceptWorkspaces: true, acceptLimits: true };
    expect(await proof({ ...accepted, acceptLinks: false })).toEqual([
      1,
      expect.stringMatching(/files are in MLflow's store alone: that is/),
    ]);
    expect(await proof({ ...accepted, acceptWorkspaces: false })).toEqual([
      1,
      expect.stringMatching(/workspaces that were not read: that is/),
    ]);
    expect(await proof({ ...accepted, acceptLimits: false })).toEqual([
      1,
      expect.stringMatching(/may hold more than it has shown: that is/),
    ]);
    expect(await proof(accepted)).toEqual([0, expect.stringMatching(/, but for .* as accepted; .* as accepted; .* as accepted\.$/)]);
  });
});
