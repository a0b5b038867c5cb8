/**
 * The points of one metric in the order of their steps, whatever their order and however many there are: charts are read by step,
 * and MLflow answers by time or in the order of writing. Points beyond a fixed number go to a file in sorted pieces, which are
 * merged when they are read back: 24 bytes a point on the disk, and in memory a few megabytes for a metric of any length. Steps that
 * ascend, as most do, are one piece.
 */
import { open, rm, type FileHandle } from "node:fs/promises";

/** A point that a number can tell exactly. */
export interface SteppedPoint {
  readonly step: number;
  readonly timestamp: number;
  readonly value: number;
}

/** Points that are held in memory before they go to the file: 3 MiB. */
const HELD_POINTS = 131_072;
const FIRST_POINTS = 256;
/** Points that all pieces together hold in memory while they are merged: 6 MiB. */
const MERGED_POINTS = 262_144;
/** Points in one page that is handed out. */
const PAGE_POINTS = 4096;
const FIELDS = 3;
const POINT_BYTES = FIELDS * Float64Array.BYTES_PER_ELEMENT;

/** A sorted piece of the file, in points. */
interface Piece {
  readonly start: number;
  end: number;
  last: SteppedPoint;
}

export class PointsByStep implements AsyncDisposable {
  readonly #path: string;
  readonly #heldPoints: number;
  readonly #pieces: Piece[] = [];
  #file: FileHandle | undefined;
  #held: Float64Array;
  #count = 0;
  #isSorted = true;

  /**
   * @param path - Of the file, if there is need of one.
   * @param heldPoints - Points in memory. Default 131,072.
   */
  constructor(path: string, heldPoints = HELD_POINTS) {
    this.#path = path;
    this.#heldPoints = heldPoints;
    this.#held = new Float64Array(FIELDS * Math.min(FIRST_POINTS, heldPoints));
  }

  /** @throws What the disk answers. */
  async add(points: Iterable<SteppedPoint>): Promise<void> {
    for (const point of points) {
      if (this.#count === this.#heldPoints) await this.#spill();
      this.#put(point);
    }
  }

  /** All that was added, page by page: by step, then time, then value. To be called once, at the end. @throws What the disk answers. */
  async *pages(): AsyncGenerator<readonly SteppedPoint[], void, undefined> {
    if (this.#pieces.length === 0) {
      this.#sort();
      for (let at = 0; at < this.#count; at += PAGE_POINTS)
        yield Array.from({ length: Math.min(PAGE_POINTS, this.#count - at) }, (_, index) => pointAt(this.#held, at + index));
      return;
    }
    await this.#spill();
    this.#held = new Float64Array();
    yield* this.#merged();
  }

  /** Removes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
    if (this.#file) await rm(this.#path, { force: true });
    this.#file = undefined;
  }

  #put(point: SteppedPoint): void {
    const at = this.#count * FIELDS;
    if (at === this.#held.length) {
      const larger = new Float64Array(Math.min(2 * at, FIELDS * this.#heldPoints));
      larger.set(this.#held);
      this.#held = larger;
    }
    this.#held[at] = point.step;
    this.#held[at + 1] = point.timestamp;
    this.#held[at + 2] = point.value;
    if (this.#count > 0 && compareAt(this.#held, this.#count - 1, this.#count) > 0) this.#isSorted = false;
    this.#count++;
  }

  #sort(): void {
    if (this.#isSorted) return;
    const held = this.#held;
    const order = Uint32Array.from({ length: this.#count }, (_, index) => index);
    order.sort((one, other) => compareAt(held, one, other));
    const sorted = new Float64Array(held.length);
    order.forEach((from, to) => {
      sorted.set(held.subarray(from * FIELDS, (from + 1) * FIELDS), to * FIELDS);
    });
    this.#held = sorted;
    this.#isSorted = true;
  }

  /** Puts what is held behind the last piece, or makes a piece of it where that one goes on further. */
  async #spill(): Promise<void> {
    if (this.#count === 0) return;
    this.#sort();
    this.#file ??= await open(this.#path, "w+");
    const before = this.#pieces.at(-1);
    const [first, last] = [pointAt(this.#held, 0), pointAt(this.#held, this.#count - 1)];
    await this.#file.appendFile(new Uint8Array(this.#held.buffer, 0, this.#count * POINT_BYTES));
    if (before && compare(before.last, first) <= 0) {
      before.end += this.#count;
      before.last = last;
    } else {
      const start = before?.end ?? 0;
      this.#pieces.push({ start, end: start + this.#count, last });
    }
    this.#count = 0;
  }

  async *#merged(): AsyncGenerator<readonly SteppedPoint[], void, undefined> {
    const file = this.#file;
    if (!file) return;
    const share = Math.max(1, Math.floor(MERGED_POINTS / this.#pieces.length));
    const heap: PieceReader[] = [];
    for (const piece of this.#pieces) {
      const reader = new PieceReader(file, piece, share);
      if (await reader.advance()) heap.push(reader);
    }
    for (let at = heap.length >> 1; at >= 0; at--) sink(heap, at);
    let page: SteppedPoint[] = [];
    for (let first = heap[0]; first; first = heap[0]) {
      page.push(first.point);
      if (page.length === PAGE_POINTS) {
        yield page;
        page = [];
      }
      if (!(first.advanceInMemory() || (await first.advance()))) {
        const end = heap.pop();
        if (end && end !== first) heap[0] = end;
      }
      sink(heap, 0);
    }
    if (page.length > 0) yield page;
  }
}

/** Reads one piece from its beginning to its end. */
class PieceReader {
  point: SteppedPoint = { step: 0, timestamp: 0, value: 0 };
  readonly #file: FileHandle;
  readonly #end: number;
  readonly #buffer: Float64Array;
  #next: number;
  #at = 0;
  #loaded = 0;

  constructor(file: FileHandle, { start, end }: Piece, bufferPoints: number) {
    this.#file = file;
    this.#next = start;
    this.#end = end;
    this.#buffer = new Float64Array(FIELDS * Math.min(bufferPoints, end - start));
  }

  /** False: what is in memory has come to its end. */
  advanceInMemory(): boolean {
    if (this.#at === this.#loaded) return false;
    this.point = pointAt(this.#buffer, this.#at++);
    return true;
  }

  /** False: the piece has come to its end. */
  async advance(): Promise<boolean> {
    if (this.advanceInMemory()) return true;
    const count = Math.min(this.#buffer.length / FIELDS, this.#end - this.#next);
    if (count === 0) return false;
    const bytes = new Uint8Array(this.#buffer.buffer, 0, count * POINT_BYTES);
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, this.#next * POINT_BYTES);
    if (bytesRead !== bytes.length) throw new Error(`a file of points in the temporary folder was cut short at ${String(bytesRead)} bytes`);
    this.#next += count;
    this.#at = 0;
    this.#loaded = count;
    return this.advanceInMemory();
  }
}

/** Restores the order of a heap of which one place may hold too much. */
function sink(heap: PieceReader[], from: number): void {
  let at = from;
  for (;;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const [candidate, best] = [heap[child], heap[least]];
      if (candidate && best && compare(candidate.point, best.point) < 0) least = child;
    }
    const [one, other] = [heap[at], heap[least]];
    if (least === at || !one || !other) return;
    heap[at] = other;
    heap[least] = one;
    at = least;
  }
}

function pointAt(points: Float64Array, index: number): SteppedPoint {
  const at = index * FIELDS;
  return { step: points[at] ?? 0, timestamp: points[at + 1] ?? 0, value: points[at + 2] ?? 0 };
}

/** As {@link compare}, without making points: a sort asks for it millions of times. */
function compareAt(points: Float64Array, one: number, other: number): number {
  for (let field = 0; field < FIELDS; field++) {
    const difference = (points[one * FIELDS + field] ?? 0) - (points[other * FIELDS + field] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compare(one: SteppedPoint, other: SteppedPoint): number {
  return one.step - other.step || one.timestamp - other.timestamp || one.value - other.value;
}
