/** The S3 double on a real socket, with a switch in front: pass on, hang, or whatever a test puts there. */
import type { WireHandler } from "../../src/protocol/handler.js";
import { createS3Double, type S3Double, type S3DoubleOptions } from "../../src/testing/s3.js";
import { serveWire, type WireServer } from "./wire-server.js";

export interface S3Server extends AsyncDisposable {
  readonly s3: S3Double;
  readonly server: WireServer;
  /** Stands in front of the double from now on; `pass` is the double itself. */
  intercept(handler: (pass: WireHandler, ...request: Parameters<WireHandler>) => ReturnType<WireHandler>): void;
}

export async function startS3(options: Partial<S3DoubleOptions> = {}): Promise<S3Server> {
  const s3 = createS3Double({ buckets: ["models"], ...options });
  let inFront: Parameters<S3Server["intercept"]>[0] = (pass, request) => pass(request);
  const server = await serveWire((request) => inFront(s3.handler, request));
  return {
    s3,
    server,
    intercept: (handler) => {
      inFront = handler;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Environment with keys for a compatible store. */
export const S3_ENV = { AWS_ACCESS_KEY_ID: "test-key", AWS_SECRET_ACCESS_KEY: "test-secret" };

/** A handler that never answers, and a promise for the first request that reached it. */
export function hanging(): { readonly handler: () => Promise<never>; readonly reached: Promise<undefined> } {
  const { promise: reached, resolve } = Promise.withResolvers<undefined>();
  return {
    handler: () => {
      resolve(undefined);
      return new Promise<never>(() => undefined);
    },
    reached,
  };
}
