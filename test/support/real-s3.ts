/**
 * A real S3 server in a process of its own, with a recording switch in front of it: requests can be counted, held,
 * damaged or dropped on the way, by a server that knows nothing of it.
 */
import { spawn } from "node:child_process";
import { createServer as createNetServer } from "node:net";
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as aws from "@aws-sdk/client-s3";
import { installS3Tools } from "../../scripts/s3-tools.ts";

export const BUCKET = "models";
/** May put and take back, nothing else: all that an uploader is promised to need. */
export const WRITER = { accessKeyId: "writer", secretAccessKey: "writer-secret" };
/** May do everything. */
export const READER = { accessKeyId: "root", secretAccessKey: "root-secret" };
const ROOT = READER;

/** A request that has gone through, in the order of the answers. */
export interface SeenRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly status: number;
}

export interface RealS3 {
  /** Of the switch: what clients are given. */
  readonly host: string;
  readonly url: string;
  /** With all rights, past the switch. */
  readonly admin: aws.S3Client;
  readonly seen: SeenRequest[];
  /** Asked before a request is passed on; may wait, or change a chunk of the body (`damage`). */
  onRequest: ((request: { readonly method: string; readonly query: URLSearchParams }) => Promise<"pass" | "damage">) | undefined;
  /** Told of each answer, before it is passed back; may wait for ever. */
  onAnswer: ((seen: SeenRequest) => Promise<void>) | undefined;
  /** Asked before an answer is passed back: after so many bytes of it the connection breaks. */
  breakAfterBytes:
    ((request: { readonly path: string; readonly headers: IncomingMessage["headers"] }) => Promise<number | undefined>) | undefined;
  sha256Of(key: string): Promise<string | undefined>;
  unfinished(): Promise<number>;
  reset(): void;
  close(): Promise<void>;
}

/** Parts that were sent and taken, by number; empty ones merely ask whether the upload is known. */
export function partsTaken(seen: readonly SeenRequest[]): number[] {
  return seen
    .filter(
      ({ method, query, status, headers }) =>
        method === "PUT" && query.has("partNumber") && status === 200 && headers["content-length"] !== "0",
    )
    .map(({ query }) => Number(query.get("partNumber")));
}

export async function startRealS3(): Promise<RealS3> {
  const tools = await installS3Tools();
  const folder = await mkdtemp(path.join(tmpdir(), "real-s3-"));
  const [data, iam] = [path.join(folder, "data"), path.join(folder, "iam")];
  await Promise.all([data, iam].map((directory) => mkdir(directory)));
  const port = await freePort();
  const child = spawn(tools.server, ["--port", `127.0.0.1:${String(port)}`, "--iam-dir", iam, "--keep-alive", "--quiet", "posix", data], {
    stdio: "ignore",
    env: { ...process.env, ROOT_ACCESS_KEY_ID: ROOT.accessKeyId, ROOT_SECRET_ACCESS_KEY: ROOT.secretAccessKey },
  });
  const gone = once(child, "exit");
  const inner = `http://127.0.0.1:${String(port)}`;
  const admin = new aws.S3Client({ endpoint: inner, region: "us-east-1", credentials: ROOT, forcePathStyle: true, maxAttempts: 1 });
  await untilUp(admin);
  await createWriter(tools.server, inner);
  await admin.send(new aws.CreateBucketCommand({ Bucket: BUCKET }));
  await admin.send(new aws.PutBucketPolicyCommand({ Bucket: BUCKET, Policy: JSON.stringify(writerPolicy) }));

  const seen: SeenRequest[] = [];
  const relay = createServer((request, response) => void pass(request, response));
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const query = new URL(request.url ?? "/", inner).searchParams;
    const method = request.method ?? "GET";
    // Whoever hangs up in the middle is not this server's trouble.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    request.pause();
    const how = (await result.onRequest?.({ method, query })) ?? "pass";
    const inside = forward(`${inner}${request.url ?? "/"}`, { method, headers: request.headers });
    inside.on("error", () => response.destroy());
    response.on("close", () => inside.destroy());
    const passBack = async (answer: IncomingMessage): Promise<void> => {
      const entry = { method, query, headers: request.headers, status: answer.statusCode ?? 0 };
      seen.push(entry);
      await result.onAnswer?.(entry);
      const limit = await result.breakAfterBytes?.({ path: request.url ?? "/", headers: request.headers });
      response.writeHead(entry.status, answer.headers);
      if (limit === undefined) answer.pipe(response);
      else breakAfter(limit, answer, response);
    };
    inside.on("response", (answer: IncomingMessage) => {
      answer.on("error", () => response.destroy());
      void passBack(answer);
    });
    let isDamaged = how === "pass";
    request.on("data", (chunk: Buffer) => {
      if (!isDamaged && chunk.length > 0) {
        isDamaged = true;
        chunk = Buffer.from(chunk);
        chunk[0] = (chunk[0] ?? 0) ^ 1;
      }
      if (!inside.write(chunk)) request.pause();
    });
    inside.on("drain", () => request.resume());
    request.on("end", () => inside.end());
    request.resume();
  };
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const host = `127.0.0.1:${String((relay.address() as AddressInfo).port)}`;
  const result: RealS3 = {
    host,
    url: `http://${host}`,
    admin,
    seen,
    onRequest: undefined,
    onAnswer: undefined,
    breakAfterBytes: undefined,
    sha256Of: (key) => storedDigest(admin, key),
    unfinished: async () => (await admin.send(new aws.ListMultipartUploadsCommand({ Bucket: BUCKET }))).Uploads?.length ?? 0,
    reset: () => {
      seen.length = 0;
      result.onRequest = undefined;
      result.onAnswer = undefined;
      result.breakAfterBytes = undefined;
    },
    close: async () => {
      admin.destroy();
      relay.closeAllConnections();
      relay.close();
      child.kill("SIGKILL");
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
  return result;
}

function breakAfter(limit: number, answer: IncomingMessage, response: ServerResponse): void {
  let passed = 0;
  answer.on("data", (chunk: Buffer) => {
    if (passed >= limit) return;
    passed += chunk.length;
    // Only once the last piece is on its way, or the reset would overtake it.
    response.write(chunk, () => {
      if (passed >= limit) response.destroy();
    });
  });
}

const writerPolicy = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { AWS: [WRITER.accessKeyId] },
      Action: ["s3:PutObject", "s3:AbortMultipartUpload"],
      Resource: [`arn:aws:s3:::${BUCKET}/*`],
    },
  ],
};

async function createWriter(program: string, url: string): Promise<void> {
  const { accessKeyId, secretAccessKey } = WRITER;
  const options = ["--access", ROOT.accessKeyId, "--secret", ROOT.secretAccessKey, "--endpoint-url", url];
  const user = ["--access", accessKeyId, "--secret", secretAccessKey, "--role", "user"];
  const child = spawn(program, ["admin", ...options, "create-user", ...user], { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error("the S3 server's user could not be created");
}

async function storedDigest(admin: aws.S3Client, key: string): Promise<string | undefined> {
  const { createHash } = await import("node:crypto");
  try {
    const { Body } = await admin.send(new aws.GetObjectCommand({ Bucket: BUCKET, Key: key }));
    const hash = createHash("sha256");
    for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk);
    return hash.digest("hex");
  } catch (error) {
    if (error instanceof aws.NoSuchKey) return undefined;
    throw error;
  }
}

/** The server cannot tell the port it took by itself. */
async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilUp(admin: aws.S3Client): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await admin.send(new aws.ListBucketsCommand({}));
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(100);
    }
  }
}
