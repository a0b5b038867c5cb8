/**
 * Keeps the folder small. A file whose records are settled everywhere goes; files with a few stragglers are merged; past
 * the limit, records that may be given up go, the least dear first and the oldest of those first. It only ever touches
 * files that are written no more, and at every step a crash leaves doubles, never a hole.
 */
import { describeError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { ShedClass, TrainerRecord } from "../records/record.js";
import { SHED_ORDER, SHED_TARGET } from "./held-records.js";
import { parseOutline, parseRecord } from "./journal-entry.js";
import type { Disk } from "./disk.js";
import type { Ledger } from "./ledger.js";
import { scanFile } from "./replay.js";
import type { Segment } from "./segment.js";
import type { SegmentStore } from "./segment-store.js";

/** A file is sparse when less than this part of its records is needed. */
const SPARSE_RATIO = 0.25;
/** A file shorter than this part of a full one is merged with its neighbours. */
const SMALL_RATIO = 1 / 8;

export interface CompactorOptions {
  readonly disk: Disk;
  readonly store: SegmentStore;
  readonly ledger: Ledger;
  readonly runId: string;
  readonly logger: Logger;
  readonly segmentBytes: number;
  readonly maxJournalBytes: number;
  /** Settles these records everywhere: they are about to be removed. */
  readonly giveUp: (records: readonly TrainerRecord[]) => void;
}

export class Compactor {
  readonly #options: CompactorOptions;
  #stopped = false;
  #running: Promise<void> | undefined;
  // After a pass that could not make room: no other before the journal has grown by a file.
  #shedAgainAtBytes = 0;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** True when the limit is passed and something can be done about it. */
  get isPressed(): boolean {
    const { bytes } = this.#options.store;
    return bytes > this.#options.maxJournalBytes && bytes >= this.#shedAgainAtBytes;
  }

  /** Makes a pass, or waits for the one that is under way. Never rejects: what fails is tried again by a later pass. */
  run(): Promise<void> {
    this.#running ??= this.#passes()
      .catch((error: unknown) => {
        this.#options.logger.debug("Compaction of the journal was given up for now.", { reason: describeError(error) });
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Ends the pass that is under way at its next step; resolves when nothing of it touches the disk any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #passes(): Promise<void> {
    do {
      await this.#dropSettled();
      await this.#mergeSparse();
      if (this.isPressed) await this.#shed();
      // What came meanwhile may have passed the limit again, and nobody might say so for a while.
    } while (this.isPressed && !this.#stopped);
  }

  async #dropSettled(): Promise<void> {
    const { store, ledger } = this.#options;
    for (const segment of store.closedSegments) {
      if (this.#stopped) return;
      if (ledger.neededOf(segment.sequences).size > 0) continue;
      await store.remove(segment);
      ledger.forget(segment.sequences.ranges());
    }
  }

  async #mergeSparse(): Promise<void> {
    const { segmentBytes, store, ledger } = this.#options;
    let group: Segment[] = [];
    let groupBytes = 0;
    const finish = async (): Promise<void> => {
      const [alone] = group;
      if (group.length > 1 || (alone && alone.bytes > segmentBytes * SMALL_RATIO)) await this.#rewrite(group);
      [group, groupBytes] = [[], 0];
    };
    for (const segment of store.closedSegments) {
      if (this.#stopped) return;
      const ratio = ledger.neededOf(segment.sequences).size / Math.max(1, segment.sequences.size);
      const isCandidate = ratio < SPARSE_RATIO || segment.bytes < segmentBytes * SMALL_RATIO;
      if (!isCandidate || groupBytes + segment.bytes * ratio > segmentBytes) await finish();
      if (!isCandidate) continue;
      group.push(segment);
      groupBytes += segment.bytes * ratio;
    }
    await finish();
  }

  async #shed(): Promise<void> {
    const { store, maxJournalBytes, segmentBytes, logger } = this.#options;
    const target = maxJournalBytes * SHED_TARGET;
    for (;;) {
      const excess = store.bytes - target;
      if (excess <= 0 || this.#stopped) return;
      const next = this.#leastDear();
      if (!next) break;
      await this.#chooseVictims(next.segment, next.shedClass, excess);
      await this.#rewrite([next.segment]);
    }
    if (store.bytes <= maxJournalBytes) return;
    this.#shedAgainAtBytes = store.bytes + segmentBytes;
    // The newest file is not touched: by so much the limit may be passed.
    if (store.bytes <= maxJournalBytes + 2 * segmentBytes) return;
    logger.warn("The journal is over its limit, and all that is left in it may not be given up. Free the sinks or raise maxJournalBytes.", {
      bytes: store.bytes,
      maxJournalBytes,
    });
  }

  /** Looked up anew each time: files have been ended while the last one was written anew. */
  #leastDear(): { readonly segment: Segment; readonly shedClass: ShedClass } | undefined {
    for (const shedClass of SHED_ORDER) {
      const segment = this.#options.store.closedSegments.find(({ sheddable }) => sheddable[shedClass] > 0);
      if (segment) return { segment, shedClass };
    }
    return undefined;
  }

  async #chooseVictims(segment: Segment, shedClass: ShedClass, excessBytes: number): Promise<void> {
    const { disk, ledger, runId, giveUp } = this.#options;
    let freed = 0;
    for await (const lines of scanFile(disk, segment.path)) {
      const victims: TrainerRecord[] = [];
      for (const { bytes, json } of lines) {
        const entry = json && parseOutline(json);
        if (!json || (entry?.k !== "r" && entry?.k !== "q")) continue;
        const isNeeded = ledger.isNeeded(entry.s);
        if (isNeeded && (entry.a.shed !== shedClass || freed >= excessBytes)) continue;
        freed += bytes.length;
        const record = isNeeded ? parseRecord(json, runId) : undefined;
        if (record) victims.push(record);
      }
      if (victims.length > 0) giveUp(victims);
    }
  }

  async #rewrite(group: readonly Segment[]): Promise<void> {
    const { store, ledger } = this.#options;
    const replacement = await store.rewrite(group, (sequence) => ledger.isNeeded(sequence));
    for (const segment of group) ledger.forget(segment.sequences.ranges());
    for (const [from, to] of replacement.sequences.ranges()) ledger.present.add(from, to);
  }
}
