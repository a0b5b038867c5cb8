import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createS3Double, type S3Double, type S3DoubleOptions } from "../../../src/testing/s3.js";

const AUTHORIZATION = `AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`;
const MIB = 1024 * 1024;

function aDouble(options: Partial<S3DoubleOptions> = {}): S3Double {
  return createS3Double({ buckets: ["models"], minPartBytes: 4, ...options });
}

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signed?: boolean;
}

async function send(s3: S3Double, method: string, path: string, { headers = {}, body = "", signed = true }: Sent = {}) {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(body);
  }
  const url = new URL(path.startsWith("http") ? path : `http://127.0.0.1:9000${path}`);
  const own = signed ? { authorization: AUTHORIZATION, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } : {};
  const answer = await s3.handler({ method, url, headers: { host: url.host, ...own, ...headers }, body: chunks() });
  const text = answer.body instanceof Uint8Array ? Buffer.from(answer.body).toString() : ((answer.body as string | undefined) ?? "");
  return { status: answer.status, headers: answer.headers ?? {}, text, code: /<Code>(.*?)<\/Code>/.exec(text)?.[1] };
}

const base64 = (algorithm: string, body: string | Buffer): string => createHash(algorithm).update(body).digest("base64");

describe("objects", () => {
  it("come back as they were put, with type, metadata and ETag", async () => {
    const s3 = aDouble();
    const put = await send(s3, "PUT", "/models/a/b%20c.pt", {
      body: "weights",
      headers: { "content-type": "text/plain", "x-amz-meta-sha256": "ab" },
    });
    expect(put).toMatchObject({ status: 200, headers: { etag: `"${createHash("md5").update("weights").digest("hex")}"` } });
    const got = await send(s3, "GET", "/models/a/b%20c.pt");
    expect(got).toMatchObject({
      status: 200,
      text: "weights",
      headers: { "content-type": "text/plain", "x-amz-meta-sha256": "ab", "content-length": "7" },
    });
    expect(await send(s3, "HEAD", "/models/a/b%20c.pt")).toMatchObject({ status: 200, text: "", headers: { "content-length": "7" } });
    expect(s3.object("models", "a/b c.pt")?.contentType).toBe("text/plain");
  });

  it.each([
    ["bytes=0-2", 206, "wei", "bytes 0-2/7"],
    ["bytes=4-", 206, "hts", "bytes 4-6/7"],
    ["bytes=-2", 206, "ts", "bytes 5-6/7"],
    ["bytes=5-99", 206, "ts", "bytes 5-6/7"],
    ["bytes=0-1,3-4", 200, "weights", undefined],
  ])("are read by the range %s", async (range, status, text, contentRange) => {
    const s3 = aDouble();
    await send(s3, "PUT", "/models/a", { body: "weights" });
    const got = await send(s3, "GET", "/models/a", { headers: { range } });
    expect([got.status, got.text, got.headers["content-range"]]).toEqual([status, text, contentRange]);
  });

  it("are addressed by host as well", async () => {
    const s3 = aDouble({ hosts: ["s3.test"] });
    await send(s3, "PUT", "http://models.s3.test/a/b", { body: "1" });
    await send(s3, "PUT", "http://models.s3.eu-west-1.amazonaws.com/a/c", { body: "2" });
    expect(s3.objects().map((object) => `${object.bucket}:${object.key}`)).toEqual(["models:a/b", "models:a/c"]);
  });

  it("are deleted, and deleting nothing is no error", async () => {
    const s3 = aDouble();
    await send(s3, "PUT", "/models/a", { body: "x" });
    expect((await send(s3, "DELETE", "/models/a")).status).toBe(204);
    expect((await send(s3, "DELETE", "/models/a")).status).toBe(204);
    expect(await send(s3, "GET", "/models/a")).toMatchObject({ status: 404, code: "NoSuchKey" });
  });

  it("are listed in the order of their bytes, by prefix, folder and page", async () => {
    const s3 = aDouble();
    for (const key of ["b", "a/2", "a/1", "a/sub/3", "B"]) await send(s3, "PUT", `/models/${key}`, { body: key });
    const keys = (text: string): string[] => [...text.matchAll(/<Key>(.*?)<\/Key>/g)].map((match) => match[1]!);
    expect(keys((await send(s3, "GET", "/models?list-type=2")).text)).toEqual(["B", "a/1", "a/2", "a/sub/3", "b"]);
    const folder = await send(s3, "GET", "/models?list-type=2&prefix=a/&delimiter=/");
    expect([keys(folder.text), folder.text]).toEqual([
      ["a/1", "a/2"],
      expect.stringContaining("<CommonPrefixes><Prefix>a/sub/</Prefix></CommonPrefixes>"),
    ]);
    const page = await send(s3, "GET", "/models?list-type=2&max-keys=2");
    const token = /<NextContinuationToken>(.*?)</.exec(page.text)?.[1];
    expect([keys(page.text), token]).toEqual([["B", "a/1"], "a/1"]);
    expect(keys((await send(s3, "GET", `/models?list-type=2&continuation-token=${token!}`)).text)).toEqual(["a/2", "a/sub/3", "b"]);
  });

  it("are not replaced when the key was asked to be new", async () => {
    const s3 = aDouble();
    await send(s3, "PUT", "/models/a", { body: "x" });
    expect(await send(s3, "PUT", "/models/a", { body: "y", headers: { "if-none-match": "*" } })).toMatchObject({
      status: 412,
      code: "PreconditionFailed",
    });
  });
});

describe("a body", () => {
  const body = "weights";
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));

  it.each([
    ["content-md5", base64("md5", body)],
    ["x-amz-checksum-sha256", base64("sha256", body)],
    ["x-amz-checksum-sha1", base64("sha1", body)],
    ["x-amz-checksum-crc32", crc.toString("base64")],
    ["x-amz-content-sha256", createHash("sha256").update(body).digest("hex")],
  ])("is held against %s", async (header, value) => {
    const s3 = aDouble();
    expect((await send(s3, "PUT", "/models/a", { body, headers: { [header]: value } })).status).toBe(200);
    const refused = await send(s3, "PUT", "/models/b", { body: "damaged", headers: { [header]: value } });
    expect([refused.status, refused.code]).toEqual([400, header === "x-amz-content-sha256" ? "XAmzContentSHA256Mismatch" : "BadDigest"]);
    expect(s3.objects()).toHaveLength(1);
  });

  it("is held against CRC-32C, whose check value is known", async () => {
    const check = Buffer.from("e3069283", "hex").toString("base64");
    expect((await send(aDouble(), "PUT", "/models/a", { body: "123456789", headers: { "x-amz-checksum-crc32c": check } })).status).toBe(
      200,
    );
  });

  it("is freed from its chunks and held against the checksum in its trailer", async () => {
    const s3 = aDouble();
    const headers = {
      "content-encoding": "aws-chunked",
      "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      "x-amz-decoded-content-length": "7",
      "x-amz-trailer": "x-amz-checksum-crc32",
    };
    const framed = (checksum: string): string => `4\r\nweig\r\n3\r\nhts\r\n0\r\nx-amz-checksum-crc32:${checksum}\r\n\r\n`;
    expect((await send(s3, "PUT", "/models/a", { headers, body: framed(crc.toString("base64")) })).status).toBe(200);
    expect(Buffer.from(s3.object("models", "a")!.body).toString()).toBe("weights");
    expect(s3.object("models", "a")?.checksum).toEqual({ name: "crc32", value: crc.toString("base64") });
    expect((await send(s3, "PUT", "/models/b", { headers, body: framed("AAAAAA==") })).code).toBe("BadDigest");
    expect((await send(s3, "PUT", "/models/b", { headers, body: "4\r\nweig\r\n3\r\nhts\r\n0\r\n\r\n" })).code).toBe("InvalidRequest");
    expect((await send(s3, "PUT", "/models/b", { headers, body: "4\r\nwe" })).code).toBe("IncompleteBody");
  });

  it("that is shorter than announced is incomplete", async () => {
    expect(await send(aDouble(), "PUT", "/models/a", { body, headers: { "content-length": "8" } })).toMatchObject({
      status: 400,
      code: "IncompleteBody",
    });
  });
});

describe("an upload in parts", () => {
  async function begin(s3: S3Double, headers: Record<string, string> = {}): Promise<string> {
    return /<UploadId>(.*?)</.exec((await send(s3, "POST", "/models/a?uploads", { headers })).text)![1]!;
  }
  const completion = (parts: readonly (readonly [number, string, string?])[]): string =>
    `<CompleteMultipartUpload>${parts.map(partOf).join("")}</CompleteMultipartUpload>`;
  const partOf = ([number, body, more = ""]: readonly [number, string, string?]): string => {
    const etag = createHash("md5").update(body).digest("hex");
    return `<Part><PartNumber>${String(number)}</PartNumber><ETag>&quot;${etag}&quot;</ETag>${more}</Part>`;
  };

  it("is joined in the parts' order, whatever order they came in", async () => {
    const s3 = aDouble();
    const id = await begin(s3);
    await send(s3, "PUT", `/models/a?partNumber=2&uploadId=${id}`, { body: "ghts" });
    await send(s3, "PUT", `/models/a?partNumber=1&uploadId=${id}`, { body: "weig" });
    expect((await send(s3, "GET", `/models/a?uploadId=${id}`)).text).toMatch(/<Part><PartNumber>1<.*<Part><PartNumber>2</s);
    expect((await send(s3, "GET", "/models?uploads")).text).toContain(`<UploadId>${id}</UploadId>`);
    const done = await send(s3, "POST", `/models/a?uploadId=${id}`, {
      body: completion([
        [1, "weig"],
        [2, "ghts"],
      ]),
    });
    expect(done.text).toMatch(/<ETag>&quot;[0-9a-f]{32}-2&quot;<\/ETag>/);
    expect(Buffer.from(s3.object("models", "a")!.body).toString()).toBe("weigghts");
    expect(s3.uploads()).toEqual([]);
    // The same completion again, as after a lost answer.
    expect(
      (
        await send(s3, "POST", `/models/a?uploadId=${id}`, {
          body: completion([
            [1, "weig"],
            [2, "ghts"],
          ]),
        })
      ).text,
    ).toBe(done.text);
  });

  it.each([
    [
      "a part that is not there",
      [
        [1, "weig"],
        [3, "ghts"],
      ],
      "InvalidPart",
    ],
    ["a part of another content", [[1, "other"]], "InvalidPart"],
    [
      "parts out of order",
      [
        [2, "ghts"],
        [1, "weig"],
      ],
      "InvalidPartOrder",
    ],
    ["no part", [], "MalformedXML"],
  ] as const)("is not joined from %s", async (_what, parts, code) => {
    const s3 = aDouble();
    const id = await begin(s3);
    await send(s3, "PUT", `/models/a?partNumber=1&uploadId=${id}`, { body: "weig" });
    await send(s3, "PUT", `/models/a?partNumber=2&uploadId=${id}`, { body: "ghts" });
    expect((await send(s3, "POST", `/models/a?uploadId=${id}`, { body: completion(parts) })).code).toBe(code);
    expect(s3.objects()).toEqual([]);
  });

  it("takes no small part but the last", async () => {
    const s3 = aDouble({ minPartBytes: 5 * MIB });
    const id = await begin(s3);
    for (const number of [1, 2]) await send(s3, "PUT", `/models/a?partNumber=${String(number)}&uploadId=${id}`, { body: "x" });
    expect(
      (
        await send(s3, "POST", `/models/a?uploadId=${id}`, {
          body: completion([
            [1, "x"],
            [2, "x"],
          ]),
        })
      ).code,
    ).toBe("EntityTooSmall");
    expect((await send(s3, "POST", `/models/a?uploadId=${id}`, { body: completion([[1, "x"]]) })).status).toBe(200);
  });

  it("with checksums asks for each part's at the end and answers with theirs together", async () => {
    const s3 = aDouble();
    const id = await begin(s3, { "x-amz-checksum-algorithm": "SHA256" });
    const digest = base64("sha256", "weig");
    await send(s3, "PUT", `/models/a?partNumber=1&uploadId=${id}`, { body: "weig", headers: { "x-amz-checksum-sha256": digest } });
    expect((await send(s3, "POST", `/models/a?uploadId=${id}`, { body: completion([[1, "weig"]]) })).code).toBe("InvalidRequest");
    const done = await send(s3, "POST", `/models/a?uploadId=${id}`, {
      body: completion([[1, "weig", `<ChecksumSHA256>${digest}</ChecksumSHA256>`]]),
    });
    expect(done.text).toContain(`<ChecksumSHA256>${base64("sha256", Buffer.from(digest, "base64"))}-1</ChecksumSHA256>`);
  });

  it("is gone once it was aborted", async () => {
    const s3 = aDouble();
    const id = await begin(s3);
    expect((await send(s3, "DELETE", `/models/a?uploadId=${id}`)).status).toBe(204);
    expect(s3.uploads()).toEqual([]);
    expect((await send(s3, "PUT", `/models/a?partNumber=1&uploadId=${id}`, { body: "x" })).code).toBe("NoSuchUpload");
  });
});

describe("a caller", () => {
  it.each([
    ["who does not sign", { signed: false }, {}, 403, "AccessDenied"],
    ["whose key is unknown", {}, { accessKeyIds: ["other"] }, 403, "InvalidAccessKeyId"],
    ["without the right", {}, { rights: ["s3:GetObject"] }, 403, "AccessDenied"],
    ["of a bucket that is not there", {}, { buckets: ["other"] }, 404, "NoSuchBucket"],
    [
      "who sends checksums to a store that has none",
      { headers: { "x-amz-checksum-crc32": "AAAAAA==" } },
      { refuseChecksums: true },
      501,
      "NotImplemented",
    ],
    ["who copies", { headers: { "x-amz-copy-source": "/a/b" } }, {}, 501, "NotImplemented"],
  ] as const)("%s is refused", async (_what, sent, options, status, code) => {
    const s3 = aDouble(options);
    expect(await send(s3, "PUT", "/models/a", { body: "x", ...sent })).toMatchObject({ status, code });
    expect(s3.objects()).toEqual([]);
    expect(s3.calls()).toMatchObject([{ operation: "PutObject", bucket: "models", key: "a", status }]);
  });

  it("who signs by the query is taken, as with a presigned URL", async () => {
    expect(
      (await send(aDouble(), "PUT", "/models/a?X-Amz-Signature=00&X-Amz-Credential=key%2F20260101", { body: "x", signed: false })).status,
    ).toBe(200);
  });

  it("of what the double does not know hears so", async () => {
    expect(await send(aDouble(), "GET", "/models?policy")).toMatchObject({ status: 501, code: "NotImplemented" });
  });
});
