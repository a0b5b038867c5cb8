/** Which records of a journal are meant. Pure, but for reading the words of a point in time. */
import type { JournaledRecord } from "../outbox/list-journal.js";

export interface RecordFilter {
  /** Kinds of fact: `progress`, `log`, `final`, ... */
  readonly kind?: readonly string[];
  /** Only what this sink is concerned with: with `pending`, what it is owed. */
  readonly sink?: string;
  /** Only what somebody is owed, or whose bytes wait. */
  readonly pending?: boolean;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

export function isWanted({ record, deliveries, upload }: JournaledRecord, { kind, sink, pending, since }: RecordFilter): boolean {
  if (kind !== undefined && !kind.includes(record.fact.kind)) return false;
  if (since !== undefined && record.createdAtMs < since) return false;
  if (sink !== undefined && deliveries[sink] === undefined) return false;
  if (pending !== true) return true;
  if (sink !== undefined) return deliveries[sink] === "pending";
  return upload === "pending" || Object.values(deliveries).includes("pending");
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `2h`, `30m`, `45s`, `7d` before now, or a date; undefined when it is neither. */
export function parseSince(text: string, nowMs: number): number | undefined {
  const ago = /^(\d+)([smhd])$/.exec(text.trim());
  if (ago) return nowMs - Number(ago[1]) * (UNITS[ago[2] ?? ""] ?? 0);
  const at = /^\d{4}-\d{2}-\d{2}/.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
