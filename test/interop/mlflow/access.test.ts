/**
 * A real MLflow with its own authentication: what a user who may not read all of it is told, and what becomes of wrong credentials; and
 * files whose names its server misreads.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MlflowClient, planMigration, runMigration, verifyMigration } from "../../../src/migrate/index.js";
import { clearmlBench, type ClearMLBench } from "../../support/clearml-bench.js";
import { Tally } from "../support/tally.js";
import { byPython, startMlflow, type MlflowServer } from "./mlflow-server.js";
import { MLFLOW_LINES, pythonOf } from "./tools.js";

const ADMIN = { username: "admin", password: "the-admin-has-one" };
const EVE = { username: "eve", password: "eve-has-a-password" };
const TOKEN = "a-token-for-the-gateway";
const signal = new AbortController().signal;

/** A gateway as companies have them: takes a token, and passes requests on as a user of the server behind it. */
async function tokenGateway(
  server: string,
  { username, password }: typeof ADMIN,
): Promise<{ readonly url: string; readonly server: Server }> {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const gateway = createServer((incoming, outgoing) => {
    if (incoming.headers.authorization !== `Bearer ${TOKEN}`) {
      outgoing.writeHead(401).end("no such token");
      return;
    }
    const onwards = request(new URL(incoming.url ?? "", server), {
      method: incoming.method,
      headers: { ...incoming.headers, host: new URL(server).host, authorization },
    });
    onwards.on("response", (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onwards.on("error", () => outgoing.destroy());
    incoming.pipe(onwards);
  }).listen(0, "127.0.0.1");
  await once(gateway, "listening");
  return { url: `http://127.0.0.1:${String((gateway.address() as AddressInfo).port)}`, server: gateway };
}

describe.each(MLFLOW_LINES)("MLflow $version with its own authentication", (line) => {
  let folder: string;
  let mlflow: MlflowServer;
  let bench: ClearMLBench;
  let ids: { readonly secret: string; readonly hers: string };
  const tally = new Tally("mlflow", `MLflow ${line.version}, whoever asks`);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "interop-access-"));
    const config = {
      default_permission: "NO_PERMISSIONS",
      database_uri: `sqlite:///${join(folder, "auth.db")}`,
      admin_username: ADMIN.username,
      admin_password: ADMIN.password,
      authorization_function: "mlflow.server.auth:authenticate_request_basic_auth",
      // A password is hashed several times a request otherwise; 2.9 does not know it.
      auth_cache_ttl_seconds: "300",
    };
    const lines = Object.entries(config).map(([name, value]) => `${name} = ${value}\n`);
    await writeFile(join(folder, "auth.ini"), `[mlflow]\n${lines.join("")}`);
    const python = await pythonOf(line);
    bench = await clearmlBench();
    mlflow = await startMlflow(python, {
      more: ["--app-name", "basic-auth"],
      env: { MLFLOW_AUTH_CONFIG_PATH: join(folder, "auth.ini"), MLFLOW_FLASK_SERVER_SECRET_KEY: "for-the-test" },
    });
    const env = { MLFLOW_TRACKING_USERNAME: ADMIN.username, MLFLOW_TRACKING_PASSWORD: ADMIN.password };
    ids = await byPython(python, "access.py", mlflow.trackingUri, env);
    // As somebody with another client of the store would.
    const below = join(folderOf(ids.secret), "of%20old");
    await mkdir(below, { recursive: true });
    await writeFile(join(below, "a%20b.txt"), "put there");
    await mkdir(join(folderOf(ids.secret), "images"), { recursive: true });
    for (const name of [
      "y%step%3%timestamp%1700000000000%deadbeef.png",
      "y%step%3%timestamp%1700000000000%7f00.png",
      "b c.txt",
      "b%20c.txt",
    ])
      await writeFile(join(folderOf(ids.secret), "images", name), `<${name}>`);
  });
  afterEach(() => {
    tally.end();
  });
  afterAll(async () => {
    await mlflow.close();
    await bench[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const folderOf = (runId: string): string => join(mlflow.artifactsRoot, "1", runId, "artifacts");
  const clientOf = (options: object): MlflowClient => new MlflowClient({ trackingUri: mlflow.trackingUri, ...options }, {});

  const limits = ['the user "eve" is no administrator: MLflow leaves out what such a user may not read, without a word'];

  it("shows a user some of it without a word, and tells who that is when it is asked", async () => {
    await using client = clientOf(EVE);
    const shown: string[] = [];
    for await (const { name } of client.experiments({ signal })) shown.push(name);
    tally.compare("experiments", shown, ["hers"]);
    tally.compare("scope", await client.scope({ signal }), { workspaces: ["default"], limits });
    await using admin = clientOf(ADMIN);
    tally.compare("scope of an administrator", await admin.scope({ signal }), { workspaces: ["default"], limits: [] });
  });

  // Each request costs the old line three hashes of a password.
  it.runIf(line.hasLoggedModels)("moves what a user may read, and calls that no proof of all of it, until somebody accepts", async () => {
    await using client = clientOf(EVE);
    const given = { mlflow: client, clearml: bench.clearml, sourceId: "eve", into: "eve" };
    const plan = await planMigration(given);
    tally.compare(
      "experiments that she is shown",
      plan.experiments.map(({ name }) => name),
      ["hers"],
    );
    tally.compare("said by the plan", plan.unread.limits, limits);
    const moved = await runMigration(given);
    tally.compare("moved", [moved.migrated, moved.failures], [1, []]);
    tally.compare("said by the run", moved.unread.limits, limits);
    const proof = await verifyMigration(given);
    tally.compare("proof", [proof.ok, proof.unread.limits, proof.differences], [false, limits, []]);
    tally.compare("accepted", (await verifyMigration({ ...given, acceptLimits: true })).ok, true);
  });

  it("says which variables to look at when a password is wrong, and not what was in them", async () => {
    await using client = clientOf({ ...ADMIN, password: "wrong-one" });
    const told = await client.scope({ signal }).catch(String);
    expect(told).toMatch(/with 401: .* Check MLFLOW_TRACKING_USERNAME and its password, or the token/s);
    expect(told).not.toContain("wrong-one");
  });

  it("hands out each file under its own name, whatever escapes it seems to hold, and never another one", async () => {
    const listedOn = async (client: MlflowClient): Promise<Map<string, number>> => {
      const found = new Map<string, number>();
      for await (const { path, file_size } of client.artifacts(ids.secret, { signal })) found.set(path, Number(file_size ?? 0));
      return found;
    };
    const onDisk = (await readdir(folderOf(ids.secret), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(folderOf(ids.secret).length + 1));
    expect(onDisk.length).toBeGreaterThan(8);
    await using client = clientOf({ ...ADMIN, artifactsRoot: mlflow.artifactsRoot });
    const listed = await listedOn(client);
    tally.compare("names", [...listed.keys()].sort(), onDisk.toSorted());
    const target = join(folder, "file");
    for (const [path, sizeBytes] of listed) {
      const { sha256 } = await client.download(ids.secret, path, target, { signal, sizeBytes });
      const expected = createHash("sha256")
        .update(await readFile(join(folderOf(ids.secret), path)))
        .digest("hex");
      tally.compare(`the bytes of ${path}`, sha256, expected);
    }
    // Without the store nobody can have some of them: that is told, and no other file comes in their place.
    await using bare = clientOf(ADMIN);
    await expect(bare.download(ids.secret, "images/b%20c.txt", target, { signal, sizeBytes: 11 })).rejects.toThrow(
      /cannot hand out the file images\/b%20c\.txt of run .*--artifacts-root/s,
    );
    await expect(listedOn(bare)).rejects.toThrow(/cannot hand out the folder of%20old of run .*--artifacts-root/s);
  });

  it.runIf(line.hasLoggedModels)("is moved and proved through a gateway that takes a token, with every such file", async () => {
    const gateway = await tokenGateway(mlflow.trackingUri, ADMIN);
    try {
      await using client = new MlflowClient(
        { trackingUri: gateway.url, artifactsRoot: mlflow.artifactsRoot },
        { MLFLOW_TRACKING_TOKEN: TOKEN },
      );
      const given = { mlflow: client, clearml: bench.clearml, sourceId: "token", into: "token" };
      const moved = await runMigration(given);
      tally.compare("moved", [moved.migrated, moved.failures, moved.unread.limits], [2, [], []]);
      const proof = await verifyMigration(given);
      tally.compare("proof", [proof.ok, proof.differences, proof.compared.runs], [true, [], 2]);
      await using stranger = new MlflowClient({ trackingUri: gateway.url }, { MLFLOW_TRACKING_TOKEN: `${TOKEN}x` });
      await expect(planMigration({ ...given, mlflow: stranger })).rejects.toThrow(/with 401: no such token\. Check .*or the token/);
    } finally {
      gateway.server.close();
      gateway.server.closeAllConnections();
    }
  });
});
