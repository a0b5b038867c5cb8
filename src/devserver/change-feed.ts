/**
 * Tells those who watch what changed, as server-sent events. A burst of changes of one kind at one task becomes at most
 * four events a second: the reader fetches what it shows, the event only says when.
 */
import type { Clock } from "../base/clock.js";
import type { WireResponse } from "../protocol/handler.js";
import type { ChangeKind } from "./api/call.js";

/** Two events for the same thing are at least this far apart. */
const QUIET_MS = 250;
/** A comment goes out this often, so that proxies and readers know the stream lives. */
const HEARTBEAT_MS = 15_000;

type Listener = (chunk: string) => void;

/** Changes of one server. */
export class ChangeFeed {
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  /** What was told within the quiet time; true when there was more to tell since. */
  readonly #recent = new Map<string, boolean>();
  readonly #closing = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A change happened. Costs nothing while nobody watches. */
  changed(id: string, kind: ChangeKind): void {
    if (this.#listeners.size === 0) return;
    const key = `${kind} ${id}`;
    if (this.#recent.has(key)) {
      this.#recent.set(key, true);
      return;
    }
    this.#tell(id, kind);
    this.#recent.set(key, false);
    void this.#quiet(key, id, kind);
  }

  /** The stream, as the answer to a request. It ends when the reader goes or the feed is closed. */
  stream(): WireResponse {
    return {
      status: 200,
      headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
      body: this.#events(),
    };
  }

  /** Ends all streams. */
  close(): void {
    this.#closing.abort();
  }

  async #quiet(key: string, id: string, kind: ChangeKind): Promise<void> {
    try {
      for (;;) {
        await this.#clock.sleep(QUIET_MS, { signal: this.#closing.signal });
        if (this.#recent.get(key) !== true) break;
        this.#recent.set(key, false);
        this.#tell(id, kind);
      }
    } catch {
      // Closed: nobody is left to be told.
    }
    this.#recent.delete(key);
  }

  #tell(id: string, kind: ChangeKind): void {
    const chunk = `event: change\ndata: ${JSON.stringify({ task: id, kind })}\n\n`;
    for (const listener of this.#listeners) listener(chunk);
  }

  async *#events(): AsyncGenerator<Uint8Array> {
    const waiting: string[] = ["retry: 1000\n: connected\n\n"];
    let wake = Promise.withResolvers<void>();
    const add = (chunk: string): void => {
      waiting.push(chunk);
      wake.resolve();
    };
    const { signal } = this.#closing;
    const stop = new AbortController();
    const onClose = (): void => wake.resolve();
    signal.addEventListener("abort", onClose, { once: true });
    this.#listeners.add(add);
    void this.#heartbeat(add, AbortSignal.any([signal, stop.signal]));
    try {
      while (!signal.aborted) {
        const chunks = waiting.splice(0);
        for (const chunk of chunks) yield Buffer.from(chunk);
        if (waiting.length > 0 || this.#closing.signal.aborted) continue;
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    } finally {
      stop.abort();
      signal.removeEventListener("abort", onClose);
      this.#listeners.delete(add);
    }
  }

  async #heartbeat(add: Listener, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#clock.sleep(HEARTBEAT_MS, { signal });
        add(": alive\n\n");
      }
    } catch {
      // The stream ended.
    }
  }
}
