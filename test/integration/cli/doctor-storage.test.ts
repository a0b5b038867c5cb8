/** What `trainer-sdk doctor` says of the places that bytes go to: hand-overs, signed uploads, the file server, the platform's bucket. */
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.js";
import { checkAwsPackages } from "../../../src/cli/doctor/package-checks.js";
import { createS3Double } from "../../../src/testing/s3.js";
import type { WireResponse } from "../../../src/protocol/handler.js";
import { aDoctorBench, doctor, said } from "../../support/doctor-bench.js";
import { startPlatformReceiver, type PlatformReceiver } from "../../support/platform-receiver.js";
import { managerEnvironment } from "../../support/platform-trainer.js";
import { serveWire } from "../../support/wire-server.js";

const bench = aDoctorBench();
const { whole } = bench;

async function findings(env: Record<string, string>): Promise<readonly Finding[]> {
  return (JSON.parse((await doctor(env, { json: true })).text) as { findings: Finding[] }).findings;
}
const found = (all: readonly Finding[], id: string): Finding | undefined => all.find((finding) => finding.id === id);

describe("the place of a hand-over", () => {
  it("is tried as the storage is, by its own variable", async () => {
    const { text } = await doctor(whole());
    expect(text).toMatch(/Hand-over\n +ok +Hand-overs can be stored in bucket models at http:/);
    expect(text).toMatch(/hand-over's S3 access key +te\*\*\* {2}\(AWS_ACCESS_KEY_ID\)/);
    const { code, text: broken } = await doctor({ ...whole(), TRAINER_HANDOVER_URI: `s3://${bench.s3.server.host}/nowhere` });
    expect(code).toBe(2);
    expect(said(broken, "ERROR")).toEqual([expect.stringMatching(/NoSuchBucket.*correct TRAINER_HANDOVER_URI/)]);
  });

  it("needs no right but those of an upload", async () => {
    const double = createS3Double({ buckets: ["models"], rights: ["s3:GetObject", "s3:ListBucket"] });
    bench.s3.intercept((_pass, request) => double.handler(request));
    const all = await findings({ ...whole(), CHECKPOINT_URI: `file://${bench.folder}` });
    expect(found(all, "handover.put")).toMatchObject({ severity: "error", message: expect.stringContaining("s3:PutObject") as string });
  });

  it("may be a folder, and no file server", async () => {
    const folder = await findings({ ...whole(), TRAINER_HANDOVER_URI: `file://${path.join(bench.folder, "handover")}` });
    expect(found(folder, "handover.put")).toMatchObject({ severity: "ok", message: expect.stringContaining(bench.folder) as string });
    const missing = await findings({ ...whole(), TRAINER_HANDOVER_URI: "file:///proc/nowhere" });
    expect(found(missing, "handover.put")).toMatchObject({
      severity: "error",
      advice: expect.stringContaining("TRAINER_HANDOVER_URI") as string,
    });
    const server = await findings({ ...whole(), TRAINER_HANDOVER_URI: "clearml" });
    expect(found(server, "handover.address")).toMatchObject({ severity: "error", advice: "Use s3:// or file:///." });
  });
});

describe("ClearML's file server", () => {
  const env = (): Record<string, string> => ({ ...whole(), CHECKPOINT_URI: "clearml" });

  it("is given a small file, which is then looked at and deleted", async () => {
    const all = await findings(env());
    expect(found(all, "storage.fileserver")).toMatchObject({
      severity: "ok",
      message: expect.stringMatching(/^Files can be stored on ClearML's file server at http:/) as string,
    });
    const calls = bench.server.requests.entries({}).filter(({ path: where }) => where.includes(".trainer-sdk-doctor"));
    expect(calls.map(({ method, status }) => [method, status])).toEqual([
      ["HEAD", 200],
      ["DELETE", 200],
    ]);
  });

  it("that is away, refuses, or is something else is an error, with what it answered", async () => {
    let answer: WireResponse = { status: 403, body: "no" };
    await using files = await serveWire(() => Promise.resolve(answer));
    const storage = async (): Promise<Finding | undefined> =>
      found(await findings({ ...env(), CLEARML_FILES_HOST: files.url }), "storage.fileserver");
    expect(await storage()).toMatchObject({ severity: "error", message: expect.stringMatching(/answered POST .* with 403/) as string });
    answer = { status: 200, headers: { "content-type": "text/html" }, body: "<html></html>" };
    expect(await storage()).toMatchObject({ severity: "error", message: expect.stringContaining("is not the file server at") as string });
    await files.close();
    expect(await storage()).toMatchObject({
      severity: "error",
      message: expect.stringContaining("ECONNREFUSED") as string,
      advice: expect.stringContaining("CLEARML_FILES_HOST") as string,
    });
  });

  it("that keeps the small file is told with its address: worth knowing, and no fault", async () => {
    await using files = await serveWire(async (request) => {
      if (request.method === "HEAD") return { status: 200, headers: { "content-length": "58" } };
      if (request.method !== "POST") return { status: 405 };
      const name = /name="([^"]+)"/.exec(await textOf(request.body))?.[1] ?? "";
      return { status: 200, body: JSON.stringify([`/${name}`]) };
    });
    const all = await findings({ ...env(), CLEARML_FILES_HOST: files.url });
    expect(found(all, "storage.fileserver")?.severity).toBe("ok");
    expect(found(all, "storage.left")).toMatchObject({
      severity: "note",
      message: expect.stringMatching(/still there, at http:.*\.trainer-sdk-doctor\/.*\.txt: .*405/) as string,
    });
  });
});

describe("ClearML's file server behind a proxy that lets no HEAD through", () => {
  it.each([
    { answer: 200, left: undefined },
    { answer: 403, left: /still there, at http:.*\.trainer-sdk-doctor\/.*\.txt: .*403/ },
  ])("is rid of the small file, or the doctor says that it stays: DELETE answers $answer", async ({ answer, left }) => {
    const methods: string[] = [];
    await using files = await serveWire(async (request) => {
      if (request.method !== "GET") methods.push(request.method);
      if (request.method === "HEAD") return { status: 501 };
      if (request.method !== "POST") return { status: answer };
      const name = /name="([^"]+)"/.exec(await textOf(request.body))?.[1] ?? "";
      return { status: 200, body: JSON.stringify([`/${name}`]) };
    });
    const all = await findings({ ...whole(), CHECKPOINT_URI: "clearml", CLEARML_FILES_HOST: files.url });
    expect(methods).toEqual(["POST", "HEAD", "DELETE"]);
    expect(found(all, "storage.fileserver")).toMatchObject({
      severity: "error",
      message: expect.stringMatching(/took cannot be looked at\. .*HEAD.*501/) as string,
    });
    expect(found(all, "storage.left")?.message).toEqual(left === undefined ? undefined : expect.stringMatching(left));
  });
});

describe("uploads that the platform signs", () => {
  const env = (receiver: PlatformReceiver, more: Record<string, string> = {}): Record<string, string> => ({
    ...whole(),
    ...managerEnvironment(receiver.callbackUrl),
    CHECKPOINT_URI: "",
    ...more,
  });

  it("are begun and never finished, so that the store has the address's signature before it and keeps nothing", async () => {
    await using receiver = await startPlatformReceiver();
    const all = await findings(env(receiver));
    expect(found(all, "storage.signed")).toMatchObject({
      severity: "ok",
      message: expect.stringContaining("it holds for 60 min") as string,
    });
    expect(found(all, "storage.put")).toMatchObject({
      severity: "ok",
      message: expect.stringMatching(/began to take an upload at http:[^?]+; it was given up before its last byte/) as string,
    });
    expect(receiver.objects.size).toBe(0);
    expect(receiver.taken("upload-url")).toEqual([
      { checkpoint_filename: ".trainer-sdk-doctor", content_type: "application/octet-stream" },
    ]);
    expect(receiver.job.status).toBe("pending");
  });

  it("of a job that the backend does not know are an error, with the way out", async () => {
    await using receiver = await startPlatformReceiver();
    const all = await findings(env(receiver, { JOB_ID: "999" }));
    expect(found(all, "storage.signed")).toMatchObject({
      severity: "error",
      message: expect.stringMatching(/gave no address.*404/) as string,
      advice: expect.stringMatching(/Check JOB_ID.*INTERNAL_STORAGE_ACCESS_KEY/) as string,
    });
    expect(found(all, "storage.put")).toBeUndefined();
  });

  it.each([
    ["SignatureDoesNotMatch", /proxy on the way changes the host name/],
    ["AccessDenied", /lack s3:PutObject, or the clocks/],
  ])("that the store refuses with %s are an error, with its reason and no signature", async (code, advice) => {
    await using receiver = await startPlatformReceiver();
    receiver.before = ({ kind }) => (kind === "put" ? { status: 403, body: `<Error><Code>${code}</Code></Error>` } : undefined);
    const { code: exit, text } = await doctor(env(receiver));
    expect(exit).toBe(2);
    expect(said(text, "ERROR")).toEqual([expect.stringMatching(new RegExp(`refuses what the backend signed: PUT .* 403 \\(${code}\\)`))]);
    expect(said(text, "ERROR")[0]).toMatch(advice);
    expect(text).not.toContain("X-Amz-Signature");
  });

  it("whose store cannot be reached from here are an error: it was signed for a name of the backend's", async () => {
    await using receiver = await startPlatformReceiver();
    const closed = createTcpServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const key = "checkpoints/job-123/.trainer-sdk-doctor";
    receiver.before = ({ kind }) =>
      kind === "upload-url"
        ? {
            status: 200,
            body: JSON.stringify({
              upload_url: `http://127.0.0.1:${String(port)}/b/${key}?X-Amz-Signature=1`,
              object_key: key,
              expires_in: 3600,
            }),
          }
        : undefined;
    expect(found(await findings(env(receiver)), "storage.put")).toMatchObject({
      severity: "error",
      message: expect.stringMatching(/cannot be reached.*ECONNREFUSED/) as string,
      advice: expect.stringContaining("for the host name") as string,
    });
  });
});

describe("the platform's bucket", () => {
  const internal = (): Record<string, string> => ({
    ...whole(),
    CALLBACK_DIALECT: "platform-v2",
    INTERNAL_STORAGE_ENDPOINT: bench.s3.server.url,
    INTERNAL_STORAGE_ACCESS_KEY: "test-key",
    INTERNAL_STORAGE_SECRET_KEY: "test-secret",
  });

  it("beside another one of the trainer's is a warning: the platform would not find what is stored", async () => {
    const { code, text } = await doctor(internal());
    expect(code).toBe(1);
    expect(said(text, "WARNING")).toEqual([
      expect.stringMatching(
        /Files go to s3:.*\/models\/runs, but .* from the bucket training-checkpoints at .*\| Leave CHECKPOINT_URI out/,
      ),
    ]);
  });

  it("that is the trainer's too is none, with a prefix or without", async () => {
    const { text } = await doctor({ ...internal(), INTERNAL_BUCKET_CHECKPOINTS: "models" });
    expect(said(text, "WARNING")).toEqual([]);
  });
});

describe("the optional packages", () => {
  it("are told with their versions", async () => {
    const { text } = await doctor(whole());
    expect(text).toMatch(/ok +@aws-sdk\/client-s3 3\.\d+\.\d+\./);
    expect(text).toMatch(/ok +@aws-sdk\/lib-storage 3\.\d+\.\d+\./);
  });

  it("are told to be missing, with what to install, or to be too old", () => {
    const [missing] = checkAwsPackages(() => undefined);
    expect(missing).toMatchObject({ severity: "note", advice: "npm install @aws-sdk/client-s3 @aws-sdk/lib-storage" });
    expect(checkAwsPackages(() => "3.728.9").map(({ severity }) => severity)).toEqual(["warning", "warning"]);
    expect(checkAwsPackages(() => "4.0.0").map(({ severity }) => severity)).toEqual(["warning", "warning"]);
  });
});

async function textOf(body: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
