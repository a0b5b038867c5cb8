/** A fixed number of part buffers, lent one by one: what bounds an upload's memory and its parallelism. Holds no data. */

export class PartSlots {
  readonly #partBytes: number;
  readonly #free: Buffer[] = [];
  readonly #waiting: ((buffer: Buffer) => void)[] = [];
  #unmade: number;

  constructor(count: number, partBytes: number) {
    this.#unmade = count;
    this.#partBytes = partBytes;
  }

  /** A buffer of a part's length, as soon as one is free. Buffers are used again: fresh memory costs a page fault for every 4 KiB. */
  take(): Promise<Buffer> {
    const buffer = this.#free.pop();
    if (buffer) return Promise.resolve(buffer);
    if (this.#unmade > 0) {
      this.#unmade--;
      return Promise.resolve(Buffer.allocUnsafeSlow(this.#partBytes));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(buffer: Buffer): void {
    const next = this.#waiting.shift();
    if (next) next(buffer);
    else this.#free.push(buffer);
  }
}
