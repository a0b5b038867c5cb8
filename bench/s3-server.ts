/** A real S3 server (versitygw over a folder) on loopback, with one bucket. */
import { mkdir, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { isInstalled, toolPath } from "./peers/install-peers.ts";
import type { Workplace } from "./workplace.ts";

export interface S3Server {
  readonly endpoint: string;
  readonly bucket: string;
  /** As ClearML writes it. */
  readonly uri: string;
  /** What every S3 client reads. */
  readonly env: Readonly<Record<string, string>>;
  /** Removes what was stored: disks are finite. */
  empty(): Promise<void>;
  stop(): Promise<void>;
}

const BUCKET = "bench";
const KEYS = { AWS_ACCESS_KEY_ID: "bench-key", AWS_SECRET_ACCESS_KEY: "bench-secret" };

/** `undefined` when the server is not installed. */
export async function startS3(workplace: Workplace): Promise<S3Server | undefined> {
  const binary = toolPath(workplace, "versitygw");
  if (!(await isInstalled(binary))) return undefined;
  const folder = await workplace.freshFolder("s3");
  await mkdir(path.join(folder, BUCKET));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${String(port)}`;
  const keys = ["--access", KEYS.AWS_ACCESS_KEY_ID, "--secret", KEYS.AWS_SECRET_ACCESS_KEY];
  const args = ["--port", `127.0.0.1:${String(port)}`, ...keys, "--quiet", "--keep-alive", "posix", folder];
  const server = await workplace.startQuiet(binary, args, {}, () =>
    fetch(endpoint).then(
      () => true,
      () => false,
    ),
  );
  return {
    endpoint,
    bucket: BUCKET,
    uri: `s3://127.0.0.1:${String(port)}/${BUCKET}`,
    env: { ...KEYS, AWS_REGION: "us-east-1", AWS_DEFAULT_REGION: "us-east-1", AWS_EC2_METADATA_DISABLED: "true" },
    empty: async () => {
      await rm(path.join(folder, BUCKET), { recursive: true, force: true });
      await mkdir(path.join(folder, BUCKET));
    },
    stop: () => server.stop(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
