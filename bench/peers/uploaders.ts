/** The uploaders we are held against, each with its own defaults: how long one file takes them to the same S3 server. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { S3Server } from "../s3-server.ts";
import type { Workplace } from "../workplace.ts";
import { isInstalled, toolPath } from "./install-peers.ts";

export interface Uploader {
  readonly name: string;
  /** False for those that say more than bytes; they are told, and not the bar. */
  readonly isBar: boolean;
  /** Seconds for one upload. Programs of their own count from their start: that is how they are used. */
  readonly upload: (file: string, key: string) => Promise<number>;
}

/** Those that are installed. */
export async function installedUploaders(
  workplace: Workplace,
  s3: S3Server,
  clearmlEnv: Readonly<Record<string, string>>,
): Promise<readonly Uploader[]> {
  const uploaders: Uploader[] = [];
  const scripts = path.join(workplace.root, "bench", "peers");
  const python = toolPath(workplace, "python");
  const target = (key: string): string => `s3://${s3.bucket}/${key}`;
  const timed = async (command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> => {
    const startedAt = performance.now();
    await workplace.exec(command, args, env);
    return (performance.now() - startedAt) / 1000;
  };
  const s5cmd = toolPath(workplace, "s5cmd");
  if (await isInstalled(s5cmd))
    uploaders.push({
      name: "s5cmd",
      isBar: true,
      upload: (file, key) => timed(s5cmd, ["--endpoint-url", s3.endpoint, "cp", file, target(key)], s3.env),
    });
  if (!(await isInstalled(python))) return uploaders;
  uploaders.push({
    name: "boto3",
    isBar: true,
    upload: async (file, key) => {
      const input = { endpoint: s3.endpoint, bucket: s3.bucket, file, key };
      return (await workplace.run<{ seconds: number }>(python, [path.join(scripts, "upload_boto3.py"), JSON.stringify(input)], s3.env))
        .seconds;
    },
  });
  const aws = toolPath(workplace, "aws");
  if (await isInstalled(aws))
    uploaders.push({
      name: "AWS CLI",
      isBar: true,
      upload: (file, key) => timed(aws, ["--endpoint-url", s3.endpoint, "s3", "cp", "--quiet", file, target(key)], s3.env),
    });
  const config = path.join(await workplace.freshFolder("clearml"), "clearml.conf");
  await writeFile(config, clearmlConfig(s3));
  uploaders.push({
    name: "Python Task.upload_artifact",
    isBar: false,
    upload: async (file, key) => {
      const input = { outputUri: s3.uri, file, key };
      const env = { ...clearmlEnv, CLEARML_CONFIG_FILE: config };
      const { seconds, ok } = await workplace.run<{ seconds: number; ok: boolean }>(
        python,
        [path.join(scripts, "upload_artifact.py"), JSON.stringify(input)],
        env,
      );
      if (!ok) throw new Error("upload_artifact answered False");
      return seconds;
    },
  });
  return uploaders;
}

/** Python's client takes the keys of another host than AWS from its file alone. */
function clearmlConfig({ endpoint, env }: S3Server): string {
  const key = env["AWS_ACCESS_KEY_ID"] ?? "";
  const secret = env["AWS_SECRET_ACCESS_KEY"] ?? "";
  return `sdk { aws { s3 { credentials: [ { host: "${new URL(endpoint).host}", key: "${key}", secret: "${secret}", multipart: true, secure: false } ] } } }\n`;
}
