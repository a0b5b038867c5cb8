/** From what a caller names to the sources of its files. Opens nothing. */
import { DownloadError, ValidationError } from "../base/errors.js";
import type { StreamingHttpTransport } from "../base/http.js";
import { resolveClearMLOptions, type ClearMLConnection } from "../clearml/options.js";
import type { ClearMLSession } from "../clearml/session.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import type { FileSource } from "../storage/download/file-source.js";
import { folderSource } from "../storage/download/folder-source.js";
import { httpSource } from "../storage/download/http-source.js";
import { S3Sources } from "../storage/download/s3-sources.js";
import { resolveS3Settings, type S3Credentials } from "../storage/s3-settings.js";
import type { Environment } from "./environment.js";

export interface DownloadSourceOptions {
  readonly env: Environment;
  readonly transport: StreamingHttpTransport;
  readonly credentials: S3Credentials | undefined;
  readonly clearml: ClearMLConnection;
}

/** Makes sources that share their clients. */
export class DownloadSources implements AsyncDisposable {
  readonly #options: DownloadSourceOptions;
  readonly #s3 = new S3Sources();
  readonly #fileServer: FileServerProof;

  constructor(options: DownloadSourceOptions) {
    this.#options = options;
    this.#fileServer = new FileServerProof(options);
  }

  /**
   * @param what An S3 address that ends with a slash is a prefix in any case.
   * @throws ValidationError for an address that cannot be used; ConfigError for a variable that cannot.
   */
  source(verb: string, uri: string, what: "prefix" | "object"): FileSource {
    if (/^https?:/i.test(uri)) {
      if (!URL.canParse(uri)) throw refused(verb, "is no URL", uri);
      return httpSource(uri, {
        transport: this.#options.transport,
        authorize: (url, isRefused, signal) => this.#fileServer.headersFor(url, isRefused, signal),
      });
    }
    const parsed = parseCheckpointUri(uri, "source");
    if (parsed.status === "invalid") throw refused(verb, parsed.issues.map(({ message }) => message).join("; "), uri);
    const { spec } = parsed;
    if (spec.kind === "folder") return folderSource(spec.directory);
    if (spec.kind === "fileserver") throw refused(verb, "names a server and no file; give the file's http address", uri);
    const { credentials, env } = this.#options;
    return this.#s3.source(resolveS3Settings(spec, { credentials, namedBy: "source" }, env), uri.endsWith("/") ? "prefix" : what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#s3.close();
    await this.#fileServer.close();
  }
}

function refused(verb: string, why: string, uri: string): ValidationError {
  // A signed URL is as good as a key.
  const shown = uri.replace(/\?.*$/s, "").replace(/\/\/[^/@]*@/, "//");
  const message = `must be s3://bucket/prefix, s3://host:port/bucket/prefix, file:///folder or an http address; ${JSON.stringify(shown.slice(0, 200))}: ${why}`;
  return new ValidationError(`${verb}: source ${message}`, [{ path: "source", message }]);
}

/** ClearML's token, for its file server's addresses alone. Logs in with the first of them. */
class FileServerProof {
  readonly #options: DownloadSourceOptions;
  #session: ClearMLSession | undefined;
  #token: string | undefined;

  constructor(options: DownloadSourceOptions) {
    this.#options = options;
  }

  async headersFor(url: string, isRefused: boolean, signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined> {
    const { clearml, env, transport } = this.#options;
    const { options } = resolveClearMLOptions(clearml, env);
    if (options?.filesHost === undefined || !url.startsWith(`${options.filesHost}/`)) return undefined;
    if (!this.#session) {
      const { ClearMLSession } = await import("../clearml/session.js");
      this.#session = new ClearMLSession({ ...options, transport, retry: false }, {});
    }
    this.#token = await this.#session.token(signal, isRefused ? this.#token : undefined);
    return { authorization: `Bearer ${this.#token}` };
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }
}

/**
 * The data set that the platform's variables name. `DATASET_S3_URI` holds an address, or, as some of its start modes have
 * it, the data set's id or a path that ends with it; those lie in the external storage, under `datasets/{id}/`.
 *
 * @throws DownloadError when they name none.
 */
export function datasetUriOf(env: Environment): string {
  const [uri, id] = [env["DATASET_S3_URI"]?.trim() ?? "", env["DATASET_ID"]?.trim() ?? ""];
  const [endpoint, bucket] = [env["EXTERNAL_STORAGE_ENDPOINT"]?.trim() ?? "", env["EXTERNAL_BUCKET_DATASETS"]?.trim() ?? ""];
  const named = /^[a-z0-9]+:\/\//i.test(uri);
  const ownBucket = named && uri.startsWith(`s3://${bucket}/`) && bucket !== "";
  if (named && !ownBucket) return uri;
  const key = ownBucket ? uri.slice(`s3://${bucket}/`.length) : datasetFolder(uri, id);
  const host = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (key !== undefined && host && bucket !== "")
    return `s3://${host.hostname}:${host.port || (host.protocol === "https:" ? "443" : "80")}/${bucket}/${key}`;
  if (named) return uri;
  throw new DownloadError(
    "No data set is named: give its address, or set DATASET_S3_URI (with EXTERNAL_STORAGE_ENDPOINT and EXTERNAL_BUCKET_DATASETS when it is an id).",
    { uri: "DATASET_S3_URI", retryable: false },
  );
}

function datasetFolder(uri: string, id: string): string | undefined {
  const last = id === "" ? uri.split("/").findLast((segment) => segment !== "") : id;
  return last === undefined ? undefined : `datasets/${last}/`;
}
