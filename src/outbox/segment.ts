/**
 * What is known in memory of one journal file: which records it holds and roughly where. The index is by blocks of
 * 64 KiB, so a gigabyte of journal costs some hundred kilobytes of memory.
 */
import { basename, join } from "node:path";
import type { ShedClass } from "../records/record.js";
import { SequenceSet } from "./sequence-set.js";

/** Lines are gathered into a block until it is this long. */
export const BLOCK_BYTES = 64 * 1024;

/** A run of whole lines in a file. */
export interface Block {
  readonly offset: number;
  length: number;
  /** Least and greatest sequence in it; records rewritten out of order make the span wider, never wrong. */
  min: number;
  max: number;
}

export class Segment {
  readonly number: number;
  readonly path: string;
  /** Length of the file. */
  bytes = 0;
  readonly sequences = new SequenceSet();
  /** How many of its records may be given up for room, by class. */
  readonly sheddable: Record<ShedClass, number> = { console: 0, scalar: 0 };
  readonly #blocks: Block[] = [];

  constructor(directory: string, number: number) {
    this.number = number;
    this.path = join(directory, segmentName(number));
  }

  /** A line was appended, or found at the end of what was known. */
  addLine(length: number, sequence?: number, shed?: ShedClass): void {
    let block = this.#blocks.at(-1);
    if (!block || block.length >= BLOCK_BYTES) {
      block = { offset: this.bytes, length: 0, min: Number.POSITIVE_INFINITY, max: 0 };
      this.#blocks.push(block);
    }
    block.length += length;
    this.bytes += length;
    if (sequence === undefined) return;
    block.min = Math.min(block.min, sequence);
    block.max = Math.max(block.max, sequence);
    this.sequences.add(sequence);
    if (shed) this.sheddable[shed]++;
  }

  /** The blocks that may hold a record: nearly always one. */
  blocksOf(sequence: number): Block[] {
    return this.sequences.has(sequence) ? this.#blocks.filter(({ min, max }) => min <= sequence && sequence <= max) : [];
  }
}

/** `journal-00000001.ndjson` */
export function segmentName(number: number): string {
  return `journal-${String(number).padStart(8, "0")}.ndjson`;
}

/** The number in a segment's name; undefined for any other file. */
export function segmentNumber(path: string): number | undefined {
  const match = /^journal-(\d{8,})\.ndjson$/.exec(basename(path));
  return match ? Number(match[1]) : undefined;
}
