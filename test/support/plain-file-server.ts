/** A file server of the simplest kind, and a client for it: enough to be behind the port, over real sockets. */
import { request as httpRequest } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ApiError, ConnectionError } from "../../src/base/errors.js";
import { readBytes, type WireHandler } from "../../src/protocol/handler.js";
import type { FileServerPort } from "../../src/storage/fileserver-object-store.js";

/** PUT stores a whole body, HEAD tells its length. */
export function plainFileServer(files: Map<string, Buffer>): WireHandler {
  return async (request) => {
    const path = decodeURIComponent(request.url.pathname.slice(1));
    if (request.method === "HEAD") {
      const file = files.get(path);
      return file ? { status: 200, headers: { "content-length": String(file.length) } } : { status: 404 };
    }
    let body: Uint8Array;
    try {
      body = await readBytes(request.body);
    } catch {
      return { status: 400, destroy: true };
    }
    files.set(path, Buffer.from(body));
    return { status: 200, body: "[]" };
  };
}

export function plainFileServerClient(url: string): FileServerPort {
  const urlOf = (path: string): string => `${url}/${path.split("/").map(encodeURIComponent).join("/")}`;
  return {
    urlOf: (path) => decodeURIComponent(urlOf(path)),
    async upload(path, content, { signal }) {
      const { status } = await send("PUT", urlOf(path), signal, content);
      if (status !== 200)
        throw new ApiError(`the file server answered ${String(status)}`, {
          service: "fileserver",
          method: "PUT",
          url,
          status,
          retryable: status >= 500,
        });
    },
    async head(path, { signal }) {
      const { status, length } = await send("HEAD", urlOf(path), signal);
      return status === 404 ? undefined : { sizeBytes: length };
    },
  };
}

async function send(
  method: string,
  url: string,
  signal: AbortSignal,
  content?: { readonly open: () => Readable; readonly sizeBytes: number; readonly contentType: string },
): Promise<{ status: number; length: number | undefined }> {
  const headers = content ? { "content-length": String(content.sizeBytes), "content-type": content.contentType } : {};
  const request = httpRequest(url, { method, headers, signal });
  try {
    const answered = new Promise<{ status: number; length: number | undefined }>((resolve, reject) => {
      request.once("response", (response) => {
        response.resume();
        const length = response.headers["content-length"];
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, length: length === undefined ? undefined : Number(length) }),
        );
      });
      request.once("error", reject);
    });
    const sent = content ? pipeline(content.open(), request) : Promise.resolve(request.end());
    const [answer] = await Promise.all([answered, sent]);
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    throw new ConnectionError(`no answer to ${method} ${url}`, { code: "CONNECTION_FAILED", ambiguous: true, cause: error });
  }
}
