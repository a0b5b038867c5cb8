/**
 * News from the server: server-sent events at `/live`, and while those fail, a poll that says "anything may have
 * changed". It tells *that* something changed; what changed is read through the API, so a lost event costs nothing.
 */

/** What a change is about. `any` after a reconnect and while polling. */
type ChangeKind = "scalar" | "plot" | "image" | "log" | "task" | "model" | "project" | "callback" | "any";

/** One piece of news. `task` is absent when it concerns no single task. */
export interface Change {
  readonly kind: ChangeKind;
  readonly task: string | undefined;
}

/**
 * `live`: events arrive. `polling`: the server answers, its event stream does not. `gone`: it does not answer.
 * `connecting`: not known yet.
 */
export type FeedState = "connecting" | "live" | "polling" | "gone";

const POLL_MS = 2000;

/** The page's one connection for news. Starts with {@link LiveFeed.open}, ends with {@link LiveFeed.close}. */
export class LiveFeed {
  readonly #changeListeners = new Set<(change: Change) => void>();
  readonly #stateListeners = new Set<(state: FeedState) => void>();
  #state: FeedState = "connecting";
  #source: EventSource | undefined;
  #pollTimer: ReturnType<typeof setTimeout> | undefined;
  /** Events sent while there was no stream are lost, so the next opening counts as a change of everything. */
  #missedEvents = false;

  get state(): FeedState {
    return this.#state;
  }

  /** Calls `listener` for every change; the returned function ends that. */
  onChange(listener: (change: Change) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Calls `listener` whenever the state changes; the returned function ends that. */
  onState(listener: (state: FeedState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Connects, and goes on reconnecting until closed. */
  open(): void {
    if (this.#source) return;
    const source = new EventSource("/live");
    this.#source = source;
    source.addEventListener("open", () => {
      clearTimeout(this.#pollTimer);
      this.#setState("live");
      if (this.#missedEvents) this.#emit({ kind: "any", task: undefined });
      this.#missedEvents = false;
    });
    source.addEventListener("change", (event: MessageEvent<string>) => {
      this.#emit(parseChange(event.data));
    });
    source.addEventListener("error", () => {
      this.#missedEvents = true;
      this.#schedulePoll(0);
    });
  }

  /** Ends the connection and every timer. */
  close(): void {
    clearTimeout(this.#pollTimer);
    this.#source?.close();
    this.#source = undefined;
  }

  #schedulePoll(delayMs: number): void {
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => void this.#poll(), delayMs);
  }

  async #poll(): Promise<void> {
    const alive = await fetch("/api/debug.ping", { method: "POST" }).then(
      (response) => response.ok,
      () => false,
    );
    if (!this.#source || this.#source.readyState === EventSource.OPEN) return;
    this.#setState(alive ? "polling" : "gone");
    if (alive) this.#emit({ kind: "any", task: undefined });
    // The browser gives up for good after an answer that is no event stream; only a new source tries again.
    if (this.#source.readyState === EventSource.CLOSED) {
      this.#source.close();
      this.#source = undefined;
      this.open();
    }
    this.#schedulePoll(POLL_MS);
  }

  #setState(state: FeedState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
  }

  #emit(change: Change): void {
    for (const listener of this.#changeListeners) listener(change);
  }
}

function parseChange(data: string): Change {
  try {
    const parsed = JSON.parse(data) as { kind?: unknown; task?: unknown };
    const kinds: readonly unknown[] = ["scalar", "plot", "image", "log", "task", "model", "project", "callback"];
    return {
      kind: kinds.includes(parsed.kind) ? (parsed.kind as ChangeKind) : "any",
      task: typeof parsed.task === "string" ? parsed.task : undefined,
    };
  } catch {
    return { kind: "any", task: undefined };
  }
}
