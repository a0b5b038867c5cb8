/**
 * How many records the next batches may hold while the one at fault is being searched for. A batch that was refused as a
 * whole is halved, its first half first; a half that passes is done, one that is refused again is halved again.
 */
export class BatchPlan {
  // Sizes of the coming batches, the next one last.
  readonly #sizes: number[] = [];

  /** True while a batch is being taken apart. */
  get isHalving(): boolean {
    return this.#sizes.length > 0;
  }

  /** At most so many records now. */
  limit(maxRecords: number): number {
    return Math.max(1, Math.min(maxRecords, this.#sizes.at(-1) ?? maxRecords));
  }

  /** So many were taken for a batch. */
  took(count: number): void {
    const size = this.#sizes.pop();
    if (size !== undefined && size > count) this.#sizes.push(size - count);
  }

  /** A batch of `count` records must be taken apart. */
  halve(count: number): void {
    const left = Math.ceil(count / 2);
    if (count > left) this.#sizes.push(count - left);
    this.#sizes.push(left);
  }
}
