/**
 * Records that are in memory alone: not written yet, or never because there is no disk. Memory has a limit; past it the
 * least dear go first, console lines before scalars, the oldest of each before the newer. What has no class never goes.
 */
import type { ShedClass } from "../records/record.js";
import type { Kept, StoredRecord } from "./journal.js";

/** In the order in which they are given up. */
export const SHED_ORDER: readonly ShedClass[] = ["console", "scalar"];

/** What may be kept in memory for want of a disk. */
export const DEFAULT_MAX_MEMORY_BYTES = 64 * 1024 * 1024;

/** After a limit was passed, room is made down to this part of it, so that it is not passed again at once. */
export const SHED_TARGET = 0.9;

export interface Held {
  readonly stored: StoredRecord;
  readonly json: string;
  /** True: sinks may have it; the disk refused it. False: on its way to the disk. */
  committed: boolean;
  /** Tells the caller of the verb. */
  readonly done: (kept: Kept) => void;
}

export class HeldRecords {
  readonly #records = new Map<number, Held>();
  #bytes = 0;

  /** Of the records' JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#records.size;
  }

  add(held: Held): void {
    const { sequence } = held.stored.record;
    this.#bytes += held.stored.bytes - (this.#records.get(sequence)?.stored.bytes ?? 0);
    this.#records.set(sequence, held);
  }

  get(sequence: number): Held | undefined {
    return this.#records.get(sequence);
  }

  delete(sequence: number): void {
    const held = this.#records.get(sequence);
    if (held && this.#records.delete(sequence)) this.#bytes -= held.stored.bytes;
  }

  /** In the order of arrival. */
  values(): Iterable<Held> {
    return this.#records.values();
  }

  /** Drops the records of these ranges that `isNeeded` denies. */
  release(ranges: Iterable<readonly [from: number, to: number]>, isNeeded: (sequence: number) => boolean): void {
    if (this.#records.size === 0) return;
    for (const [from, to] of ranges) {
      if (to - from < this.#records.size) {
        for (let sequence = from; sequence <= to; sequence++)
          if (this.get(sequence)?.committed === true && !isNeeded(sequence)) this.delete(sequence);
      } else {
        for (const [sequence, { committed }] of this.#records)
          if (committed && from <= sequence && sequence <= to && !isNeeded(sequence)) this.delete(sequence);
      }
    }
  }

  /** Takes out what must go so that the rest fits, and answers it. Nothing while the limit is not passed. */
  shedOver(maxBytes: number): Held[] {
    const shed: Held[] = [];
    if (this.#bytes <= maxBytes) return shed;
    for (const shedClass of SHED_ORDER) {
      for (const [sequence, held] of this.#records) {
        if (this.#bytes <= maxBytes * SHED_TARGET) return shed;
        if (held.stored.record.traits.shed !== shedClass) continue;
        this.delete(sequence);
        shed.push(held);
      }
    }
    return shed;
  }
}
