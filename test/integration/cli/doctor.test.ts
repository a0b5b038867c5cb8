/** `trainer-sdk doctor` on set-ups that are broken, each in one way, and on one that is whole; its words are the test. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { createServer as createSecureServer } from "node:https";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Finding, Setting } from "../../../src/cli/doctor/finding.js";
import { createS3Double } from "../../../src/testing/s3.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";
import { aDoctorBench, doctor, said } from "../../support/doctor-bench.js";
import { startProxy } from "../../support/proxy-server.js";
import { selfSigned } from "../../support/self-signed.js";
import { serveWire } from "../../support/wire-server.js";

const BIN = fileURLToPath(new URL("../../../dist/cli/bin.cjs", import.meta.url));

const bench = aDoctorBench();
const { whole } = bench;

describe("a set-up that is whole", () => {
  it("is told to be so, with every setting, its origin and no secret, and nothing is left behind anywhere", async () => {
    const { code, text } = await doctor(whole());
    expect(said(text, "ERROR").concat(said(text, "WARNING"))).toEqual([]);
    expect(code).toBe(0);
    expect(text).toMatch(/ClearML API +http:\/\/127\.0\.0\.1:\d+ {2}\(CLEARML_API_HOST\)/);
    expect(text).toMatch(/ClearML access key +\S{2}\*\*\* {2}\(CLEARML_API_ACCESS_KEY\)/);
    expect(text).toMatch(/S3 access key +te\*\*\* {2}\(AWS_ACCESS_KEY_ID\)/);
    expect(text).toContain("trainer-sdk 1.2.3 on Node.js");
    expect(text).toMatch(/An fsync in .* takes [\d.]+ ms/);
    expect(text).toContain("This machine's clock agrees with that of 3 servers");
    expect(text).toContain("All is well.");
    const { CLEARML_API_SECRET_KEY: secret = "none" } = whole();
    for (const hidden of [secret, "callback-secret", "test-secret"]) expect(text).not.toContain(hidden);
    expect(bench.s3.s3.objects()).toEqual([]);
    expect(bench.s3.s3.uploads()).toEqual([]);
    expect(
      bench.s3.s3
        .calls()
        .map(({ operation }) => operation)
        .sort(),
    ).toEqual(["AbortMultipartUpload", "AbortMultipartUpload", "CreateMultipartUpload", "CreateMultipartUpload"]);
    expect(await readdir(bench.folder)).toEqual([]);
    expect(bench.server.requests.entries({ channel: "callbacks" }).filter(({ method }) => method !== "HEAD")).toEqual([]);
  });

  it("is told to machines as one line, and to a terminal with what is being looked at", async () => {
    const { text } = await doctor(whole(), { json: true });
    const report = JSON.parse(text) as {
      severity: string;
      version: string;
      settings: Setting[];
      findings: (Finding & { section: string })[];
    };
    expect(text.trim().split("\n")).toHaveLength(1);
    expect(report).toMatchObject({ version: "1.2.3" });
    expect(report.findings).toContainEqual(expect.objectContaining({ section: "ClearML", id: "clearml.login", severity: "ok" }));
    expect(report.findings.find(({ id }) => id === "journal.fsync")?.facts).toMatchObject({ medianMs: expect.any(Number) as number });
    expect((await doctor(whole(), {}, true)).progress).toContain("looking at ClearML, Callbacks, Storage, Hand-over, Journal");
    expect((await doctor(whole())).progress).toBe("");
  });

  it("needs no right but those of an upload", async () => {
    const double = createS3Double({ buckets: ["models"], rights: ["s3:PutObject", "s3:AbortMultipartUpload"] });
    bench.s3.intercept((_pass, request) => double.handler(request));
    expect((await doctor(whole())).code).toBe(0);
  });
});

describe("a set-up that is broken", () => {
  it("because nothing is set: says which variables name a destination", async () => {
    const { code, text } = await doctor({});
    expect(code).toBe(2);
    expect(said(text, "ERROR")).toEqual([
      expect.stringMatching(/destinations are missing: set CALLBACK_URL, or CLEARML_API_HOST with CLEARML_API_ACCESS_KEY/),
    ]);
    expect(said(text, "WARNING")).toContainEqual(expect.stringMatching(/no place for checkpoints.*CHECKPOINT_URI/));
  });

  it("because ClearML and the backend are down", async () => {
    const env = whole();
    await bench.server.close();
    const { code, text } = await doctor(env);
    expect(code).toBe(2);
    expect(said(text, "ERROR")).toEqual([
      expect.stringMatching(/ClearML's API cannot be reached\. No answer to GET http:.*ECONNREFUSED.* \| Check CLEARML_API_HOST/),
      expect.stringMatching(/The backend cannot be reached\..* \| Check CALLBACK_URL/),
    ]);
    await bench.restartServer();
  });

  it("because ClearML does not know the keys", async () => {
    const { code, text } = await doctor({ ...whole(), CLEARML_API_SECRET_KEY: "wrong-secret" });
    expect(code).toBe(2);
    expect(said(text, "ERROR")).toEqual([
      expect.stringMatching(/ClearML does not know the keys\..* \| Create new ones in the web application under Settings, Workspace/),
    ]);
    expect(text).not.toContain("wrong-secret");
  });

  it("because half of a pair of keys is missing, and a number is none", async () => {
    const { CLEARML_API_SECRET_KEY: _left, ...env } = whole();
    const { code, text } = await doctor({ ...env, TRAINER_CACHE_MAX_GB: "much" });
    expect(code).toBe(2);
    expect(said(text, "ERROR").join("\n")).toMatch(
      /TRAINER_CACHE_MAX_GB must be a number of gigabytes[^]*CLEARML_API_SECRET_KEY is missing beside CLEARML_API_ACCESS_KEY/,
    );
  });

  it("because the API's address is the web application's", async () => {
    await using web = await serveWire(() =>
      Promise.resolve({ status: 200, headers: { "content-type": "text/html" }, body: "<html></html>" }),
    );
    const { text } = await doctor({ ...whole(), CLEARML_API_HOST: web.url });
    expect(said(text, "ERROR")).toEqual([
      expect.stringMatching(/is not ClearML's API but a web page\. \| CLEARML_API_HOST must name the API, by default on port 8008/),
    ]);
  });

  it("because the clock is an hour off", async () => {
    const anHourAgo = new Date(Date.now() - 3_600_000).toUTCString();
    await using backend = await serveWire(() => Promise.resolve({ status: 404, headers: { date: anHourAgo } }));
    const { code, text } = await doctor({ ...whole(), CALLBACK_URL: `${backend.url}/jobs/7` });
    expect(code).toBe(2);
    expect(said(text, "ERROR")).toEqual([expect.stringMatching(/clock is 60 min ahead of that of the backend\. \| Let it be set by NTP/)]);
  });

  it("because the storage keys may not write", async () => {
    const double = createS3Double({ buckets: ["models"], rights: ["s3:GetObject", "s3:ListBucket"] });
    bench.s3.intercept((_pass, request) => double.handler(request));
    const { code, text } = await doctor(whole());
    expect(code).toBe(2);
    // The same bucket for files and for hand-overs.
    const denied = /Nothing can be stored in bucket models at http:.*AccessDenied.*Allow s3:PutObject and s3:AbortMultipartUpload/;
    expect(said(text, "ERROR")).toEqual([expect.stringMatching(denied), expect.stringMatching(denied)]);
  });

  it("because an upload that was begun cannot be taken back: a warning, and exit code 1", async () => {
    const double = createS3Double({ buckets: ["models"], rights: ["s3:PutObject"] });
    bench.s3.intercept((_pass, request) => double.handler(request));
    const { code, text } = await doctor(whole());
    expect(code).toBe(1);
    expect(said(text, "ERROR")).toEqual([]);
    const kept = /could not be taken back.* \| Allow s3:AbortMultipartUpload/;
    expect(said(text, "WARNING")).toEqual([expect.stringMatching(kept), expect.stringMatching(kept)]);
  });

  it("because the bucket is not there, or its address is none", async () => {
    const missing = await doctor({ ...whole(), CHECKPOINT_URI: `s3://${bench.s3.server.host}/nowhere` });
    expect(said(missing.text, "ERROR")).toEqual([expect.stringMatching(/NoSuchBucket.*Create the bucket, or correct CHECKPOINT_URI/)]);
    const wrong = await doctor({ ...whole(), CHECKPOINT_URI: "s3://localhost/models" });
    expect(said(wrong.text, "ERROR")).toEqual([
      expect.stringMatching(/CHECKPOINT_URI: localhost is a host and no bucket.*write its port too/),
    ]);
  });

  it("because the journal's folder is a file", async () => {
    await writeFile(path.join(bench.folder, "file"), "");
    const { code, text } = await doctor({ ...whole(), TRAINER_JOURNAL_DIR: path.join(bench.folder, "file", "below") });
    expect(code).toBe(2);
    expect(said(text, "ERROR")).toEqual([
      expect.stringMatching(
        /journal's folder .* cannot be written: .*ENOTDIR.* \| Mount a volume that can be written.*TRAINER_JOURNAL_DIR/,
      ),
    ]);
  });

  it("because another trainer has the journal's folder", async () => {
    const sdk = await TrainerSDK.init({ env: whole() });
    const { code, text } = await doctor(whole());
    await sdk.close({ deadlineMs: 0 });
    expect(code).toBe(1);
    expect(said(text, "WARNING")).toEqual([
      expect.stringMatching(new RegExp(`in use by process ${String(process.pid)} on .*TRAINER_JOURNAL_DIR`)),
    ]);
    expect(said((await doctor(whole())).text, "WARNING")).toEqual([]);
  });

  it.runIf(existsSync("/dev/shm"))("because the journal lies in memory", async () => {
    const memory = await mkdtemp("/dev/shm/doctor-");
    const { TRAINER_HANDOVER_URI: _none, ...env } = whole();
    const { code, text } = await doctor({ ...env, TRAINER_JOURNAL_DIR: path.join(memory, "journal") });
    await rm(memory, { recursive: true });
    expect(code).toBe(1);
    expect(said(text, "WARNING").join("\n")).toMatch(
      /lies on tmpfs \(memory\) and is gone with the container, with all that is pending\. \| Mount a volume.*TRAINER_HANDOVER_URI/,
    );
  });

  it("because the proxy wants a password", async () => {
    await using proxy = await startProxy();
    proxy.refuseWith = 407;
    const { code, text } = await doctor({ ...whole(), HTTP_PROXY: proxy.url.replace("//", "//user:proxy-secret@") });
    expect(code).toBe(2);
    expect(said(text, "ERROR")).toHaveLength(4);
    for (const line of said(text, "ERROR"))
      expect(line).toMatch(/the proxy http:\/\/127\.0\.0\.1:\d+ refused with 407: it wants a user and a password/);
    expect(text).toMatch(/proxy for http +http:\/\/127\.0\.0\.1:\d+ {2}\(HTTP_PROXY\)/);
    expect(text).not.toContain("proxy-secret");
  });

  it("because clearml.conf has a wrong line", async () => {
    const file = path.join(bench.folder, "clearml.conf");
    await writeFile(file, 'api {\n  api_server: "http://a:8008\n}\n');
    const { code, text } = await doctor({ ...whole(), CLEARML_CONFIG_FILE: file });
    expect(code).toBe(2);
    expect(said(text, "ERROR")).toEqual([
      expect.stringContaining(
        `CLEARML_CONFIG_FILE is not read, for its text is wrong: ${file}, line 2, column 15: this " was never closed`,
      ) as string,
    ]);
  });

  it("because the server's certificate is of an unknown authority", async () => {
    const { key, cert } = selfSigned();
    const secure = createSecureServer({ key, cert }, (_request, response) => response.end("{}"));
    secure.listen(0, "127.0.0.1");
    await once(secure, "listening");
    const { text } = await doctor({ ...whole(), CLEARML_API_HOST: `https://localhost:${String((secure.address() as AddressInfo).port)}` });
    secure.closeAllConnections();
    secure.close();
    expect(said(text, "ERROR")).toEqual([
      expect.stringMatching(/authority that is not known here: name the file with that authority's certificate in SSL_CERT_FILE/),
    ]);
  });

  it("because a server takes the connection and says nothing: the others are told all the same, in time", async () => {
    const mute = createTcpServer(() => undefined).listen(0, "127.0.0.1");
    await once(mute, "listening");
    const { code, text } = await doctor(
      { ...whole(), CALLBACK_URL: `http://127.0.0.1:${String((mute.address() as AddressInfo).port)}/` },
      { timeout: 1 },
    );
    mute.close();
    expect(code).toBe(2);
    expect(said(text, "ERROR")).toEqual([expect.stringMatching(/Callbacks did not answer within 1 s\. \| .*firewall.*--timeout/)]);
    expect(text).toContain("The keys are good");
  });
});

it("runs as a program: its exit code tells how bad it is", async () => {
  const run = async (args: readonly string[], env: Record<string, string>): Promise<{ code: number | null; out: string }> => {
    const child = spawn(process.execPath, [BIN, "doctor", ...args], {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, out };
  };
  const well = await run(["--json"], whole());
  expect(well.code).toBe(0);
  expect(JSON.parse(well.out)).toMatchObject({ findings: expect.any(Array) as unknown[] });
  expect((await run([], { ...whole(), CLEARML_API_SECRET_KEY: "wrong-secret" })).code).toBe(2);
  expect((await run(["--help"], {})).out).toContain("--timeout");
  expect((await run(["--timeout", "soon"], {})).code).toBe(2);
});
