/**
 * The delivery state: what every sink is still owed, which bytes still wait, whose budget runs, what sinks remember.
 * It is what the journal's entries add up to, and nothing else: replaying them and living through them give the same
 * ledger. No I/O, no clock.
 */
import type { JsonValue } from "../base/json.js";
import type { Attachment, RecordTraits } from "../records/record.js";
import type { AnchorRange, EntryOutline, SnapshotEntry } from "./journal-entry.js";
import { SequenceSet, type SequenceRange } from "./sequence-set.js";

/** Stands for the uploader where a sink's name is expected. */
export const UPLOAD = "upload";

interface Owed {
  pending: SequenceSet;
  anchors: AnchorRange[];
}

export class Ledger {
  /** Of the next record. Above every sequence that was ever kept here. */
  nextSequence = 1;
  /** Records that are in the store, settled or not. */
  readonly present = new SequenceSet();
  /** Attachments that are not stored yet, by their record's sequence. */
  readonly uploads = new Map<number, Attachment>();
  readonly #sinks = new Map<string, Owed>();
  readonly #memory = new Map<string, Map<string, JsonValue>>();
  #uploadAnchors: AnchorRange[] = [];

  /** Every sink that this journal has met, configured today or not. */
  get sinkNames(): string[] {
    return [...this.#sinks.keys()];
  }

  knows(sink: string): boolean {
    return this.#sinks.has(sink);
  }

  /** What a sink is still owed; changed by entries alone. */
  pending(sink: string): SequenceSet {
    return this.#sinks.get(sink)?.pending ?? new SequenceSet();
  }

  /** True while any sink is owed the record or its bytes wait; and before it is entered here, when that cannot be known yet. */
  isNeeded(sequence: number): boolean {
    if (sequence >= this.nextSequence || this.uploads.has(sequence)) return true;
    for (const { pending } of this.#sinks.values()) if (pending.has(sequence)) return true;
    return false;
  }

  /** Those of `sequences` that are needed. */
  neededOf(sequences: SequenceSet): SequenceSet {
    const needed = new SequenceSet();
    for (const { pending } of this.#sinks.values()) for (const [from, to] of pending.intersection(sequences).ranges()) needed.add(from, to);
    for (const sequence of this.uploads.keys()) if (sequences.has(sequence)) needed.add(sequence);
    // Lines are on the disk a moment before their records are entered here.
    for (const [from, to] of sequences.ranges()) if (to >= this.nextSequence) needed.add(Math.max(from, this.nextSequence), to);
    return needed;
  }

  /** Start of the budget of a record at a sink (or `upload`), if it runs. */
  anchorOf(sink: string, sequence: number): number | undefined {
    const anchors = sink === UPLOAD ? this.#uploadAnchors : (this.#sinks.get(sink)?.anchors ?? []);
    return anchors.find(([from, to]) => from <= sequence && sequence <= to)?.[2];
  }

  recall(owner: string, key: string): JsonValue | undefined {
    return this.#memory.get(owner)?.get(key);
  }

  /** The records of these ranges have left the store. */
  forget(ranges: readonly SequenceRange[]): void {
    for (const [from, to] of ranges) this.present.remove(from, to);
  }

  /** Takes an entry in, in the journal's order. Taking the same one in twice changes nothing. */
  apply(entry: EntryOutline): void {
    switch (entry.k) {
      case "h":
        return;
      case "r":
        this.addRecord(entry.s, entry.a);
        return;
      case "q":
        this.#requeue(entry.s, entry.a, entry.n);
        return;
      case "i":
        if (!this.#sinks.has(entry.n)) this.#sinks.set(entry.n, { pending: this.present.clone(), anchors: [] });
        return;
      case "s":
        this.#settle(this.#sinks.get(entry.n), entry.r);
        return;
      case "x":
        for (const owed of this.#sinks.values()) this.#settle(owed, entry.r);
        for (const [from, to] of entry.r)
          for (const sequence of this.uploads.keys()) if (from <= sequence && sequence <= to) this.#endUpload(sequence);
        return;
      case "u":
        this.#endUpload(entry.s);
        return;
      case "a":
        this.#anchor(entry.n, entry.r, entry.t);
        return;
      case "m":
        this.#remember(entry.n, entry.key, entry.v);
        return;
      case "z":
        this.#restore(entry);
        return;
    }
  }

  /** The whole state in one entry. */
  snapshot(runId: string): SnapshotEntry {
    return {
      k: "z",
      run: runId,
      next: this.nextSequence,
      sinks: Object.fromEntries([...this.#sinks].map(([name, { pending, anchors }]) => [name, { pending: pending.ranges(), anchors }])),
      uploads: [...this.uploads.keys()],
      uploadAnchors: this.#uploadAnchors,
      memory: Object.fromEntries([...this.#memory].map(([owner, values]) => [owner, Object.fromEntries(values)])),
    };
  }

  /** Every record up to this one has been entered here or given up before it was kept. */
  reach(sequence: number): void {
    if (sequence >= this.nextSequence) this.nextSequence = sequence + 1;
  }

  /** A record has come into the store; owed to every sink known. */
  addRecord(sequence: number, traits: RecordTraits): void {
    this.reach(sequence);
    if (this.present.add(sequence) === 0) return;
    for (const { pending } of this.#sinks.values()) pending.add(sequence);
    if (traits.attachment) this.uploads.set(sequence, traits.attachment);
  }

  #requeue(sequence: number, traits: RecordTraits, owedTo: readonly string[]): void {
    this.present.add(sequence);
    const everywhere = owedTo.includes(UPLOAD);
    for (const [name, owed] of this.#sinks) {
      if (!everywhere && !owedTo.includes(name)) continue;
      owed.pending.add(sequence);
      owed.anchors = owed.anchors.flatMap((anchor) => without(anchor, sequence));
    }
    if (everywhere && traits.attachment) this.uploads.set(sequence, traits.attachment);
  }

  #settle(owed: Owed | undefined, ranges: readonly SequenceRange[]): void {
    if (!owed) return;
    for (const [from, to] of ranges) owed.pending.remove(from, to);
    if (owed.anchors.length > 0) owed.anchors = owed.anchors.filter(([from, to]) => owed.pending.overlaps(from, to));
  }

  #endUpload(sequence: number): void {
    this.uploads.delete(sequence);
    if (this.#uploadAnchors.length > 0) this.#uploadAnchors = this.#uploadAnchors.filter(([from]) => from !== sequence);
  }

  #anchor(sink: string, ranges: readonly SequenceRange[], atMs: number): void {
    const anchors = ranges.map(([from, to]) => [from, to, atMs] as const);
    // The earlier anchor of a record comes first in the list, and the first one found counts.
    if (sink === UPLOAD) this.#uploadAnchors.push(...anchors);
    else this.#sinks.get(sink)?.anchors.push(...anchors);
  }

  #remember(owner: string, key: string, value: JsonValue): void {
    const values = this.#memory.get(owner) ?? new Map<string, JsonValue>();
    // What is forgotten must not stay in every snapshot for ever.
    if (value === null) values.delete(key);
    else values.set(key, value);
    if (values.size === 0) this.#memory.delete(owner);
    else this.#memory.set(owner, values);
  }

  #restore(snapshot: SnapshotEntry): void {
    const { next } = snapshot;
    this.reach(next - 1);
    for (const [name, { pending, anchors }] of Object.entries(snapshot.sinks)) {
      const owed = this.#sinks.get(name) ?? { pending: this.present.clone(), anchors: [] };
      this.#sinks.set(name, owed);
      // Records at or above `next` were written before this line and after the state was taken.
      const restored = new SequenceSet(pending).intersection(this.present);
      for (const [from, to] of owed.pending.ranges()) if (to >= next) restored.add(Math.max(from, next), to);
      owed.pending = restored;
      owed.anchors = [...anchors];
    }
    const waiting = new Set(snapshot.uploads);
    for (const sequence of [...this.uploads.keys()]) if (sequence < next && !waiting.has(sequence)) this.uploads.delete(sequence);
    this.#uploadAnchors = [...snapshot.uploadAnchors];
    this.#memory.clear();
    for (const [owner, values] of Object.entries(snapshot.memory))
      for (const [key, value] of Object.entries(values)) this.#remember(owner, key, value);
  }
}

/** The budgets of a range but for one record, whose own begins anew. */
function without(anchor: AnchorRange, sequence: number): AnchorRange[] {
  const [from, to, atMs] = anchor;
  if (sequence < from || sequence > to) return [anchor];
  const parts: AnchorRange[] = [
    [from, sequence - 1, atMs],
    [sequence + 1, to, atMs],
  ];
  return parts.filter(([first, last]) => first <= last);
}
