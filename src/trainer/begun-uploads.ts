/**
 * Which objects have an upload begun for them, and for whose sake: written down before the first byte goes, so that no
 * process's end leaves parts in a store that nobody knows of.
 */
import type { JsonValue } from "../base/json.js";
import type { SinkMemory } from "../outbox/sink.js";
import type { UploadMemory } from "../storage/object-store.js";

const LIST = "begun";

/** Over the outbox's memory for uploads. */
export class BegunUploads {
  readonly #memory: SinkMemory;
  readonly #begun: Map<string, number>;

  constructor(memory: SinkMemory) {
    this.#memory = memory;
    const kept = memory.get(LIST);
    const entries = kept !== null && typeof kept === "object" && !Array.isArray(kept) ? Object.entries(kept) : [];
    this.#begun = new Map(entries.filter((entry): entry is [string, number] => typeof entry[1] === "number"));
  }

  /** Keys whose record is not among those that `isWaiting` knows. */
  abandoned(isWaiting: (sequence: number) => boolean): string[] {
    return [...this.#begun].filter(([, sequence]) => !isWaiting(sequence)).map(([key]) => key);
  }

  /** The store's memory of one key, for a record's sake. */
  of(key: string, sequence: number | undefined): UploadMemory {
    return {
      load: (page) => this.#memory.get(pageKey(key, page)),
      save: async (page, value) => {
        if (value !== null && sequence !== undefined && this.#begun.get(key) !== sequence) {
          this.#begun.set(key, sequence);
          await this.#write();
        }
        await this.#memory.set(pageKey(key, page), value);
      },
    };
  }

  /** Completed, or taken back. */
  async end(key: string): Promise<void> {
    if (this.#begun.delete(key)) await this.#write();
  }

  #write(): Promise<void> {
    const list: JsonValue = this.#begun.size === 0 ? null : Object.fromEntries(this.#begun);
    return this.#memory.set(LIST, list);
  }
}

function pageKey(key: string, page: string): string {
  return `multipart:${key}:${page}`;
}
