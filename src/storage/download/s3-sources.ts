/**
 * Objects of buckets as sources. One client for each endpoint and bucket, made when it is first needed. Rights: `s3:GetObject`,
 * and `s3:ListBucket` for whoever names a prefix.
 */
import type { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { DownloadError, TrainerSDKError } from "../../base/errors.js";
import { createS3Client, importAws, loadAws, type AwsLoader, type AwsModules } from "../s3-client.js";
import { s3Failure } from "../s3-errors.js";
import type { S3Settings } from "../s3-settings.js";
import type { FileSource, OpenAnswer, SourceFile } from "./file-source.js";
import { plainMd5 } from "./http-source.js";

interface Opened {
  readonly aws: AwsModules;
  readonly client: S3Client;
}

/** Sources that share their clients. */
export class S3Sources {
  readonly #loader: AwsLoader;
  readonly #opened = new Map<string, Promise<Opened>>();

  constructor(loader: AwsLoader = importAws) {
    this.#loader = loader;
  }

  /** What lies under the settings' prefix (`prefix`: also the object of that very name), or the one object (`object`). */
  source(settings: S3Settings, what: "prefix" | "object"): FileSource {
    const { prefix, uriBase } = settings;
    const uri = `${uriBase}/${prefix}`;
    const file = (key: string, name: string, sizeBytes: number | undefined, version: string | undefined): SourceFile => ({
      uri: `${uriBase}/${key}`,
      name,
      sizeBytes,
      version,
      open: (start, wanted, signal) => this.#get(settings, key, start, wanted, signal),
    });
    const ownName = prefix.slice(prefix.lastIndexOf("/") + 1);
    const list = async (signal: AbortSignal): Promise<readonly SourceFile[]> => {
      if (what === "object") {
        const found = await this.#ask(settings, prefix, signal, ({ aws, client }) =>
          client.send(new aws.s3.HeadObjectCommand({ Bucket: settings.bucket, Key: prefix }), { abortSignal: signal }),
        );
        return [file(prefix, ownName, found.ContentLength, found.ETag)];
      }
      const below = prefix === "" ? "" : `${prefix}/`;
      const files: SourceFile[] = [];
      let token: string | undefined;
      do {
        const after = token;
        const page = await this.#ask(settings, prefix, signal, ({ aws, client }) =>
          client.send(
            new aws.s3.ListObjectsV2Command({
              Bucket: settings.bucket,
              Prefix: prefix,
              ...(after === undefined ? {} : { ContinuationToken: after }),
            }),
            { abortSignal: signal },
          ),
        );
        for (const { Key, Size, ETag } of page.Contents ?? []) {
          // What consoles make to show an empty folder.
          if (Key === undefined || (Key.endsWith("/") && (Size ?? 0) === 0)) continue;
          if (Key.startsWith(below)) files.push(file(Key, Key.slice(below.length), Size, ETag));
          else if (Key === prefix) files.push(file(Key, ownName, Size, ETag));
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
      if (files.length === 0) {
        throw new DownloadError(`There is nothing under ${uri}. Check the bucket, the prefix and the endpoint.`, { uri, retryable: false });
      }
      return files;
    };
    return { uri, list };
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.values()) (await opened.catch(() => undefined))?.client.destroy();
  }

  async #get(settings: S3Settings, key: string, start: number, version: string | undefined, signal: AbortSignal): Promise<OpenAnswer> {
    try {
      const found = await this.#ask(settings, key, signal, ({ aws, client }) =>
        client.send(
          new aws.s3.GetObjectCommand({
            Bucket: settings.bucket,
            Key: key,
            ...(start > 0 ? { Range: `bytes=${String(start)}-` } : {}),
            ...(version === undefined ? {} : { IfMatch: version }),
          }),
          { abortSignal: signal },
        ),
      );
      const body = found.Body as Readable;
      // Stores that know no conditions answer all the same.
      if (version !== undefined && found.ETag !== version) {
        body.on("error", () => undefined).destroy();
        return "changed";
      }
      const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(found.ContentRange ?? "");
      const sha256 = found.Metadata?.["sha256"];
      return {
        start: Number(range?.[1] ?? 0),
        sizeBytes: range ? Number(range[2]) : found.ContentLength,
        version: found.ETag,
        sha256: sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined,
        md5: plainMd5(found.ETag, found.ServerSideEncryption),
        body,
      };
    } catch (error) {
      const status = statusBelow(error);
      if (status === 404) return "gone";
      if (status === 412 || status === 416) return "changed";
      throw error;
    }
  }

  async #ask<Answer>(settings: S3Settings, key: string, signal: AbortSignal, work: (opened: Opened) => Promise<Answer>): Promise<Answer> {
    try {
      return await work(await this.#open(settings));
    } catch (error) {
      signal.throwIfAborted();
      throw readFailure(error, settings, key);
    }
  }

  #open(settings: S3Settings): Promise<Opened> {
    const name = JSON.stringify([settings.endpoint, settings.region, settings.bucket, settings.credentials?.accessKeyId]);
    const known = this.#opened.get(name);
    if (known) return known;
    const opening = loadAws(this.#loader, settings).then((aws) => ({ aws, client: createS3Client(aws, settings, {}) }));
    this.#opened.set(name, opening);
    return opening;
  }
}

/** What an S3 read threw, in our words. */
export function readFailure(error: unknown, { bucket, endpoint, uriBase }: S3Settings, key: string): Error {
  return TrainerSDKError.isInstance(error)
    ? error
    : s3Failure(error, { bucket, key, endpoint: endpoint ?? "AWS" }, { uri: `${uriBase}/${key}` });
}

/** The status in what {@link readFailure} made. */
function statusBelow(error: unknown): number | undefined {
  const cause = error instanceof Error ? (error.cause as { $metadata?: { httpStatusCode?: number } } | undefined) : undefined;
  return cause?.$metadata?.httpStatusCode;
}
