/** Which waiting uploads give way: to a newer one of the same key, or for room on the disk. Pure; the queue acts on it. */
import type { Attachment } from "../records/record.js";

/** Attachments that are not stored yet, by their record's sequence. */
type Waiting = ReadonlyMap<number, Attachment>;

/** What a copy of ours takes; a file of the caller's takes nothing. */
export function pinnedBytesOf(attachment: Attachment | undefined): number {
  return attachment?.pinned === true ? attachment.sizeBytes : 0;
}

/** A newer one that would take the place of this one. */
export function newerThan(waiting: Waiting, sequence: number): number | undefined {
  const key = waiting.get(sequence)?.replaceKey;
  if (key === undefined) return undefined;
  for (const [other, { replaceKey }] of waiting) if (other > sequence && replaceKey === key) return other;
  return undefined;
}

/** The older ones whose place this one takes. */
export function olderThan(waiting: Waiting, newer: number): number[] {
  const key = waiting.get(newer)?.replaceKey;
  if (key === undefined) return [];
  return [...waiting].flatMap(([sequence, { replaceKey }]) => (sequence < newer && replaceKey === key ? [sequence] : []));
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
