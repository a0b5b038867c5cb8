/** The body of an answer as a stream that cannot hang: a limit runs whenever its reader waits, and only then. */
import { Readable } from "node:stream";
import { MAX_TIMER_MS } from "./clock.js";
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
      timer = setTimeout(
        () => {
          expiredAfterMs = ms;
          controller.abort();
        },
        // A longer one would expire at once.
        Math.min(ms, MAX_TIMER_MS),
      );
      timer.unref();
    },
    stop: () => clearTimeout(timer),
    abandon() {
      clearTimeout(timer);
      controller.abort();
    },
  };
}

/**
 * `body` as a stream of bytes whose failures are told as every other failure to get an answer. Not `Readable.from`: that
 * one, destroyed while it waits, first waits for the very piece that nobody wants any more.
 */
export function streamedBody(request: FailedRequest, body: AsyncIterable<Uint8Array>, limit: TimeLimit, idleMs: number): Readable {
  const pieces = body[Symbol.asyncIterator]();
  const pull = async (stream: Readable): Promise<void> => {
    try {
      // Only the server's silence counts: while the reader is busy, with a slow disk for instance, nobody pulls.
      limit.start(idleMs);
      let next = await pieces.next();
      while (next.done !== true && next.value.byteLength === 0) next = await pieces.next();
      limit.stop();
      stream.push(next.done === true ? null : next.value);
    } catch (error) {
      limit.stop();
      stream.destroy(connectionFailure(request, error, limit.expiredAfterMs) as Error);
    }
  };
  return new Readable({
    read() {
      void pull(this);
    },
    destroy(error, done) {
      limit.abandon();
      const end = (): void => {
        done(error);
      };
      Promise.resolve(pieces.return?.()).then(end, end);
    },
  });
}
