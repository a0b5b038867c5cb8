import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, ConnectionError, UploadError } from "../../../src/base/errors.js";
import { silentLogger, type Logger } from "../../../src/base/logger.js";
import type { FileToStore } from "../../../src/storage/object-store.js";
import { importAws, type AwsLoader } from "../../../src/storage/s3-client.js";
import { S3ObjectStore, type S3ObjectStoreOptions } from "../../../src/storage/s3-object-store.js";
import type { S3Settings } from "../../../src/storage/s3-settings.js";
import type { S3DoubleOptions } from "../../../src/testing/s3.js";
import { startS3, type S3Server } from "../../support/s3-server.js";

const MIB = 1024 * 1024;
const running = new AbortController().signal;
/** The only rights that an uploader is promised to need. */
const WRITE_ONLY = ["s3:PutObject", "s3:AbortMultipartUpload"] as const;

let root: string;
let stop: (() => Promise<void>)[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "s3-store-"));
  stop = [];
});

afterEach(async () => {
  for (const end of stop.reverse()) await end();
  await rm(root, { recursive: true, force: true });
});

async function s3Server(options: Partial<S3DoubleOptions> = {}): Promise<S3Server> {
  const started = await startS3({ rights: WRITE_ONLY, ...options });
  stop.push(() => started.server.close());
  return started;
}

interface Given extends Partial<Omit<S3ObjectStoreOptions, "settings">> {
  readonly settings?: Partial<S3Settings>;
}

function storeAt({ server }: Pick<S3Server, "server">, given: Given = {}): S3ObjectStore {
  const settings: S3Settings = {
    bucket: "models",
    prefix: "",
    endpoint: server.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test-key", secretAccessKey: "test-secret" },
    isAws: false,
    uriBase: `s3://${server.host}/models`,
    ...given.settings,
  };
  const store = new S3ObjectStore({ logger: silentLogger, ...given, settings });
  stop.push(() => store.close());
  return store;
}

async function aFile(sizeBytes: number): Promise<FileToStore> {
  const content = randomBytes(sizeBytes);
  const path = join(root, `${String(sizeBytes)}.pt`);
  await writeFile(path, content);
  return { path, sizeBytes, sha256: createHash("sha256").update(content).digest("hex"), contentType: "application/x-pytorch" };
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** The packages as at Amazon: its client with its checksums, but by path to the double's address. */
const amazonAt =
  (endpoint: string): AwsLoader =>
  async () => {
    const aws = await importAws();
    class Client extends aws.s3.S3Client {
      constructor(config: ConstructorParameters<typeof aws.s3.S3Client>[0]) {
        super({ ...config, endpoint, forcePathStyle: true });
      }
    }
    return { ...aws, s3: { ...aws.s3, S3Client: Client as unknown as typeof aws.s3.S3Client } };
  };

describe("a small file", () => {
  it("goes in one request, with type and digest, signed over its content and without headers that a compatible store may refuse", async () => {
    const started = await s3Server({ refuseChecksums: true });
    const file = await aFile(1000);
    await storeAt(started).put("a/b.pt", file, { signal: running });
    expect(started.s3.calls().map((call) => call.operation)).toEqual(["PutObject"]);
    expect(started.s3.object("models", "a/b.pt")).toMatchObject({
      contentType: "application/x-pytorch",
      metadata: { sha256: file.sha256 },
    });
    // The payload's hash is part of the signature, so the store itself checks what arrives.
    expect(started.s3.calls()[0]?.headers["x-amz-content-sha256"]).toBe(file.sha256);
  });

  it("goes to Amazon with its SHA-256, which the answer must repeat", async () => {
    const started = await s3Server();
    const file = await aFile(1000);
    const checksum = Buffer.from(file.sha256, "hex").toString("base64");
    const store = storeAt(started, { settings: { isAws: true, endpoint: undefined }, loadAws: amazonAt(started.server.url) });
    await store.put("a/b.pt", file, { signal: running });
    expect(started.s3.object("models", "a/b.pt")?.checksum).toEqual({ name: "sha256", value: checksum });

    started.intercept(async (pass, request) => {
      const answer = await pass(request);
      return { ...answer, headers: { ...answer.headers, "x-amz-checksum-sha256": createHash("sha256").update("other").digest("base64") } };
    });
    expect(await failureOf(store.put("a/c.pt", file, { signal: running }))).toMatchObject({ code: "UPLOAD_FAILED", retryable: true });
  });

  it("is not taken for stored when something else than S3 says 200", async () => {
    const started = await s3Server();
    started.intercept(async () => ({ status: 200, headers: { "content-type": "text/html" }, body: "<html>a captive portal</html>" }));
    expect(await failureOf(storeAt(started).put("a/b.pt", await aFile(10), { signal: running }))).toMatchObject({
      code: "UPLOAD_FAILED",
      retryable: true,
    });
  });
});

describe("a large file", () => {
  const SIZE = 3 * 8 * MIB + 5;

  it("goes in parts, with no other rights than to write and to take back", async () => {
    const started = await s3Server({ refuseChecksums: true });
    const file = await aFile(SIZE);
    await storeAt(started).put("a/b.pt", file, { signal: running });
    const operations = started.s3.calls().map((call) => call.operation);
    expect(operations.filter((operation) => operation === "UploadPart")).toHaveLength(4);
    expect([operations[0], operations.at(-1), operations.length]).toEqual(["CreateMultipartUpload", "CompleteMultipartUpload", 6]);
    expect(started.s3.object("models", "a/b.pt")).toMatchObject({
      contentType: "application/x-pytorch",
      metadata: { sha256: file.sha256 },
    });
  });

  it("goes to Amazon with a SHA-256 of each part, and the completion's must be theirs", async () => {
    const started = await s3Server();
    const store = storeAt(started, { settings: { isAws: true, endpoint: undefined }, loadAws: amazonAt(started.server.url) });
    const file = await aFile(SIZE);
    await store.put("a/b.pt", file, { signal: running });
    expect(started.s3.object("models", "a/b.pt")?.checksum?.value).toMatch(/-4$/);

    started.intercept(async (pass, request) => {
      const answer = await pass(request);
      if (request.method !== "POST" || !request.url.searchParams.has("uploadId")) return answer;
      const other = `<ChecksumSHA256>${createHash("sha256").update("other").digest("base64")}-4</ChecksumSHA256>`;
      return { ...answer, body: (answer.body as string).replace(/<ChecksumSHA256>.*?<\/ChecksumSHA256>/, other) };
    });
    expect(await failureOf(store.put("a/c.pt", file, { signal: running }))).toMatchObject({
      retryable: true,
      message: expect.stringContaining("SHA-256 is not that of the parts"),
    });
  });

  it("is not taken for stored when fewer parts were joined than were sent", async () => {
    const started = await s3Server();
    started.intercept(async (pass, request) => {
      const answer = await pass(request);
      return request.method === "POST" && request.url.searchParams.has("uploadId")
        ? { ...answer, body: (answer.body as string).replace("-4&quot;", "-3&quot;") }
        : answer;
    });
    const failure = await failureOf(storeAt(started).put("a/b.pt", await aFile(SIZE), { signal: running }));
    expect(failure).toMatchObject({ retryable: true, message: expect.stringContaining("3 parts were joined, not 4") });
  });

  it("survives a part that the store was too busy for", async () => {
    const started = await s3Server();
    let refusals = 0;
    started.intercept(async (pass, request) => {
      if (request.url.searchParams.get("partNumber") !== "2" || refusals++ > 0) return pass(request);
      for await (const _chunk of request.body);
      return {
        status: 503,
        headers: { "content-type": "application/xml" },
        body: "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
      };
    });
    await storeAt(started).put("a/b.pt", await aFile(SIZE), { signal: running });
    expect(refusals).toBe(2);
    expect(started.s3.object("models", "a/b.pt")).toBeDefined();
  });

  it("ends with the first part that is refused, takes back what was sent, and says what to do", async () => {
    const started = await s3Server();
    started.intercept(async (pass, request) => {
      if (request.url.searchParams.get("partNumber") !== "2") return pass(request);
      for await (const _chunk of request.body);
      return {
        status: 403,
        headers: { "content-type": "application/xml" },
        body: "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
      };
    });
    const failure = await failureOf(storeAt(started).put("a/b.pt", await aFile(12 * 8 * MIB), { signal: running }));
    expect(failure).toBeInstanceOf(UploadError);
    expect(failure).toMatchObject({ retryable: false, message: expect.stringContaining("Allow s3:PutObject") });
    expect(started.s3.uploads()).toEqual([]);
    // Without an end at once, all other parts of the file would go out before it failed.
    expect(started.s3.calls().filter((call) => call.operation === "UploadPart").length).toBeLessThan(8);
  });

  it("waits for the parts on their way before it takes an upload back, or they would stay for ever", async () => {
    const started = await s3Server();
    const part = Promise.withResolvers<undefined>();
    const reached = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    started.intercept(async (pass, request) => {
      if (request.method === "POST" && request.url.searchParams.has("uploads")) {
        begun.resolve(undefined);
        await part.promise;
      }
      if (request.method === "DELETE") reached.resolve(undefined);
      return pass(request);
    });
    const controller = new AbortController();
    const store = storeAt(started);
    const putting = failureOf(store.put("a/b.pt", await aFile(SIZE), { signal: controller.signal }));
    await begun.promise;
    controller.abort(new Error("closing"));
    expect(await putting).toBe(controller.signal.reason);
    // The answer with the upload's id comes after the abort: it must be taken back all the same.
    part.resolve(undefined);
    await reached.promise;
    await store.close();
    expect(started.s3.uploads()).toEqual([]);
    expect(started.s3.calls().map((call) => call.operation)).toEqual(["CreateMultipartUpload", "AbortMultipartUpload"]);
  });

  it("ends the parts on their way when its signal aborts, so that the upload is taken back at once", async () => {
    const started = await s3Server();
    const part = Promise.withResolvers<undefined>();
    const takenBack = Promise.withResolvers<undefined>();
    started.intercept((pass, request) => {
      if (request.method === "DELETE") takenBack.resolve(undefined);
      if (request.method !== "PUT") return pass(request);
      part.resolve(undefined);
      return new Promise(() => undefined);
    });
    const controller = new AbortController();
    const putting = failureOf(storeAt(started).put("a/b.pt", await aFile(SIZE), { signal: controller.signal }));
    await part.promise;
    controller.abort(new Error("closing"));
    expect(await putting).toBe(controller.signal.reason);
    await takenBack.promise;
  });

  it("warns of parts that could not be taken back, with the upload's id", async () => {
    const started = await s3Server({ rights: ["s3:PutObject"] });
    const warnings: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (message, fields) => warnings.push([message, fields]) };
    started.intercept(async (pass, request) => {
      if (request.url.searchParams.get("partNumber") !== "1") return pass(request);
      for await (const _chunk of request.body);
      return { status: 403 };
    });
    await failureOf(storeAt(started, { logger }).put("a/b.pt", await aFile(SIZE), { signal: running }));
    expect(warnings).toEqual([
      [expect.stringContaining("AbortIncompleteMultipartUpload"), expect.objectContaining({ uploadId: started.s3.uploads()[0]?.id })],
    ]);
  });

  it("needs an upload's id to send parts: an answer without one is no beginning", async () => {
    const started = await s3Server();
    started.intercept(async (pass, request) =>
      request.method === "POST"
        ? {
            status: 200,
            headers: { "content-type": "application/xml" },
            body: "<InitiateMultipartUploadResult></InitiateMultipartUploadResult>",
          }
        : pass(request),
    );
    expect(await failureOf(storeAt(started).put("a/b.pt", await aFile(SIZE), { signal: running }))).toMatchObject({
      retryable: true,
      message: expect.stringContaining("without an id"),
    });
    expect(started.s3.calls()).toEqual([]);
  });
});

describe("an S3 in trouble", () => {
  it.each([
    ["an unknown bucket", { buckets: ["other"] }, /answered 404 NoSuchBucket.*Create the bucket/],
    ["missing rights", { rights: [] }, /answered 403 AccessDenied.*Allow s3:PutObject/],
    ["an unknown key", { accessKeyIds: ["other"] }, /answered 403 InvalidAccessKeyId.*check the credentials/],
  ] as const)("with %s is refused once, in words on what to do", async (_what, options, message) => {
    const started = await s3Server(options);
    const failure = await failureOf(storeAt(started).put("a/b.pt", await aFile(10), { signal: running }));
    expect(failure).toMatchObject({ code: "UPLOAD_FAILED", retryable: false, message: expect.stringMatching(message) });
    expect((failure as Error).message).toContain(started.server.host);
    expect((failure as Error).message).not.toContain("test-secret");
    expect(started.s3.calls()).toHaveLength(1);
  });

  it.each([
    ["small", 10],
    ["large", 9 * MIB],
  ])("that hangs ends a %s upload by itself", async (_what, sizeBytes) => {
    const started = await s3Server();
    started.intercept(() => new Promise(() => undefined));
    const failure = await failureOf(storeAt(started, { idleTimeoutMs: 50 }).put("a/b.pt", await aFile(sizeBytes), { signal: running }));
    expect(failure).toBeInstanceOf(ConnectionError);
    expect(failure).toMatchObject({ code: "TIMEOUT", retryable: true });
  });

  it("that answers 500 for good is an outage, told after few tries", async () => {
    const started = await s3Server();
    let tries = 0;
    started.intercept(async () => ({ status: 500, body: `nonsense ${String(++tries)}` }));
    expect(await failureOf(storeAt(started).put("a/b.pt", await aFile(10), { signal: running }))).toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      retryable: true,
    });
    expect(tries).toBe(3);
  });
});

describe("the packages", () => {
  const missing: AwsLoader = () =>
    Promise.reject(Object.assign(new Error("Cannot find package '@aws-sdk/client-s3'"), { code: "ERR_MODULE_NOT_FOUND" }));

  it("that are not installed are asked for by name", async () => {
    const store = storeAt({ server: { host: "h:1", url: "http://h:1" } } as S3Server, { loadAws: missing });
    const file = await aFile(10);
    for (const work of [() => store.prepare(), () => store.put("a/b.pt", file, { signal: running })]) {
      const failure = await failureOf(work());
      expect(failure).toBeInstanceOf(ConfigError);
      expect((failure as Error).message).toContain("npm install @aws-sdk/client-s3 @aws-sdk/lib-storage");
    }
  });

  it("are warmed up before the first upload by requests that stay at home and need no credentials", async () => {
    const started = await s3Server();
    let asked = 0;
    started.intercept((pass, request) => (asked++, pass(request)));
    const answers: Promise<unknown>[] = [];
    const loadAws: AwsLoader = async () => {
      const aws = await importAws();
      class ListenedTo extends aws.s3.S3Client {
        override send(...given: unknown[]): Promise<never> {
          const answer = (super.send as (...given: unknown[]) => Promise<never>).apply(this, given);
          answers.push(answer);
          return answer;
        }
      }
      return { ...aws, s3: { ...aws.s3, S3Client: ListenedTo } };
    };
    const store = storeAt(started, { loadAws, settings: { credentials: undefined } });
    await store.prepare();
    expect(await Promise.all(answers)).toMatchObject([{ UploadId: "none" }, { ETag: '"none"' }, { $metadata: { httpStatusCode: 200 } }]);
    expect(asked).toBe(0);
  });

  it("are loaded with the first upload and not before", async () => {
    let loads = 0;
    const started = await s3Server();
    const store = storeAt(started, { loadAws: () => (loads++, importAws()) });
    expect([store.describe(), store.uriOf("a/b.pt"), loads]).toEqual([
      expect.stringContaining("models"),
      `s3://${started.server.host}/models/a/b.pt`,
      0,
    ]);
    const file = await aFile(10);
    await Promise.all(["a", "b"].map((key) => store.put(key, file, { signal: running })));
    expect(loads).toBe(1);
  });
});
