/**
 * What the lines of the journal say. This is the format on disk (`docs/explanation/journal.md`): keys are short because
 * there are millions of them, and a change of meaning needs a new {@link JOURNAL_VERSION}.
 */
import type { JsonValue } from "../base/json.js";
import type { Fact } from "../records/facts.js";
import type { RecordTraits, TrainerRecord } from "../records/record.js";
import type { SequenceRange } from "./sequence-set.js";

/** Version of the format. A reader refuses a newer one. */
export const JOURNAL_VERSION = 1;

/** First line of a segment. */
export interface HeaderEntry {
  readonly k: "h";
  readonly v: number;
  readonly run: string;
}

/** A fact. */
export interface RecordEntry {
  readonly k: "r";
  readonly s: number;
  /** Wall clock of the verb, milliseconds. */
  readonly t: number;
  readonly a: RecordTraits;
  readonly f: Fact;
}

/** A dead letter that a person put back in line: the record again, owed to the sinks named (`upload`: to the uploader and all). */
export interface RequeueEntry extends Omit<RecordEntry, "k"> {
  readonly k: "q";
  readonly n: readonly string[];
}

/** Changes of the delivery state, the lines that carry no record. */
export type StateEntry =
  /** A sink is met for the first time: it is owed every record that is still there. */
  | { readonly k: "i"; readonly n: string }
  /** Settled at one sink: delivered, or given up for it. */
  | { readonly k: "s"; readonly n: string; readonly r: readonly SequenceRange[] }
  /** Settled at every sink, and not to be uploaded: superseded, shed, upload failed. */
  | { readonly k: "x"; readonly r: readonly SequenceRange[] }
  /** The attachment is stored. */
  | { readonly k: "u"; readonly s: number }
  /** First answered failure of these records at a sink (or `upload`), milliseconds since the epoch. */
  | { readonly k: "a"; readonly n: string; readonly r: readonly SequenceRange[]; readonly t: number }
  /** A value of a sink's own memory. */
  | { readonly k: "m"; readonly n: string; readonly key: string; readonly v: JsonValue }
  | SnapshotEntry;

/** A budget's start, for the records of one range. */
export type AnchorRange = readonly [from: number, to: number, atMs: number];

/**
 * The whole state at this place of the journal. For every record below `next` it is the last word, so what the segments
 * before it said of delivery is no longer needed, and a deleted segment that a crash brought back changes nothing.
 */
export interface SnapshotEntry {
  readonly k: "z";
  readonly run: string;
  readonly next: number;
  readonly sinks: Readonly<Record<string, { readonly pending: readonly SequenceRange[]; readonly anchors: readonly AnchorRange[] }>>;
  readonly uploads: readonly number[];
  readonly uploadAnchors: readonly AnchorRange[];
  readonly memory: Readonly<Record<string, Readonly<Record<string, JsonValue>>>>;
}

export type JournalEntry = HeaderEntry | RecordEntry | RequeueEntry | StateEntry;

/** A record's line without its fact: all that the outbox itself needs. */
export type EntryOutline = HeaderEntry | Omit<RecordEntry, "f"> | Omit<RequeueEntry, "f"> | StateEntry;

const FACT_KEY = Buffer.from(',"f":');
const KINDS = new Set(["h", "r", "q", "i", "s", "x", "u", "a", "m", "z"]);

/**
 * JSON of a record's line. The fact comes last, so that a reader can leave it unparsed.
 * @throws TypeError when the fact is not JSON (a cycle, a BigInt).
 */
export function recordJson(record: TrainerRecord): string {
  return `{"k":"r",${recordBody(record)}`;
}

/** JSON of a requeued record's line. */
export function requeueJson(record: TrainerRecord, owedTo: readonly string[]): string {
  return `{"k":"q","n":${JSON.stringify(owedTo)},${recordBody(record)}`;
}

function recordBody(record: TrainerRecord): string {
  // JSON.stringify answers undefined for what has no JSON at all; its type does not say so.
  const fact = JSON.stringify(record.fact) as string | undefined;
  const traits = JSON.stringify(record.traits) as string | undefined;
  if (fact === undefined || traits === undefined) throw new TypeError("the record has no JSON form");
  return `"s":${String(record.sequence)},"t":${String(record.createdAtMs)},"a":${traits},"f":${fact}}`;
}

/**
 * Reads a line, leaving the fact of a record alone: replaying a long journal costs a tenth of parsing it. The first
 * `,"f":` is the key itself, because a quote inside a JSON text is always escaped.
 *
 * @returns undefined when the bytes are not an entry of this version.
 */
export function parseOutline(json: Buffer): EntryOutline | undefined {
  // Only the two kinds with a record in them are cut: `{"k":"r"` and `{"k":"q"`.
  const kind = json[6];
  const factAt = kind === 0x72 || kind === 0x71 ? json.indexOf(FACT_KEY) : -1;
  const text = factAt >= 0 ? `${json.toString("utf8", 0, factAt)}}` : json.toString("utf8");
  try {
    const value = JSON.parse(text) as { readonly k?: unknown };
    return typeof value.k === "string" && KINDS.has(value.k) ? (value as EntryOutline) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a record's line whole; undefined when it is not one. */
export function parseRecord(json: Buffer, runId: string): TrainerRecord | undefined {
  try {
    const entry = JSON.parse(json.toString("utf8")) as JournalEntry;
    if (entry.k !== "r" && entry.k !== "q") return undefined;
    return toRecord(runId, entry.s, entry.t, entry.a, entry.f);
  } catch {
    return undefined;
  }
}

/** Puts a record together. Its id is the same in every process, at every destination. */
export function toRecord(runId: string, sequence: number, createdAtMs: number, traits: RecordTraits, fact: Fact): TrainerRecord {
  return { id: `${runId}-${String(sequence)}`, runId, sequence, createdAtMs, fact, traits };
}
