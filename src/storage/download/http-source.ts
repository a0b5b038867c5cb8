/**
 * One file behind an http address: a presigned URL, a public file, or one on ClearML's file server. Redirects are followed,
 * but what proves who we are goes to the first host alone.
 */
import { Readable } from "node:stream";
import { DownloadError } from "../../base/errors.js";
import { publicUrl, type HttpStreamResponse, type StreamingHttpTransport } from "../../base/http.js";
import type { FileSource, OpenAnswer, SourceFile } from "./file-source.js";

const MAX_REDIRECTS = 5;

export interface HttpSourceOptions {
  readonly transport: Pick<StreamingHttpTransport, "stream">;
  /** Headers that prove who we are, for hosts that are ours. `refused`: those of before were answered with 401. */
  readonly authorize?:
    ((url: string, refused: boolean, signal: AbortSignal) => Promise<Readonly<Record<string, string>> | undefined>) | undefined;
}

/** The source of one file. Opens nothing. */
export function httpSource(url: string, options: HttpSourceOptions): FileSource {
  const uri = publicUrl(url);
  const open = (start: number, version: string | undefined, signal: AbortSignal): Promise<OpenAnswer> =>
    openAt(url, options, { start, version }, signal);
  return {
    uri,
    list: async (signal): Promise<readonly SourceFile[]> => {
      // Not HEAD: a URL that was signed for GET refuses it.
      const answer = await request(url, { range: "bytes=0-0" }, options, signal);
      answer.body.on("error", () => undefined).destroy();
      const isEmpty = answer.status === 416 && /\/0$/.test(answer.headers["content-range"] ?? "");
      if (answer.status === 404 || answer.status === 410) throw refusal(uri, answer.status);
      if (answer.status !== 200 && answer.status !== 206 && !isEmpty) throw refusal(uri, answer.status);
      return [{ uri, name: lastSegment(url), sizeBytes: isEmpty ? 0 : sizeOf(answer), version: versionOf(answer), open }];
    },
  };
}

async function openAt(
  url: string,
  options: HttpSourceOptions,
  { start, version }: { readonly start: number; readonly version: string | undefined },
  signal: AbortSignal,
): Promise<OpenAnswer> {
  const isStrong = version?.startsWith('"') === true;
  const headers = { ...(start > 0 ? { range: `bytes=${String(start)}-` } : {}), ...(isStrong ? { "if-match": version } : {}) };
  const answer = await request(url, headers, options, signal);
  const { status, body } = answer;
  if (status === 200 || status === 206) {
    // A server that knows no conditions answers all the same: what it sends says which state it is of.
    if (version !== undefined && versionOf(answer) !== version) return drop(body, "changed");
    return {
      start: status === 206 ? startOf(answer) : 0,
      sizeBytes: sizeOf(answer),
      version: versionOf(answer),
      ...digestsOf(answer),
      body,
    };
  }
  drop(body, undefined);
  if (status === 412 || status === 416) return status === 416 && start === 0 ? { ...EMPTY, version, body: Readable.from([]) } : "changed";
  if (status === 404 || status === 410) return "gone";
  throw refusal(publicUrl(url), status);
}

const EMPTY = { start: 0, sizeBytes: 0 };

async function request(
  url: string,
  headers: Readonly<Record<string, string>>,
  { transport, authorize }: HttpSourceOptions,
  signal: AbortSignal,
): Promise<HttpStreamResponse> {
  const send = (to: string, proof: Readonly<Record<string, string>> = {}): Promise<HttpStreamResponse> =>
    // A compressed answer would have another length and other ranges than the file.
    transport.stream({ method: "GET", url: to, headers: { "accept-encoding": "identity", ...headers, ...proof }, signal });
  let answer = await send(url, await authorize?.(url, false, signal));
  if (answer.status === 401 && authorize) {
    const proof = await authorize(url, true, signal);
    if (proof) {
      drop(answer.body, undefined);
      answer = await send(url, proof);
    }
  }
  let from = url;
  for (let redirects = 0; [301, 302, 303, 307, 308].includes(answer.status); redirects++) {
    const location = answer.headers["location"];
    drop(answer.body, undefined);
    if (location === undefined || redirects === MAX_REDIRECTS || !URL.canParse(location, from))
      throw refusal(publicUrl(url), answer.status);
    from = new URL(location, from).href;
    if (!/^https?:/.test(from)) throw refusal(publicUrl(url), answer.status);
    answer = await send(from);
  }
  return answer;
}

function refusal(uri: string, status: number): DownloadError {
  const advice =
    status === 401 || status === 403
      ? "A signed URL may have expired: get a new one, and what is here already is gone on with. Else check the rights."
      : status === 404 || status === 410
        ? "There is no such file (any more); check the address."
        : "Check the address and the server.";
  const passes = status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
  return new DownloadError(`${uri} was answered with ${String(status)}. ${advice}`, {
    ...(passes ? { code: "STORAGE_UNAVAILABLE" as const } : {}),
    uri,
    retryable: passes,
  });
}

function drop<Answer>(body: Readable, answer: Answer): Answer {
  body.on("error", () => undefined).destroy();
  return answer;
}

function versionOf({ headers }: HttpStreamResponse): string | undefined {
  return headers["etag"] ?? headers["last-modified"];
}

function sizeOf({ status, headers }: HttpStreamResponse): number | undefined {
  const text = status === 206 ? /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1] : headers["content-length"];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

function startOf({ headers }: HttpStreamResponse): number {
  return Number(/^bytes (\d+)-/.exec(headers["content-range"] ?? "")?.[1] ?? 0);
}

/** S3 behind a presigned URL tells the same as by its own client. */
function digestsOf({ headers }: HttpStreamResponse): { readonly sha256?: string; readonly md5?: string } {
  const sha256 = headers["x-amz-meta-sha256"];
  const isS3 = headers["x-amz-request-id"] !== undefined;
  const md5 = isS3 ? plainMd5(headers["etag"], headers["x-amz-server-side-encryption"]) : undefined;
  return { ...(sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}), ...(md5 === undefined ? {} : { md5 }) };
}

/** The MD5 in an S3 ETag: that of an object which was sent in one piece and is not encrypted with a key of its own. */
export function plainMd5(etag: string | undefined, encryption: string | undefined): string | undefined {
  if (encryption !== undefined && encryption !== "AES256") return undefined;
  return /^"?([0-9a-f]{32})"?$/.exec(etag ?? "")?.[1];
}

function lastSegment(url: string): string {
  const segment = new URL(url).pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
