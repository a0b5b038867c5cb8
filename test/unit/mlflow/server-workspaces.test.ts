import { describe, expect, it } from "vitest";
import { ApiError } from "../../../src/base/errors.js";
import { ServerWorkspaces } from "../../../src/mlflow/server-workspaces.js";

const signal = new AbortController().signal;
const INFO = "/api/3.0/mlflow/server-info";
const LIST = "/api/3.0/mlflow/workspaces";
const CURRENT = "/api/2.0/mlflow/users/current";
const USER = "/api/2.0/mlflow/users/get";

/** A server that answers texts or statuses by path, and where there are workspaces by theirs; 404 for all else. */
function serverWith(answers: Readonly<Record<string, string | number>>, username?: string) {
  const asked: string[] = [];
  const read = async (path: string, _query: object, { workspace }: { readonly workspace: string | undefined }): Promise<string> => {
    const what = workspace === undefined ? path : `${workspace} ${path}`;
    asked.push(what);
    const answer = answers[what] ?? 404;
    if (typeof answer === "string") return answer;
    const facts = { service: "mlflow", method: "GET", url: path, status: answer, retryable: answer === 503 };
    throw new ApiError(`refused with ${String(answer)}`, facts);
  };
  return { workspaces: new ServerWorkspaces(read, username), asked };
}

const withWorkspaces = { [INFO]: '{"workspaces_enabled":true}', [LIST]: '{"workspaces":[{"name":"default"},{"name":"team-a"}]}' };

describe("what a server says of its workspaces", () => {
  it.each([
    ["a release without the question", {}],
    ["a server without the switch", { [INFO]: '{"store_type":"SqlStore","workspaces_enabled":false}' }],
    ["a release that says nothing of them", { [INFO]: '{"store_type":"SqlStore"}' }],
  ])("is none from %s: no request names one", async (_what, answers) => {
    const { workspaces } = serverWith(answers);
    expect(await workspaces.names(signal)).toEqual([undefined]);
    expect(await workspaces.scope(signal)).toEqual({ workspaces: ["default"], limits: [] });
    expect(await workspaces.ofRun("a", signal)).toBeUndefined();
    expect(await workspaces.ofModel(undefined, signal)).toBeUndefined();
  });

  it.each([
    ["a gateway refuses the question", { [INFO]: 403 }, /whether there are workspaces cannot be told: .*server-info answers 403/],
    ["a page answers it", { [INFO]: "<html>" }, /whether there are workspaces cannot be told: .*something else than MLflow does/],
    ["the server fails at it", { [INFO]: 500 }, /answers 500/],
    ["they may not be listed", { ...withWorkspaces, [LIST]: 403 }, /which workspaces there are cannot be told: .*workspaces answers 403/],
  ])("is a doubt where %s", async (_what, answers, words) => {
    const { workspaces } = serverWith(answers);
    const scope = await workspaces.scope(signal);
    expect(scope.workspaces).toEqual(["default"]);
    expect(scope.limits).toEqual([expect.stringMatching(words)]);
  });

  it.each([401, 503])("is no answer at all where the server says %d", async (status) => {
    await expect(serverWith({ [INFO]: status }).workspaces.scope(signal)).rejects.toThrow(`refused with ${String(status)}`);
  });
});

describe("the workspace of an id", () => {
  it("is what a list said, else the one that has it, asked for once", async () => {
    const { workspaces, asked } = serverWith({ ...withWorkspaces, "team-a /api/2.0/mlflow/runs/get": "{}" });
    workspaces.put("listed", "default");
    expect(await workspaces.ofRun("listed", signal)).toBe("default");
    expect(asked).toEqual([INFO, LIST]);
    for (let time = 0; time < 2; time++) expect(await workspaces.ofRun("other", signal)).toBe("team-a");
    expect(asked.slice(2)).toEqual(["default /api/2.0/mlflow/runs/get", "team-a /api/2.0/mlflow/runs/get"]);
  });

  it("is told to be nowhere when no workspace has it, and not when one could not say", async () => {
    const { workspaces } = serverWith({ ...withWorkspaces, "default /api/2.0/mlflow/experiments/get": 403 });
    await expect(workspaces.ofRun("x", signal)).rejects.toThrow("No workspace of MLflow that these credentials may read has x.");
    await expect(workspaces.ofExperiment("7", signal)).rejects.toThrow("refused with 403");
  });
});

describe("what MLflow's own authentication says of the user", () => {
  const user = (isAdmin: boolean): string => JSON.stringify({ user: { id: 1, username: "eve", is_admin: isAdmin } });

  it.each([
    ["an administrator", { [CURRENT]: user(true) }, "eve", []],
    ["an administrator of an older release", { [USER]: user(true) }, "eve", []],
    ["nobody, without such authentication", {}, "eve", []],
    ["nobody whose name is known, by a token", { [USER]: user(false) }, undefined, []],
    ["no administrator", { [CURRENT]: user(false) }, undefined, [expect.stringContaining('the user "eve" is no administrator')]],
    ["no administrator of an older release", { [USER]: user(false) }, "eve", [expect.stringContaining('the user "eve" is no')]],
  ])("is a doubt unless it is all right: %s", async (_what, answers, username, limits) => {
    expect((await serverWith(answers, username).workspaces.scope(signal)).limits).toEqual(limits);
  });
});
