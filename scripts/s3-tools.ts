/**
 * What the S3 suite needs beyond npm, from the registries by their ordinary clients, into `.cache/s3`: a real S3 server
 * by `go install`, and Python's official ClearML client with boto3 in a virtual environment. Kept between runs.
 */
import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const FOLDER = path.join(fileURLToPath(new URL("..", import.meta.url)), ".cache", "s3");
const SERVER_MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
const PYTHON_PACKAGES = ["clearml", "boto3"];

export interface S3Tools {
  /** The server's program. */
  readonly server: string;
  /** An interpreter with `clearml` and `boto3`. */
  readonly python: string;
}

/** Installs what is missing: some minutes the first time, most of them for the server's compilation. */
export async function installS3Tools(tell: (message: string) => void = () => undefined): Promise<S3Tools> {
  const server = path.join(FOLDER, "bin", "versitygw");
  const venv = path.join(FOLDER, "venv");
  const python = path.join(venv, "bin", "python");
  if (!(await exists(server))) {
    tell("Compiling the S3 server ...");
    await run("go", ["install", SERVER_MODULE], { env: { ...process.env, GOBIN: path.dirname(server), GOFLAGS: "-mod=mod" } });
  }
  const hasPackages = await run(python, ["-c", "import clearml, boto3"]).then(
    () => true,
    () => false,
  );
  if (!hasPackages) {
    tell("Installing Python's ClearML client ...");
    await run("python3", ["-m", "venv", venv]);
    await run(path.join(venv, "bin", "pip"), ["install", "--quiet", ...PYTHON_PACKAGES], { maxBuffer: 64 * 1024 ** 2 });
  }
  return { server, python };
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
