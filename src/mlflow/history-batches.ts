/**
 * Reads the histories of one metric of several runs by one call, the one of MLflow's own pages: a server that works through a
 * database has half the work with them. The call tells not when it leaves points out, has no pages, and prints words that are no
 * JSON, so what came of it is handed out only where it can be seen to be whole. Everything else is for the documented call.
 */
import type { MlflowPoint } from "./mlflow-documents.js";

/** What one call answers at most, and cuts off without a word behind (`mlflow-facts`, 1.2). */
export const MAX_BULK_POINTS = 25_000;
/** The server takes 100; their addresses stay short for what lies between, and others wait no longer than they must. */
const MAX_RUNS = 32;
/** More would wait at the server. */
const MAX_CALLS_AT_ONCE = 4;

/** So many calls in a row that came to nothing, and it is not tried again: a server under a prefix has this call elsewhere. */
const MAX_FAILURES = 3;

/** A point, and whose it is. */
export type BulkPoint = MlflowPoint & { readonly run_id: string };

/** Asks the server once. */
export type BulkCall = (key: string, runIds: readonly string[], signal: AbortSignal) => Promise<readonly BulkPoint[]>;

interface Waiting {
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly answer: (points: readonly MlflowPoint[] | undefined) => void;
}

/** Gathers what is asked for while earlier calls are on their way: nobody waits for company. */
export class HistoryBatches {
  readonly #call: BulkCall;
  readonly #waiting = new Map<string, Waiting[]>();
  /** How many runs of a key fit into a call, where it was too many once. */
  readonly #limits = new Map<string, number>();
  #calls = 0;
  #failures = 0;

  constructor(call: BulkCall) {
    this.#call = call;
  }

  /** All points of one metric of one run, by time, step, value. Undefined: ask for them alone. It never rejects. */
  async points(runId: string, key: string, signal: AbortSignal): Promise<readonly MlflowPoint[] | undefined> {
    if (this.#failures >= MAX_FAILURES || this.#limitOf(key) === 0) return undefined;
    return new Promise((answer) => {
      const line = this.#waiting.get(key) ?? [];
      this.#waiting.set(key, line);
      line.push({ runId, signal, answer });
      this.#next();
    });
  }

  #next(): void {
    while (this.#calls < MAX_CALLS_AT_ONCE) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const [key, line] = first;
      this.#waiting.delete(key);
      const group = line.splice(0, Math.max(1, this.#limitOf(key)));
      // Behind the other keys, so that none starves.
      if (line.length > 0) this.#waiting.set(key, line);
      this.#calls++;
      void this.#ask(key, group);
    }
  }

  async #ask(key: string, group: readonly Waiting[]): Promise<void> {
    const runIds = [...new Set(group.map(({ runId }) => runId))].sort();
    const whole = await this.#wholeHistories(key, runIds, AbortSignal.any(group.map(({ signal }) => signal))).catch(() => undefined);
    this.#calls--;
    this.#failures = whole === undefined ? this.#failures + 1 : 0;
    for (const { runId, answer } of group) answer(whole?.get(runId));
    this.#next();
  }

  /** Of those runs whose history is whole for certain: an empty one is not, it may have been left out. */
  async #wholeHistories(key: string, runIds: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, readonly MlflowPoint[]>> {
    const points = await this.#call(key, runIds, signal);
    const histories = new Map<string, readonly MlflowPoint[]>(Map.groupBy(points, (point) => point.run_id));
    if (points.length < MAX_BULK_POINTS) return histories;
    this.#limits.set(key, Math.floor(runIds.length / 2));
    // Points come run after run: the one that was cut, if any, is the last.
    histories.delete(points.at(-1)?.run_id ?? "");
    return histories;
  }

  #limitOf(key: string): number {
    return this.#limits.get(key) ?? MAX_RUNS;
  }
}

/** `NaN` and infinities as MLflow's pages get them, behind a colon and before the end of a value; no key of a metric may hold such an end. */
const BARE_WORD = /(:\s*)(-?Infinity|NaN)(?=\s*[,}])/g;

/** JSON of an answer whose numbers may be words that JSON has not: as the documented calls have them, in quotes. */
export function withQuotedWords(text: string): string {
  return text.replaceAll(BARE_WORD, '$1"$2"');
}
