/**
 * Reads charts as they come into view, and again when there is news of those in view. Reads never overlap, charts that
 * come into view together are read together, and of those out of view only the last few are kept: a task with thousands
 * of charts costs what the screen shows. It knows neither the server nor the page.
 */
import type { Chart } from "./chart-data.js";

/** Charts read at once; more would keep the first of them waiting. */
const MOST_AT_ONCE = 6;

/** Charts kept, those in view included. */
const MOST_KEPT = 40;

/** Shortest time between two reads of one chart. */
const REREAD_GAP_MS = 350;

export interface ChartReaderOptions {
  /** Reads these charts; one that the answer lacks has no points. */
  readonly load: (titles: readonly string[], signal: AbortSignal) => Promise<readonly Chart[]>;
  /** Resolves after `ms`, or rejects when aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

interface Kept {
  readonly chart: Chart;
  isStale: boolean;
}

/** Charts of one page. Ends with {@link ChartReader.close}. */
export class ChartReader {
  readonly #options: ChartReaderOptions;
  /** Who looks at each chart. */
  readonly #watchers = new Map<string, Set<() => void>>();
  /** The least lately read first. */
  readonly #kept = new Map<string, Kept>();
  readonly #closing = new AbortController();
  #isReading = false;
  #error: Error | undefined;

  constructor(options: ChartReaderOptions) {
    this.#options = options;
  }

  /** What the last read failed with, until one succeeds. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** What is known of a chart. */
  chart(title: string): Chart | undefined {
    return this.#kept.get(title)?.chart;
  }

  /** Reads the chart and keeps it current, with a call for each change, until the returned function is called. */
  watch(title: string, onChange: () => void): () => void {
    const watchers = this.#watchers.get(title) ?? new Set();
    watchers.add(onChange);
    this.#watchers.set(title, watchers);
    void this.#read();
    return () => {
      watchers.delete(onChange);
      if (watchers.size === 0 && this.#watchers.get(title) === watchers) this.#watchers.delete(title);
    };
  }

  /** There is news of the charts: those in view are read again, the others when they come into view. */
  refresh(): void {
    for (const kept of this.#kept.values()) kept.isStale = true;
    void this.#read();
  }

  /** Ends every read. */
  close(): void {
    this.#closing.abort();
    this.#watchers.clear();
    this.#kept.clear();
  }

  async #read(): Promise<void> {
    const { signal } = this.#closing;
    const isClosed = (): boolean => signal.aborted;
    if (this.#isReading || isClosed()) return;
    this.#isReading = true;
    try {
      // Charts that come into view together ask one after the other; wait for the last of them.
      await Promise.resolve();
      for (let titles = this.#due(); titles.length > 0 && !isClosed(); titles = this.#due()) {
        const isFirst = titles.some((title) => !this.#kept.has(title));
        await this.#readThese(titles, signal);
        if (!isFirst || this.#error) await this.#options.pause(REREAD_GAP_MS, signal);
        if (this.#error) break;
      }
    } catch (error) {
      if (!isClosed()) throw error;
    } finally {
      this.#isReading = false;
    }
  }

  async #readThese(titles: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      const charts = new Map((await this.#options.load(titles, signal)).map((chart) => [chart.title, chart]));
      this.#error = undefined;
      for (const title of titles) {
        this.#kept.delete(title);
        this.#kept.set(title, { chart: charts.get(title) ?? { title, lines: [] }, isStale: false });
      }
      this.#forget();
    } catch (error) {
      if (signal.aborted) return;
      this.#error = error instanceof Error ? error : new Error(String(error));
    }
    for (const title of titles) for (const onChange of this.#watchers.get(title) ?? []) onChange();
  }

  /** What to read next: what was never read before what is merely old. */
  #due(): string[] {
    const inView = [...this.#watchers.keys()];
    const unread = inView.filter((title) => !this.#kept.has(title));
    return (unread.length > 0 ? unread : inView.filter((title) => this.#kept.get(title)?.isStale)).slice(0, MOST_AT_ONCE);
  }

  #forget(): void {
    for (const title of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) return;
      if (!this.#watchers.has(title)) this.#kept.delete(title);
    }
  }
}
