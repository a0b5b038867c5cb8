/**
 * What the S3 suite needs beyond npm, from the registries by their ordinary clients, into `.cache/s3`: a real S3 server
 * by `go install`, and Python's official ClearML client with boto3 in a virtual environment. Kept between runs.
 */
import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pythonWith } from "./python-venv.ts";

const run = promisify(execFile);
const FOLDER = path.join(fileURLToPath(new URL("..", import.meta.url)), ".cache", "s3");
const SERVER_MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
const PYTHON_PACKAGES = ["clearml==2.1.12", "boto3==1.44.8"];

export interface S3Tools {
  /** The server's program. */
  readonly server: string;
  /** An interpreter with `clearml` and `boto3`. */
  readonly python: string;
}

/** Installs what is missing: some minutes the first time, most of them for the server's compilation. */
export async function installS3Tools(tell: (message: string) => void = () => undefined): Promise<S3Tools> {
  const server = await installS3Server(tell);
  return { server, python: await pythonWith("s3/venv", PYTHON_PACKAGES, tell) };
}

/** The server alone: its program. */
export async function installS3Server(tell: (message: string) => void = () => undefined): Promise<string> {
  const server = path.join(FOLDER, "bin", "versitygw");
  const isThere = await access(server).then(
    () => true,
    () => false,
  );
  if (isThere) return server;
  tell("Compiling the S3 server ...");
  await run("go", ["install", SERVER_MODULE], { env: { ...process.env, GOBIN: path.dirname(server), GOFLAGS: "-mod=mod" } });
  return server;
}
