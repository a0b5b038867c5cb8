/** An S3 on a socket with a data set in it, a folder for what comes, and processes that fetch; all of it gone at the end. */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { S3_ENV, startS3, type S3Server } from "./s3-server.js";

/** A process of `downloading-child.ts`. */
export interface FetchingProcess {
  /** Resolves with the line that begins so. */
  line(start: string): Promise<string>;
  kill(): Promise<void>;
  end(): Promise<void>;
}

export interface DownloadWorld extends AsyncDisposable {
  readonly s3: S3Server;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  uriOf(key: string): string;
  put(key: string, content: Buffer | string, metadata?: Readonly<Record<string, string>>): Promise<Buffer>;
  process(argument: { readonly uri: string; readonly cacheDir?: string; readonly to?: string }): FetchingProcess;
}

const CHILD = fileURLToPath(new URL("../integration/storage/download/downloading-child.ts", import.meta.url));
const RESOLVER = new URL("resolve-typescript.js", import.meta.url).href;

export async function startDownloadWorld(): Promise<DownloadWorld> {
  const s3 = await startS3({ buckets: ["data"] });
  const folder = await mkdtemp(path.join(tmpdir(), "downloads-"));
  const env = { ...S3_ENV, AWS_REGION: "us-east-1", TRAINER_CACHE_DIR: path.join(folder, "cache") };
  const children: ChildProcess[] = [];
  return {
    s3,
    folder,
    env,
    uriOf: (key) => `s3://${s3.server.host}/data/${key}`,
    put: async (key, content, metadata = {}) => {
      const body = Buffer.from(content);
      const headers = { authorization: SIGNED, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", host: s3.server.host, ...metadata };
      const answer = await s3.s3.handler({
        method: "PUT",
        url: new URL(`${s3.server.url}/data/${key}`),
        headers,
        body: Readable.from([body]),
      });
      if (answer.status !== 200) throw new Error(`the double answered ${String(answer.status)}`);
      return body;
    },
    process: (argument) => {
      const child = spawn(process.execPath, ["--no-warnings", "--import", RESOLVER, CHILD, JSON.stringify(argument)], {
        env: { PATH: process.env["PATH"], ...env },
        stdio: ["pipe", "pipe", "inherit"],
      });
      children.push(child);
      const gone = once(child, "exit");
      const lines: string[] = [];
      const waiting = new Set<() => void>();
      createInterface(child.stdout).on("line", (text) => {
        lines.push(text);
        for (const look of waiting) look();
      });
      return {
        line: (start) =>
          new Promise((resolve, reject) => {
            const look = (): void => {
              const found = lines.find((text) => text.startsWith(start));
              if (found === undefined) return;
              waiting.delete(look);
              resolve(found);
            };
            waiting.add(look);
            look();
            void gone.then(() => {
              reject(new Error(`the process ended before it said ${start}`));
            });
          }),
        kill: async () => {
          child.kill("SIGKILL");
          await gone;
        },
        end: async () => {
          child.stdin.end();
          await gone;
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill("SIGKILL");
      await s3[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The double looks at the form alone. */
const SIGNED = `AWS4-HMAC-SHA256 Credential=test-key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`;

export const digestOf = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
export const bytes = (length: number): Buffer => randomBytes(length);
