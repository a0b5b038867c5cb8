/** How MLflow's servers are reached: user and password, token, certificates; and what becomes of a migration whose credentials expire. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { openMlflowSource, runMigration, verifyMigration } from "../../../src/migrate/index.js";
import { selfSigned } from "../../support/self-signed.js";
import { smallServer } from "../../support/small-mlflow.js";

const signal = new AbortController().signal;
const SECRET = "se cret";
const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "credentials-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a server that wants to know who asks", () => {
  it.each([
    ["user and password", basic("ada", SECRET), { MLFLOW_TRACKING_USERNAME: "ada", MLFLOW_TRACKING_PASSWORD: SECRET }],
    ["a token", `Bearer ${SECRET}`, { MLFLOW_TRACKING_TOKEN: SECRET }],
  ])("is told %s, and refuses others with a word on what to check", async (_what, authorization, env) => {
    const server = await smallServer({ authorization: () => authorization });
    try {
      await using source = await openMlflowSource({ trackingUri: server.url }, env);
      expect(await source.version({ signal })).toBe("2.17.0");
      const wrong = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, `${value}x`]));
      await using refused = await openMlflowSource({ trackingUri: server.url }, wrong);
      const error = await refused.version({ signal }).catch((reason: unknown) => String(reason));
      expect(error).toMatch(/with 401: You are not authenticated\.+ Check MLFLOW_TRACKING_USERNAME and its password, or the token/);
      expect(error).not.toContain(SECRET);
    } finally {
      server.close();
    }
  });
});

describe("a server with a certificate of its own", () => {
  it("is trusted by the file that names it, or when nothing is verified, and not otherwise", async () => {
    const certificate = selfSigned();
    const file = join(folder, "ca.pem");
    await writeFile(file, certificate.cert);
    const server = await smallServer({ certificate });
    const versionWith = async (env: Record<string, string>): Promise<string> => {
      await using source = await openMlflowSource({ trackingUri: server.url, retryBudgetMs: 0 }, env);
      return await source.version({ signal });
    };
    try {
      await expect(versionWith({})).rejects.toThrow(/certificate/i);
      expect(await versionWith({ MLFLOW_TRACKING_SERVER_CERT_PATH: file })).toBe("2.17.0");
      expect(await versionWith({ MLFLOW_TRACKING_INSECURE_TLS: "true" })).toBe("2.17.0");
    } finally {
      server.close();
    }
  });
});

describe("a migration whose credentials expire", () => {
  let devServer: DevServer;
  let clearml: ClearML;
  beforeEach(async () => {
    devServer = await startDevServer();
    clearml = createClearML({}, { ...devServer.env });
  });
  afterEach(async () => {
    await clearml.close();
    await devServer.close();
  });

  it("stops, says what was done and why no more, and goes on with others", async () => {
    let password = SECRET;
    let refused = 0;
    const server = await smallServer({ authorization: () => basic("ada", password), onRefusal: () => refused++ });
    const open = (given: string) => openMlflowSource({ trackingUri: server.url, username: "ada", password: given }, {});
    try {
      await using before = await open(SECRET);
      const given = { clearml, concurrency: 1, sourceId: "small" };
      const report = await runMigration({
        ...given,
        mlflow: before,
        onProgress: ({ runsDone }) => {
          if (runsDone === 1) password = "another";
        },
      });
      expect(report).toMatchObject({ migrated: 1, runs: 3, interrupted: false });
      expect(report.stoppedBy).toMatch(/401.*Check MLFLOW_TRACKING_USERNAME/);
      expect(report.failures.map(({ reason }) => reason)).toEqual([report.stoppedBy, report.stoppedBy]);
      expect(refused).toBe(1);
      expect(JSON.stringify(report)).not.toContain(SECRET);
      await using after = await open("another");
      const rest = await runMigration({ ...given, mlflow: after });
      expect(rest).toMatchObject({ migrated: 2, unchanged: 1, failures: [], stoppedBy: undefined });
      const proof = await verifyMigration({ ...given, mlflow: after });
      expect(proof).toMatchObject({ ok: true, differences: [] });
      expect((await clearml.tasks.getPage({ tags: ["mlflow"], search_hidden: true })).tasks).toHaveLength(3);
    } finally {
      server.close();
    }
  });

  it("fails as a whole when they were no good from the beginning", async () => {
    const server = await smallServer({ authorization: () => basic("ada", "another") });
    try {
      await using mlflow = await openMlflowSource({ trackingUri: server.url, username: "ada", password: SECRET }, {});
      await expect(runMigration({ mlflow, clearml })).rejects.toThrow(/401/);
    } finally {
      server.close();
    }
  });
});
