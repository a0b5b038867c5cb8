/** How a file is cut for its upload. Pure. */

const MIB = 1024 * 1024;
/** S3's limit. */
const MAX_PARTS = 10_000;
const DEFAULT_PART_BYTES = 8 * MIB;
const MAX_PARALLEL_PARTS = 6;
/** Parts in memory together; very large files have large parts, so fewer of them. */
const MAX_BUFFERED_BYTES = 64 * MIB;

export interface PartPlan {
  readonly partBytes: number;
  readonly parts: number;
  /** Parts in memory at once: one being read, the others on their way. */
  readonly parallel: number;
}

/** Parts of at least 8 MiB, at most 10,000 of them, and so many at once that memory stays bounded: 48 MiB for files up to 78 GiB, never above 64 MiB until a part alone is larger. */
export function planParts(sizeBytes: number): PartPlan {
  const partBytes = Math.max(DEFAULT_PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB);
  const parallel = Math.max(1, Math.min(MAX_PARALLEL_PARTS, Math.floor(MAX_BUFFERED_BYTES / partBytes)));
  return { partBytes, parts: Math.max(1, Math.ceil(sizeBytes / partBytes)), parallel };
}
