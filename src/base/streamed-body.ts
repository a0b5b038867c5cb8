/** The body of an answer as a stream that cannot hang: a limit runs whenever its reader waits, and only then. */
import { Readable } from "node:stream";
import { connectionFailure, type FailedRequest } from "./connection-failure.js";

/** A time limit that can be stopped and started again. */
export interface TimeLimit {
  /** Aborts when a limit expires, or by {@link TimeLimit.abandon}. */
  readonly signal: AbortSignal;
  /** The limit that expired, if one did. */
  readonly expiredAfterMs: number | undefined;
  start(ms: number): void;
  stop(): void;
  /** Stops, and ends whatever hangs on the signal: nobody wants the rest. */
  abandon(): void;
}

/** A limit that is not running yet. Its timer does not keep the process alive. */
export function timeLimit(): TimeLimit {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let expiredAfterMs: number | undefined;
  return {
    signal: controller.signal,
    get expiredAfterMs() {
      return expiredAfterMs;
    },
    start(ms) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        expiredAfterMs = ms;
        controller.abort();
      }, ms);
      timer.unref();
    },
    stop: () => clearTimeout(timer),
    abandon() {
      clearTimeout(timer);
      controller.abort();
    },
  };
}

/** `body` as a stream of bytes whose failures are told as every other failure to get an answer. */
export function streamedBody(request: FailedRequest, body: AsyncIterable<Uint8Array>, limit: TimeLimit, idleMs: number): Readable {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      limit.start(idleMs);
      for await (const piece of body) {
        // The reader's own time, writing to a slow disk for instance, is not the server's silence.
        limit.stop();
        yield piece;
        limit.start(idleMs);
      }
    } catch (error) {
      throw connectionFailure(request, error, limit.expiredAfterMs);
    } finally {
      limit.stop();
    }
  }
  const stream = Readable.from(pieces(), { objectMode: false });
  // Destroyed while it waits for the next piece: the generator cannot be told before that piece comes, so the source is.
  stream.once("close", () => limit.abandon());
  return stream;
}
