/** Reads from a bucket, or from the one object that the address names. */
import { createWriteStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { S3Client } from "@aws-sdk/client-s3";
import { UploadError } from "../base/errors.js";
import type { FoundObject, ObjectReader } from "./object-reader.js";
import { createS3Client, loadAws, type AwsLoader, type AwsModules } from "./s3-client.js";
import { s3Failure } from "./s3-errors.js";
import type { S3Settings } from "./s3-settings.js";

/** A reader of what lies under the settings' prefix. Loads the AWS client with the first call. */
export function createS3Reader(settings: S3Settings, loader: AwsLoader): ObjectReader {
  const { bucket, prefix, endpoint, namedBy } = settings;
  let opening: Promise<{ readonly aws: AwsModules; readonly client: S3Client }> | undefined;
  const open = (): NonNullable<typeof opening> =>
    (opening ??= loadAws(loader, settings).then((aws) => ({ aws, client: createS3Client(aws, settings, {}) })));
  const explained = async <T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const failure = s3Failure(error, { bucket, key, endpoint: endpoint ?? "AWS", namedBy });
      const rights = "Reading takes other rights than writing: s3:ListBucket and s3:GetObject.";
      throw /AccessDenied|403/.test(failure.message)
        ? new UploadError(`${failure.message} ${rights}`, { retryable: false, cause: error })
        : failure;
    }
  };
  // Keys come back relative to the last slash of the prefix, so that one whole key is a prefix like any other.
  const base = /\.tar\.gz$/.test(prefix) ? prefix.slice(0, prefix.lastIndexOf("/") + 1) : prefix === "" ? "" : `${prefix}/`;
  const listed = base === "" || prefix.endsWith(".tar.gz") ? prefix : base;
  return {
    list: (signal) =>
      explained(listed, signal, async () => {
        const { aws, client } = await open();
        const found: FoundObject[] = [];
        let token: string | undefined;
        do {
          const answer = await client.send(
            new aws.s3.ListObjectsV2Command({
              Bucket: bucket,
              Prefix: listed,
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
            { abortSignal: signal },
          );
          for (const { Key, Size } of answer.Contents ?? [])
            if (Key !== undefined) found.push({ key: Key.slice(base.length), sizeBytes: Size ?? 0 });
          token = answer.IsTruncated === true ? answer.NextContinuationToken : undefined;
        } while (token !== undefined);
        return found;
      }),
    download: (key, target, signal) =>
      explained(base + key, signal, async () => {
        const { aws, client } = await open();
        const { Body } = await client.send(new aws.s3.GetObjectCommand({ Bucket: bucket, Key: base + key }), { abortSignal: signal });
        await pipeline(Body as Readable, createWriteStream(target, { flags: "wx" }), { signal });
      }),
    close: async () => {
      (await opening?.catch(() => undefined))?.client.destroy();
    },
  };
}
