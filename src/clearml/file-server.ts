/**
 * ClearML's file server: files in and out, streamed (`clearml-protocol`, 10). The token goes to this server alone and
 * never to another host that a URL may name; redirects are not followed.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { systemClock, type Clock } from "../base/clock.js";
import { ApiError, ConfigError, UploadError, ValidationError } from "../base/errors.js";
import { publicUrl } from "../base/http.js";
import { newId } from "../base/ids.js";
import { parseRetryAfter } from "../base/retry.js";
import { objectPathOfUrl, quoteObjectUrl } from "../protocol/clearml/object-path.js";
import { isRetryableStatus } from "./answers.js";
import { multipartBody, type UploadSource } from "./multipart-body.js";
import type { SessionTransport } from "./options.js";

/** Default of a file's type, as the official SDK has it. */
export const DEFAULT_CONTENT_TYPE = "binary/octet-stream";
/** An upload may take as long as at 50 KB/s, and 30 s at least, as in the official SDK (10.1). */
const MIN_UPLOAD_TIMEOUT_MS = 30_000;
const SLOWEST_BYTES_PER_MS = 51.2;

/** What the file server's client asks of a session. */
export interface FileServerSession {
  readonly filesHost: string | undefined;
  readonly transport: SessionTransport;
  token(signal?: AbortSignal, rejected?: string): Promise<string>;
}

export interface FileUploadOptions {
  readonly sizeBytes: number;
  /** Default `binary/octet-stream`. */
  readonly contentType?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called as bytes are read; the sum starts again at 0 when the upload has to begin anew. */
  readonly onProgress?: ((sentBytes: number) => void) | undefined;
  /** Default: by size, at 50 KB/s, 30 s at least. */
  readonly timeoutMs?: number | undefined;
}

export interface FileDownloadOptions {
  /** Bytes expected; without it, what the server announces. */
  readonly sizeBytes?: number | undefined;
  /** SHA-256 expected, hexadecimal. */
  readonly sha256?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((receivedBytes: number) => void) | undefined;
}

/** A file as the server knows it. */
export interface RemoteFile {
  /** Undefined when the server does not say. */
  readonly sizeBytes: number | undefined;
  readonly contentType: string | undefined;
}

/** What was downloaded. */
export interface DownloadedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Files on ClearML's file server. One attempt a call, save for a refused token; who needs more schedules it. */
export class FileServer {
  readonly #session: FileServerSession;
  readonly #clock: Clock;

  constructor(session: FileServerSession, options: { readonly clock?: Clock } = {}) {
    this.#session = session;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Address of an object path: what is announced.
   *
   * @throws ConfigError when no file server is known.
   */
  urlOf(path: string): string {
    return quoteObjectUrl(this.#host(), path);
  }

  /** Object path of an address on this file server; undefined for any other. */
  pathOf(url: string): string | undefined {
    return objectPathOfUrl(this.#host(), url);
  }

  /**
   * Stores a file under a path and resolves with its address. The same path again replaces the file.
   *
   * @throws UploadError `FILE_CHANGED` when the source does not hold `sizeBytes`, `UPLOAD_FAILED` when the server stored
   * something else; ApiError when it said no; ConnectionError when no answer came; ValidationError for a path that
   * cannot travel; the source's own error; the signal's reason.
   */
  async upload(path: string, source: UploadSource, options: FileUploadOptions): Promise<string> {
    const url = this.urlOf(path);
    const objectPath = path.replace(/^\/+/, "");
    if (objectPath === "" || /[\r\n"\0]/.test(objectPath) || objectPath.split("/").includes("..")) {
      const message = "must not be empty nor hold quotes, line ends or ..";
      throw new ValidationError(`The object path ${JSON.stringify(path)} ${message}.`, [{ path: "path", message }]);
    }
    let token = await this.#session.token(options.signal);
    let answer = await this.#post(objectPath, source, options, token);
    if (answer.status === 401) {
      token = await this.#session.token(options.signal, token);
      // A stream was used up by the first try; the new token serves whoever brings a fresh one.
      if (typeof source === "string" || typeof source === "function") answer = await this.#post(objectPath, source, options, token);
    }
    // A proxy's page may show the request, header and all.
    const body = answer.text().replaceAll(token, "***");
    if (answer.status !== 200) throw this.#refusal("POST", url, answer.status, answer.headers, body);
    const stored = storedPaths(body);
    if (!stored?.some((storedPath) => storedPath.replace(/^\/+/, "") === objectPath)) {
      const server = `the file server at ${publicUrl(this.#host())}`;
      throw new UploadError(
        `What answered the upload of ${objectPath} is not ${server}: ${body.slice(0, 200)}. Check CLEARML_FILES_HOST.`,
        // A proxy shows such a page while the server behind it is away.
        { retryable: true },
      );
    }
    return url;
  }

  /**
   * What the server knows of a file; undefined when it has none there.
   *
   * @throws ApiError, ConnectionError, ConfigError; the signal's reason.
   */
  async head(url: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<RemoteFile | undefined> {
    const request = (headers: Record<string, string>) =>
      this.#session.transport.send({ method: "HEAD", url, headers, signal: options.signal });
    const { status, headers } = await this.#authorized(url, options.signal, request);
    if (status === 404) return undefined;
    if (status !== 200) throw this.#refusal("HEAD", url, status, headers, "");
    return { sizeBytes: lengthOf(headers), contentType: headers["content-type"] };
  }

  /**
   * Deletes a file. One that is not there is none: resolves with whether there was one.
   *
   * @throws ApiError, ConnectionError, ConfigError; the signal's reason.
   */
  async delete(url: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    const request = (headers: Record<string, string>) =>
      this.#session.transport.send({ method: "DELETE", url, headers, signal: options.signal });
    const { status, headers } = await this.#authorized(url, options.signal, request);
    if (status !== 200 && status !== 404) throw this.#refusal("DELETE", url, status, headers, "");
    return status === 200;
  }

  /**
   * Fetches a file into `targetPath`, which holds either the whole verified file or what was there before. Files of
   * other http hosts are fetched without a token.
   *
   * @throws UploadError `UPLOAD_FAILED` when size or digest are not the expected ones; ApiError when the server said no;
   * ConnectionError when the answer broke off; ConfigError when the session's transport cannot stream; the signal's reason.
   */
  async download(url: string, targetPath: string, options: FileDownloadOptions = {}): Promise<DownloadedFile> {
    const { transport } = this.#session;
    const stream = transport.stream?.bind(transport);
    if (!stream) {
      const message = "cannot stream answers: give one with a `stream` method, or none";
      throw new ConfigError(`The transport of this ClearML session ${message}.`, [{ path: "clearml.transport", message }]);
    }
    const answer = await this.#authorized(url, options.signal, async (headers) => {
      const opened = await stream({ method: "GET", url, headers, signal: options.signal });
      if (opened.status !== 200) opened.body.destroy();
      return opened;
    });
    if (answer.status !== 200) throw this.#refusal("GET", url, answer.status, answer.headers, "");

    const hash = createHash("sha256");
    let receivedBytes = 0;
    const measured = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        receivedBytes += chunk.byteLength;
        hash.update(chunk);
        options.onProgress?.(receivedBytes);
        done(null, chunk);
      },
    });
    const partial = `${targetPath}.${newId().slice(0, 8)}.partial`;
    try {
      await pipeline(answer.body, measured, createWriteStream(partial, { flags: "wx", flush: true }));
      const sha256 = hash.digest("hex");
      const expectedBytes = options.sizeBytes ?? lengthOf(answer.headers);
      if (expectedBytes !== undefined && expectedBytes !== receivedBytes)
        throw mismatch(url, `${String(expectedBytes)} bytes`, String(receivedBytes), true);
      if (options.sha256 !== undefined && options.sha256.toLowerCase() !== sha256)
        throw mismatch(url, `SHA-256 ${options.sha256}`, sha256, false);
      await rename(partial, targetPath);
      return { path: targetPath, sizeBytes: receivedBytes, sha256 };
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  async #post(objectPath: string, source: UploadSource, options: FileUploadOptions, token: string): ReturnType<SessionTransport["send"]> {
    const { sizeBytes, onProgress, signal } = options;
    const fileName = objectPath.slice(objectPath.lastIndexOf("/") + 1);
    const form = await multipartBody(source, {
      field: objectPath,
      fileName,
      contentType: options.contentType ?? DEFAULT_CONTENT_TYPE,
      sizeBytes,
      onProgress,
    });
    try {
      return await this.#session.transport.send({
        method: "POST",
        url: `${this.#host()}/`,
        headers: { ...form.headers, authorization: `Bearer ${token}` },
        body: form.body,
        timeoutMs: options.timeoutMs ?? Math.max(MIN_UPLOAD_TIMEOUT_MS, Math.ceil(sizeBytes / SLOWEST_BYTES_PER_MS)),
        signal,
      });
    } catch (error) {
      // A source that cannot be read ends the request, which then looks like a broken connection.
      throw form.sourceError() ?? error;
    } finally {
      form.dispose();
    }
  }

  /** Sends with the token where the address is this server's, and once more under a new one when it is refused. */
  async #authorized<Answer extends { readonly status: number }>(
    url: string,
    signal: AbortSignal | undefined,
    send: (headers: Record<string, string>) => Promise<Answer>,
  ): Promise<Answer> {
    if (!url.startsWith(`${this.#host()}/`)) return send({});
    const token = await this.#session.token(signal);
    const answer = await send({ authorization: `Bearer ${token}` });
    if (answer.status !== 401) return answer;
    return send({ authorization: `Bearer ${await this.#session.token(signal, token)}` });
  }

  #host(): string {
    const { filesHost } = this.#session;
    if (filesHost !== undefined) return filesHost;
    throw new ConfigError("ClearML's file server is not known: it cannot be derived from the API's address. Set CLEARML_FILES_HOST.", [
      { path: "CLEARML_FILES_HOST", message: "is missing" },
    ]);
  }

  #refusal(method: string, url: string, status: number, headers: Readonly<Record<string, string>>, body: string): ApiError {
    const retryAfterMs = parseRetryAfter(headers["retry-after"], this.#clock.now());
    const advice =
      status === 401
        ? " Check the ClearML credentials."
        : status === 413
          ? " The file is too large for the server or a proxy before it."
          : "";
    return new ApiError(`The file server answered ${method} ${publicUrl(url)} with ${String(status)}.${advice}`, {
      service: "fileserver",
      method,
      url: publicUrl(url),
      status,
      retryable: isRetryableStatus(status),
      bodyExcerpt: body.slice(0, 500),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}

/** The server's list of what it stored: JSON, though it is called HTML. */
function storedPaths(body: string): readonly string[] | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return Array.isArray(json) ? json.filter((path): path is string => typeof path === "string") : undefined;
  } catch {
    return undefined;
  }
}

function lengthOf(headers: Readonly<Record<string, string>>): number | undefined {
  const text = headers["content-length"];
  // A compressed answer's length is not the file's.
  return text !== undefined && /^\d+$/.test(text) && headers["content-encoding"] === undefined ? Number(text) : undefined;
}

/** A whole file of another content stays what it is; a short one may have been cut off on its way. */
function mismatch(url: string, expected: string, found: string, retryable: boolean): UploadError {
  return new UploadError(
    `What came from ${publicUrl(url)} is not what was expected: ${expected}, found ${found}. Fetch it again; if it stays so, the stored file is damaged.`,
    { retryable },
  );
}
