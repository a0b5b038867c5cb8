/**
 * Which waiting uploads give way: to a newer one of the same key, or for room on the disk. The queue acts on it. Thousands may
 * wait, each with a key of its own, so nothing here looks through all of them for the sake of one but the search for room.
 */
import type { Attachment } from "../records/record.js";

/** Attachments that are not stored yet, by their record's sequence. */
type Waiting = ReadonlyMap<number, Attachment>;

/** What a copy of ours takes; a file of the caller's takes nothing. */
export function pinnedBytesOf(attachment: Attachment | undefined): number {
  return attachment?.pinned === true ? attachment.sizeBytes : 0;
}

/**
 * Copies that make room for the rest: replaceable ones, the oldest first, never a best or a registered one. The excess that
 * is left is above 0 when there are not enough.
 */
export function copiesForRoom(
  waiting: Waiting,
  excessBytes: number,
  isBusy: (sequence: number) => boolean,
): { readonly sequences: readonly number[]; readonly excessBytes: number } {
  const sequences: number[] = [];
  let left = excessBytes;
  for (const [sequence, attachment] of [...waiting].sort(([one], [other]) => one - other)) {
    if (left <= 0) break;
    if (!attachment.pinned || attachment.replaceKey === undefined || isBusy(sequence)) continue;
    left -= attachment.sizeBytes;
    sequences.push(sequence);
  }
  return { sequences, excessBytes: left };
}

/** The waiting ones of each key. */
export class Rivals {
  readonly #byKey = new Map<string, Set<number>>();

  add(sequence: number, { replaceKey }: Attachment): void {
    if (replaceKey === undefined) return;
    const rivals = this.#byKey.get(replaceKey);
    if (rivals) rivals.add(sequence);
    else this.#byKey.set(replaceKey, new Set([sequence]));
  }

  /** It waits no longer. */
  remove(sequence: number, { replaceKey }: Attachment): void {
    if (replaceKey === undefined) return;
    const rivals = this.#byKey.get(replaceKey);
    rivals?.delete(sequence);
    if (rivals?.size === 0) this.#byKey.delete(replaceKey);
  }

  /** A newer one that would take the place of this one. */
  newerThan(sequence: number, { replaceKey }: Attachment): number | undefined {
    return this.#of(replaceKey).find((other) => other > sequence);
  }

  /** The older ones whose place this one takes. */
  olderThan(sequence: number, { replaceKey }: Attachment): number[] {
    return this.#of(replaceKey).filter((other) => other < sequence);
  }

  #of(replaceKey: string | undefined): number[] {
    return replaceKey === undefined ? [] : [...(this.#byKey.get(replaceKey) ?? [])];
  }
}
