/** The store that forgets everything at close: the default of the embedded server, and what tests use. */
import { MemoryEvents } from "./memory-events.js";
import type { CallbackTable, Collection, ReceivedCallback, Store } from "./store.js";

class MemoryCollection<D extends { readonly id: string }> implements Collection<D> {
  readonly #documents = new Map<string, D>();

  get(id: string): D | undefined {
    return this.#documents.get(id);
  }

  put(document: D): void {
    this.#documents.set(document.id, document);
  }

  delete(id: string): boolean {
    return this.#documents.delete(id);
  }

  values(): Iterable<D> {
    return this.#documents.values();
  }
}

class MemoryCallbacks implements CallbackTable {
  readonly #callbacks: ReceivedCallback[] = [];

  add(callback: Omit<ReceivedCallback, "sequence">): ReceivedCallback {
    const received = { ...callback, sequence: this.#callbacks.length + 1 };
    this.#callbacks.push(received);
    return received;
  }

  list(filter: { readonly jobId?: string | undefined } = {}): ReceivedCallback[] {
    return this.#callbacks.filter((callback) => filter.jobId === undefined || callback.job_id === filter.jobId);
  }
}

/** An empty store in memory. */
export function createMemoryStore(): Store {
  const settings = new Map<string, string>();
  return {
    tasks: new MemoryCollection(),
    models: new MemoryCollection(),
    projects: new MemoryCollection(),
    queues: new MemoryCollection(),
    events: new MemoryEvents(),
    callbacks: new MemoryCallbacks(),
    settings: {
      get: (name) => settings.get(name),
      set(name, value) {
        settings.set(name, value);
      },
    },
    transaction: (work) => work(),
    close() {
      /* nothing is held open */
    },
  };
}
