/** Walks through a run's copy beside the source: points and files in the order in which they were written. */
import { readRunCopy, type RunCopyLine } from "./run-copy.js";

type Line<Kind extends RunCopyLine["kind"]> = Extract<RunCopyLine, { readonly kind: Kind }>;

/** A copy, read once from its beginning to its end. */
export class CopyCursor implements AsyncDisposable {
  readonly #lines: AsyncGenerator<RunCopyLine, void, undefined>;
  #line: RunCopyLine | undefined;
  #at = 0;

  constructor(path: string) {
    this.#lines = readRunCopy(path);
  }

  /** The line of this kind, if it is the next one. */
  async take<Kind extends "run" | "file" | "end">(kind: Kind): Promise<Line<Kind> | undefined> {
    const line = await this.#current();
    if (line?.kind !== kind) return undefined;
    this.#line = undefined;
    return line as Line<Kind>;
  }

  /** As many of the next points of a metric as lie ready, at most `count`; none when the copy goes on with something else. */
  async points(key: string, count: number): Promise<readonly (readonly unknown[])[]> {
    const line = await this.#current();
    if (line?.kind !== "points" || line.key !== key) return [];
    const taken = line.points.slice(this.#at, this.#at + count);
    this.#at += taken.length;
    if (this.#at >= line.points.length) this.#line = undefined;
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lines.return();
  }

  async #current(): Promise<RunCopyLine | undefined> {
    if (this.#line) return this.#line;
    this.#at = 0;
    const next = await this.#lines.next();
    this.#line = next.done === true ? undefined : next.value;
    return this.#line;
  }
}
