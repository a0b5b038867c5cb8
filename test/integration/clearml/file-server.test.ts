/** The file server's client against real sockets and real files; the server is a double that can be told to misbehave. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiError, ConfigError, ConnectionError, UploadError, ValidationError } from "../../../src/base/errors.js";
import { undiciTransport } from "../../../src/base/http.js";
import { FileServer, type FileServerSession } from "../../../src/clearml/file-server.js";
import { failureOf } from "../../support/clearml-bench.js";
import { FileServerDouble } from "./file-server-double.js";

const open: (() => unknown)[] = [];
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "clearml-files-"));
});
afterEach(async () => {
  for (const close of open.splice(0)) await close();
  await rm(folder, { recursive: true, force: true });
});

async function setup(session: Partial<FileServerSession> = {}): Promise<{ server: FileServerDouble; files: FileServer; issued: string[] }> {
  const server = new FileServerDouble();
  await server.start();
  open.push(() => server.close());
  const transport = undiciTransport();
  open.push(() => transport.close());
  const issued = ["token1"];
  const token = (_signal?: AbortSignal, rejected?: string): Promise<string> => {
    if (rejected !== undefined && rejected === issued.at(-1)) issued.push(`token${String(issued.length + 1)}`);
    return Promise.resolve(issued.at(-1) ?? "");
  };
  return { server, issued, files: new FileServer({ filesHost: server.url, transport, token, ...session }) };
}

async function aFile(sizeBytes: number): Promise<{ path: string; content: Buffer; sha256: string }> {
  const content = randomBytes(sizeBytes);
  const path = join(folder, "best.pt");
  await writeFile(path, content);
  return { path, content, sha256: createHash("sha256").update(content).digest("hex") };
}

describe("an upload", () => {
  it("arrives under its path, whole, with its length announced and its token shown", async () => {
    const { server, files } = await setup();
    const { path, content } = await aFile(3_000_000);
    let length: string | undefined;
    server.intercept = (request) => {
      length = request.headers["content-length"];
      expect(request.headers["content-encoding"]).toBeUndefined();
      expect(request.headers["transfer-encoding"]).toBeUndefined();
      return false;
    };
    const seen: number[] = [];
    const objectPath = "Vision/run 1.abc/artifacts/best model/best-ü.pt";
    const url = await files.upload(objectPath, path, {
      sizeBytes: content.length,
      contentType: "application/x-weights",
      onProgress: (sent) => seen.push(sent),
    });
    expect(url).toBe(`${server.url}/Vision/run%201.abc/artifacts/best%20model/best-%C3%BC.pt`);
    const part = server.stored.get(objectPath);
    expect(part?.content.equals(content)).toBe(true);
    expect(part?.headers).toContain('filename="best-ü.pt"');
    expect(part?.headers).toContain("Content-Type: application/x-weights");
    expect(Number(length)).toBeGreaterThan(content.length);
    expect(seen.at(-1)).toBe(content.length);
    expect(server.tokens).toEqual(["Bearer token1"]);
  });

  it("can be of an empty file, and of a stream", async () => {
    const { server, files } = await setup();
    await files.upload("a/empty", (await aFile(0)).path, { sizeBytes: 0 });
    expect(server.stored.get("a/empty")?.content).toHaveLength(0);
    await files.upload("a/stream", Readable.from([Buffer.from("one "), Buffer.from("two")], { objectMode: false }), { sizeBytes: 7 });
    expect(server.stored.get("a/stream")?.content.toString()).toBe("one two");
    await files.upload("a/opened", () => Readable.from([Buffer.from("x")], { objectMode: false }), { sizeBytes: 1 });
    expect(server.stored.get("a/opened")?.content.toString()).toBe("x");
  });

  it("whose token is refused begins anew with a fresh one", async () => {
    const { server, files } = await setup();
    const { path, content } = await aFile(200_000);
    server.intercept = async (request, response) => {
      if (request.headers.authorization !== "Bearer token1") return false;
      await request.resume().toArray();
      response.writeHead(401).end();
      return true;
    };
    await files.upload("a/b", path, { sizeBytes: content.length });
    expect(server.stored.get("a/b")?.content.equals(content)).toBe(true);
    expect(server.tokens).toEqual(["Bearer token1", "Bearer token2"]);
  });

  it("of a stream whose token is refused says so, and the next one has a fresh token", async () => {
    const { server, files, issued } = await setup();
    server.intercept = async (request, response) => {
      if (request.headers.authorization !== "Bearer token1") return false;
      await request.resume().toArray();
      response.writeHead(401).end();
      return true;
    };
    const stream = () => Readable.from([Buffer.from("x")], { objectMode: false });
    expect(await failureOf(files.upload("a/b", stream(), { sizeBytes: 1 }))).toMatchObject({ service: "fileserver", status: 401 });
    expect(issued).toHaveLength(2);
    await files.upload("a/b", stream(), { sizeBytes: 1 });
  });

  it.each([
    ["grown", 50],
    ["shrunk", -50],
  ])("of a file that has %s is given up as changed", async (_how, difference) => {
    const { server, files } = await setup();
    const { path, content } = await aFile(100_000);
    const error = await failureOf(files.upload("a/b", path, { sizeBytes: content.length - difference }));
    expect(UploadError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ code: "FILE_CHANGED", retryable: false });
    expect(server.stored.size).toBe(0);
  });

  it("of a source without an end stops where it should have ended", async () => {
    const { server, files } = await setup();
    const endless = function* (): Generator<Buffer> {
      for (;;) yield Buffer.alloc(65_536);
    };
    const error = await failureOf(files.upload("a/b", Readable.from(endless(), { objectMode: false }), { sizeBytes: 1_000_000 }));
    expect(error).toMatchObject({ code: "FILE_CHANGED" });
    expect(server.stored.size).toBe(0);
  });

  it("of a file that is cut while it is being read is given up as changed", async () => {
    const { server, files } = await setup();
    const { path } = await aFile(8_000_000);
    const source = () => {
      const stream = createReadStream(path, { highWaterMark: 65_536 });
      stream.once("data", () => void truncate(path, 100_000));
      return stream;
    };
    expect(await failureOf(files.upload("a/b", source, { sizeBytes: 8_000_000 }))).toMatchObject({ code: "FILE_CHANGED" });
    expect(server.stored.size).toBe(0);
  });

  it("of a file that is not there fails with the file's own error", async () => {
    const { files } = await setup();
    expect(await failureOf(files.upload("a/b", join(folder, "none.pt"), { sizeBytes: 10 }))).toMatchObject({ code: "ENOENT" });
  });

  it.each([
    [413, false],
    [503, true],
    [500, false],
  ])("that is answered with %i tells whether trying again makes sense: %s", async (status, retryable) => {
    const { server, files } = await setup();
    server.intercept = async (request, response) => {
      await request.resume().toArray();
      response.writeHead(status, { "retry-after": "3" }).end(`no: ${request.headers.authorization ?? ""}`);
      return true;
    };
    const error = (await failureOf(files.upload("a/b", (await aFile(10)).path, { sizeBytes: 10 }))) as ApiError;
    expect(ApiError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ service: "fileserver", status, retryable, retryAfterMs: 3000 });
    expect(error.bodyExcerpt).toContain("no: Bearer");
    expect(`${error.message} ${error.bodyExcerpt ?? ""}`).not.toContain("token1");
  });

  it("that is answered with a page of something else is not taken for stored, and may be tried again", async () => {
    const { server, files } = await setup();
    server.intercept = async (request, response) => {
      await request.resume().toArray();
      response.end("<html>welcome</html>");
      return true;
    };
    expect(await failureOf(files.upload("a/b", (await aFile(10)).path, { sizeBytes: 10 }))).toMatchObject({
      code: "UPLOAD_FAILED",
      retryable: true,
    });
  });

  it("that is cut off says that no answer came", async () => {
    const { server, files } = await setup();
    server.intercept = (request) => {
      request.once("data", () => request.socket.resetAndDestroy());
      return true;
    };
    expect(ConnectionError.isInstance(await failureOf(files.upload("a/b", (await aFile(5_000_000)).path, { sizeBytes: 5_000_000 })))).toBe(
      true,
    );
  });

  it("stops with the caller's reason, and closes the file", async () => {
    const { server, files } = await setup();
    const reason = new Error("enough");
    const controller = new AbortController();
    server.intercept = (request) => {
      request.once("data", () => controller.abort(reason));
      request.on("error", () => undefined);
      return true;
    };
    const { path } = await aFile(5_000_000);
    let stream: ReturnType<typeof createReadStream> | undefined;
    const error = await failureOf(
      files.upload("a/b", () => (stream = createReadStream(path)), { sizeBytes: 5_000_000, signal: controller.signal }),
    );
    expect(error).toBe(reason);
    expect(stream?.destroyed).toBe(true);
  });

  it.each(["", "/", "a/../b", 'a"b', "a\r\nb"])("cannot go to %j", async (path) => {
    const { files } = await setup();
    expect(ValidationError.isInstance(await failureOf(files.upload(path, folder, { sizeBytes: 0 })))).toBe(true);
  });

  it("holds a few pieces at a time, whatever the file's size", async () => {
    const { server, files } = await setup();
    const pieceBytes = 1024 * 1024;
    const pieces = 64;
    let receivedBytes = 0;
    server.intercept = async (request, response) => {
      request.on("data", (chunk: Buffer) => (receivedBytes += chunk.length));
      await once(request, "end");
      response.end(JSON.stringify(["a/b"]));
      return true;
    };
    let mostUnderWay = 0;
    const source = function* (): Generator<Buffer> {
      for (let piece = 0; piece < pieces; piece++) {
        mostUnderWay = Math.max(mostUnderWay, piece * pieceBytes - receivedBytes);
        yield Buffer.alloc(pieceBytes, 1);
      }
    };
    await files.upload("a/b", Readable.from(source(), { objectMode: false }), { sizeBytes: pieces * pieceBytes });
    expect(receivedBytes).toBeGreaterThan(pieces * pieceBytes);
    // The sockets' own buffers included.
    expect(mostUnderWay).toBeLessThan(16 * pieceBytes);
  });
});

describe("a file on the server", () => {
  it("is known by its size, or not known", async () => {
    const { files } = await setup();
    const url = await files.upload("a b/c", (await aFile(1234)).path, { sizeBytes: 1234 });
    expect(await files.head(url)).toEqual({ sizeBytes: 1234, contentType: "application/json" });
    expect(await files.head(files.urlOf("a b/none"))).toBeUndefined();
  });

  it("is fetched whole, with size and digest checked", async () => {
    const { files } = await setup();
    const { path, content, sha256 } = await aFile(3_000_000);
    const url = await files.upload("a/b", path, { sizeBytes: content.length });
    const target = join(folder, "copy.pt");
    const seen: number[] = [];
    expect(
      await files.download(url, target, {
        sizeBytes: content.length,
        sha256: sha256.toUpperCase(),
        onProgress: (received) => seen.push(received),
      }),
    ).toEqual({ path: target, sizeBytes: content.length, sha256 });
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(seen.at(-1)).toBe(content.length);
  });

  it.each<[string, { sizeBytes?: number; sha256?: string }]>([
    ["size", { sizeBytes: 11 }],
    ["digest", { sha256: "0".repeat(64) }],
  ])("of another %s than expected does not take the place of what is there", async (_what, expected) => {
    const { files } = await setup();
    const url = await files.upload("a/b", (await aFile(10)).path, { sizeBytes: 10 });
    const target = join(folder, "copy.pt");
    await writeFile(target, "old");
    expect(await failureOf(files.download(url, target, expected))).toMatchObject({ code: "UPLOAD_FAILED" });
    expect(await readFile(target, "utf8")).toBe("old");
    expect((await readdir(folder)).sort()).toEqual(["best.pt", "copy.pt"]);
  });

  it("that breaks off leaves nothing behind", async () => {
    const { server, files } = await setup();
    server.intercept = (_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("half", () => response.socket?.resetAndDestroy());
      return true;
    };
    expect(ConnectionError.isInstance(await failureOf(files.download(files.urlOf("a"), join(folder, "copy.pt"))))).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  it("that is not there is an error", async () => {
    const { files } = await setup();
    expect(await failureOf(files.download(files.urlOf("none"), join(folder, "copy.pt")))).toMatchObject({
      service: "fileserver",
      status: 404,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it("is asked for with a fresh token when the old one is refused", async () => {
    const { server, files } = await setup();
    const url = await files.upload("a/b", (await aFile(10)).path, { sizeBytes: 10 });
    server.intercept = (request, response) => {
      if (request.headers.authorization !== "Bearer token1") return false;
      response.writeHead(401).end();
      return true;
    };
    expect((await files.head(url))?.sizeBytes).toBe(10);
    expect((await files.download(url, join(folder, "copy.pt"))).sizeBytes).toBe(10);
  });
});

describe("the token", () => {
  it("never goes to another host", async () => {
    const { files } = await setup();
    const other = new FileServerDouble();
    await other.start();
    other.stored.set("x", { headers: "", content: Buffer.from("hello") });
    await files.download(`${other.url}/x`, join(folder, "x"));
    await files.head(`${other.url}/x`);
    expect(other.tokens).toEqual(["", ""]);
  });

  it("does not follow a redirect", async () => {
    const { server, files } = await setup();
    const other = new FileServerDouble();
    await other.start();
    server.intercept = (_request, response) => {
      response.writeHead(302, { location: `${other.url}/x` }).end();
      return true;
    };
    expect(await failureOf(files.download(files.urlOf("x"), join(folder, "x")))).toMatchObject({ status: 302 });
    expect(other.tokens).toEqual([]);
  });
});

describe("what is missing", () => {
  it("is said: the file server's address", async () => {
    const { files } = await setup({ filesHost: undefined });
    expect(() => files.urlOf("a")).toThrow(/CLEARML_FILES_HOST/);
    expect(ConfigError.isInstance(await failureOf(files.upload("a", folder, { sizeBytes: 0 })))).toBe(true);
  });

  it("is said: a transport that can stream", async () => {
    const { files } = await setup({ transport: { send: () => Promise.reject(new Error("unused")), close: () => Promise.resolve() } });
    expect(ConfigError.isInstance(await failureOf(files.download(files.urlOf("a"), join(folder, "x"))))).toBe(true);
  });
});
