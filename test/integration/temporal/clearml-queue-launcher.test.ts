/** The launcher by itself: with which keys, and over which connection, it finds the task that its agent runs. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { launcherScript } from "../../../src/temporal/clearml-queue/launcher-script.js";
import { selfSigned } from "../../support/self-signed.js";

let server: DevServer;
let reader: ClearML;
let folder: string;
let task: string;
beforeEach(async () => {
  server = await startDevServer();
  reader = createClearML({}, { ...server.env });
  folder = await mkdtemp(path.join(tmpdir(), "trainer-launcher-"));
  const order = { fence: 1, command: ["/bin/sh", "-c", "echo from the trainer"], env: {}, pollSeconds: 0.05, graceSeconds: 1 };
  await writeFile(path.join(folder, "launch.sh"), launcherScript(order));
  ({ id: task } = await reader.tasks.create({ name: "launched", type: "custom" }));
  await reader.tasks.started({ task });
});
afterEach(async () => {
  await reader.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const keys = () => ({ CLEARML_API_ACCESS_KEY: server.accessKey, CLEARML_API_SECRET_KEY: server.secretKey });

/** Runs it as an agent does. */
function launched(env: Record<string, string>): Promise<{ readonly code: unknown; readonly output: string }> {
  return new Promise((resolve) => {
    const given = { PATH: process.env["PATH"], CLEARML_TASK_ID: task, ...env };
    execFile("/bin/sh", ["launch.sh"], { cwd: folder, env: given }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
}

async function hasRun(): Promise<boolean> {
  return (await reader.tasks.getById({ task })).task.runtime?.["trainer_sdk_end"] !== undefined;
}

describe("the launcher of a trainer", () => {
  it.each([
    ["JSON", (api: object) => JSON.stringify({ api })],
    [
      "HOCON",
      ({ api_server, credentials }: { api_server: string; credentials: { access_key: string; secret_key: string } }) =>
        [
          "# api_server: http://nowhere",
          "api {",
          `  api_server: ${api_server}`,
          `  credentials { "access_key" = "${credentials.access_key}", "secret_key" = "${credentials.secret_key}" }`,
          "}",
          'sdk { aws { s3 { key: "", secret: "" } } }',
        ].join("\n"),
    ],
  ])("finds address and keys in a configuration file in %s", async (_format, write) => {
    const file = path.join(folder, "agent.conf");
    await writeFile(
      file,
      write({ api_server: server.apiUrl, credentials: { access_key: server.accessKey, secret_key: server.secretKey } }),
    );
    const { code, output } = await launched({ CLEARML_CONFIG_FILE: file });
    expect(output).toContain("from the trainer");
    expect(code).toBe(0);
    expect(await hasRun()).toBe(true);
  });

  it("finds them in the environment, a token alone as well", async () => {
    expect((await launched({ CLEARML_API_HOST: server.apiUrl, ...keys() })).code).toBe(0);
    ({ id: task } = await reader.tasks.create({ name: "launched", type: "custom" }));
    await reader.tasks.started({ task });
    const token = await reader.session.token();
    expect((await launched({ CLEARML_API_HOST: server.apiUrl, CLEARML_AUTH_TOKEN: token })).code).toBe(0);
    expect(await hasRun()).toBe(true);
  });

  it("starts no trainer without keys, or with keys that ClearML does not take, and says so", async () => {
    const without = await launched({ CLEARML_API_HOST: server.apiUrl });
    expect(without).toMatchObject({ code: 78, output: expect.stringContaining("with which keys") as string });
    const wrong = await launched({ CLEARML_API_HOST: server.apiUrl, ...keys(), CLEARML_API_SECRET_KEY: "wrong" });
    expect(wrong).toMatchObject({ code: 78, output: expect.stringContaining("answers 401") as string });
    expect(wrong.output).not.toContain("from the trainer");
    expect(await hasRun()).toBe(false);
  });

  it("trusts the certificates that the agent trusts", async () => {
    const { key, cert } = selfSigned();
    const front = createServer({ key, cert }, (request, response) => {
      void (async () => {
        const body = Buffer.concat(await request.toArray());
        const headers = { authorization: request.headers.authorization ?? "", "content-type": "application/json" };
        const answer = await fetch(`${server.apiUrl}${request.url ?? ""}`, { method: "POST", headers, body });
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
      })();
    });
    front.listen(0, "127.0.0.1");
    await once(front, "listening");
    const bundle = path.join(folder, "ca.pem");
    await writeFile(bundle, cert);
    const host = { CLEARML_API_HOST: `https://localhost:${String((front.address() as AddressInfo).port)}`, ...keys() };
    expect((await launched({ ...host, REQUESTS_CA_BUNDLE: bundle })).output).toContain("from the trainer");
    front.close();
  });
});
