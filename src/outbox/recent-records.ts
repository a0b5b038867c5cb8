/** The newest records, so that a lane which keeps up never reads the disk. Bounded by bytes; the oldest go first. */
import type { StoredRecord } from "./journal.js";

/** Of the records' JSON. */
export const RECENT_BYTES = 4 * 1024 * 1024;
/** Places of records that have gone are reclaimed by the thousand. */
const RECLAIM_EVERY = 1024;

export class RecentRecords {
  readonly #records = new Map<number, StoredRecord>();
  // A queue of its own: the oldest key of a Map with many deletions is slow to find.
  readonly #order: StoredRecord[] = [];
  #oldest = 0;
  #bytes = 0;

  get(sequence: number): StoredRecord | undefined {
    return this.#records.get(sequence);
  }

  add(stored: StoredRecord): void {
    this.#records.set(stored.record.sequence, stored);
    this.#order.push(stored);
    this.#bytes += stored.bytes;
    while (this.#bytes > RECENT_BYTES) this.#drop();
  }

  #drop(): void {
    const oldest = this.#order[this.#oldest++];
    if (!oldest) return;
    const { sequence } = oldest.record;
    // The same number again means that a dead letter was put back; the newer entry stays.
    if (this.#records.get(sequence) === oldest) this.#records.delete(sequence);
    this.#bytes -= oldest.bytes;
    if (this.#oldest >= RECLAIM_EVERY && this.#oldest * 2 > this.#order.length) {
      this.#order.splice(0, this.#oldest);
      this.#oldest = 0;
    }
  }
}
