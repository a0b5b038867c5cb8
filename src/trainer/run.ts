/**
 * One run as its verbs see it: the outbox behind a gate. The gate knows the three reasons for which a fact is not taken
 * (a silent rank, after the end, after `close`), counts them, and holds what must be waited for before the end.
 */
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Fact, OperationType } from "../records/facts.js";
import type { RecordTraits, TrainerRecord } from "../records/record.js";
import type { ObjectStore } from "../storage/object-store.js";
import type { BoundTask, TrainerEmitter } from "./events.js";
import { MetricValues } from "./metric-values.js";
import type { ResumePoint } from "./resume-token.js";
import { receiptOf, rejectedReceipt, type Receipt, type RejectedItem } from "./receipt.js";
import type { Tally } from "./tally.js";

/** What a run is made of; put together in `assemble.ts`. */
export interface RunParts {
  readonly operation: OperationType;
  readonly jobId: string;
  /** Absent for a silent rank. */
  readonly outbox: Outbox | undefined;
  /** Absent for a silent rank. */
  readonly resume: ResumePoint | undefined;
  readonly silentReason: string;
  readonly store: ObjectStore | undefined;
  /** Why there is no store, in words for whoever calls `uploadCheckpoint`. */
  readonly noStoreReason: string;
  readonly pinDirectory: string;
  readonly checkpointKey: string | undefined;
  /** Template of the key under which the newest checkpoint of a type is found too. */
  readonly checkpointAlias: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly emitter: TrainerEmitter;
  readonly boundTask: () => BoundTask | undefined;
  /** Resolves with the task, or with `undefined` once it is certain that there will be none. */
  readonly whenBound: Promise<BoundTask | undefined>;
}

/** Where values were that are no numbers, and how many. */
export interface GapsNote {
  readonly title: string;
  readonly series: string;
  readonly iteration: number;
  readonly nonFinite: number;
}

/** How long losses gather before they are drawn: at most one set of points in this time. */
const HEALTH_INTERVAL_MS = 30_000;
/** Chart in which the SDK draws what it gave up. */
const HEALTH_TITLE = "trainer-sdk";
/** Contents that are remembered by digest. */
const MAX_STORED_KEYS = 256;

export class Run {
  readonly parts: RunParts;
  readonly metricValues: MetricValues;
  readonly #files = new Set<Promise<unknown>>();
  readonly #ends = new Set<Promise<unknown>>();
  readonly #storedKeys = new Map<string, string>();
  readonly #ending = Promise.withResolvers<void>();
  readonly #beforeShut = new Set<(isEnd: boolean) => void>();
  #shut: string | undefined;
  #lastIteration = 0;
  #healthAt = Number.NEGATIVE_INFINITY;
  #healthSeen = 0;
  #healthOver = false;
  readonly #firstSequence: number | undefined;

  constructor(parts: RunParts) {
    this.parts = parts;
    this.#firstSequence = parts.outbox?.nextSequence;
    this.metricValues = new MetricValues({
      onNonFinite: (name, value, iteration) => {
        if (!parts.tally.nonFinite(name)) return;
        this.#sayOnce(
          `metric ${name} was ${String(value)} at iteration ${iteration === undefined ? "(none)" : String(iteration)}; such points are left out of the chart and counted`,
        );
      },
      onConflict: (name, iteration, before, now) => {
        parts.tally.conflict(
          `metric ${name} was reported twice for iteration ${String(iteration)}, ${String(before)} and then ${String(now)}; the later value stands`,
        );
      },
    });
  }

  /** Why nothing more is taken, if so. */
  get shut(): string | undefined {
    return this.#shut;
  }

  /** Takes nothing more; the first reason stands. `isEnd`: because the job's end is being reported. */
  shutFor(reason: string, isEnd = false): void {
    if (this.#shut === undefined) for (const last of this.#beforeShut) last(isEnd);
    this.#shut ??= reason;
    this.#ending.resolve();
  }

  /** Calls at the last moment at which facts are taken, for whoever still holds some. It must not throw. */
  beforeShut(last: (isEnd: boolean) => void): void {
    this.#beforeShut.add(last);
  }

  /**
   * False: this process has said nothing itself, and may be there to deliver what an earlier one left. Then nothing is said on
   * its behalf either: a record after the job's end would bring the ended task back to life.
   */
  get hasSpoken(): boolean {
    return this.parts.outbox !== undefined && this.parts.outbox.nextSequence !== this.#firstSequence;
  }

  /** Resolves when nothing more is taken: the end was reported, or the SDK is being closed. */
  get whenShut(): Promise<void> {
    return this.#ending.promise;
  }

  /** The receipt of a call that is not taken, or `undefined` when it is. */
  refusal(verb: string): Receipt | undefined {
    if (this.parts.outbox === undefined) return { status: "ignored", reason: this.parts.silentReason, rejectedItems: [] };
    if (this.#shut === undefined) return undefined;
    return this.reject(verb, this.#shut);
  }

  /** A counted rejection. */
  reject(verb: string, reason: string, rejectedItems: readonly RejectedItem[] = []): Receipt {
    this.parts.tally.reject(verb, reason);
    return rejectedReceipt(reason, rejectedItems);
  }

  /** Appends without the gate: for the SDK's own facts and for verbs that went through it. */
  append(fact: Fact, traits: RecordTraits): { record: TrainerRecord; durable: Promise<Receipt> } | undefined {
    const appended = this.parts.outbox?.append({ fact, traits });
    return appended && { record: appended.record, durable: appended.durable.then((durability) => receiptOf(durability, [])) };
  }

  /** The usual way: through the gate into the outbox. */
  say(verb: string, fact: Fact, traits: RecordTraits, rejectedItems: readonly RejectedItem[] = []): Promise<Receipt> {
    const refusal = this.refusal(verb);
    if (refusal || this.parts.outbox === undefined) return Promise.resolve(refusal ?? rejectedReceipt("there is no outbox"));
    for (const { item, reason } of rejectedItems) this.parts.tally.reject(verb, `${item}: ${reason}`);
    const { durable } = this.parts.outbox.append({ fact, traits });
    return durable.then((durability) => {
      // The outbox refuses once it is closed; that is a loss like any other.
      if (durability.status === "rejected") this.parts.tally.reject(verb, durability.reason);
      return receiptOf(durability, rejectedItems);
    });
  }

  /** Values of a plot or an image that were no numbers: counted, and said the first time. */
  noteGaps({ title, series, iteration, nonFinite }: GapsNote, what: "plot" | "image"): void {
    if (nonFinite === 0 || !this.parts.tally.nonFinite(`${title}/${series}`, nonFinite)) return;
    const end = what === "plot" ? "left out of the plot" : "black in the image";
    this.#sayOnce(
      `${what} ${title}/${series} had ${String(nonFinite)} values that were not finite at iteration ${String(iteration)}; such values are ${end} and counted`,
    );
  }

  /** The newest x seen, on which the SDK's own points are drawn. */
  noteIteration(iteration: number | undefined): void {
    if (iteration !== undefined) this.#lastIteration = iteration;
  }

  /** 0 while there is none. */
  get lastIteration(): number {
    return this.#lastIteration;
  }

  /**
   * Draws what was given up, when there is news: the counts so far, at the newest iteration. Never after the `last` time,
   * nor in a process that has said nothing itself: a point after the job's end would bring the ended task back to life.
   */
  drawHealth(options: { readonly now?: boolean; readonly last?: boolean } = {}): void {
    const { tally, clock, outbox } = this.parts;
    if (this.#healthOver) return;
    if (options.last === true) this.#healthOver = true;
    if (outbox === undefined || tally.troubles === this.#healthSeen || !this.hasSpoken) return;
    const at = clock.monotonic();
    if (options.now !== true && at - this.#healthAt < HEALTH_INTERVAL_MS) return;
    this.#healthAt = at;
    this.#healthSeen = tally.troubles;
    const counts: Record<string, number> = {
      ...outbox.stats().losses,
      "rejected-calls": tally.stats().rejected,
      conflicts: tally.stats().conflicts,
    };
    for (const [series, value] of Object.entries(counts)) {
      // No shed class: a chart of losses that is itself lost would be silence again.
      if (value > 0) this.append({ kind: "scalar", title: HEALTH_TITLE, series, value, iteration: this.#lastIteration }, {});
    }
  }

  /** For whoever watches this process, and for whoever reads the task's console. */
  #sayOnce(message: string): void {
    this.parts.logger.warn(message);
    this.append({ kind: "log", level: "warning", message }, { shed: "console" });
  }

  /** Holds a file that is being taken in: it must be in the outbox before the end is. */
  track<T>(work: Promise<T>, kind: "file" | "end"): Promise<T> {
    const held = kind === "file" ? this.#files : this.#ends;
    held.add(work);
    const done = (): void => {
      held.delete(work);
    };
    work.then(done, done);
    return work;
  }

  /** Resolves when the files that were being taken in have their record, or never will. */
  async filesTaken(): Promise<void> {
    await Promise.allSettled(this.#files);
  }

  /** Resolves when those and the end are in the outbox. */
  async allTaken(): Promise<void> {
    await Promise.allSettled([...this.#files, ...this.#ends]);
  }

  /** The key under which this content was already taken in by this process: the same bytes are stored once. */
  storedKey(sha256: string): string | undefined {
    return this.#storedKeys.get(sha256);
  }

  noteStoredKey(sha256: string, key: string): void {
    this.#storedKeys.set(sha256, key);
    if (this.#storedKeys.size > MAX_STORED_KEYS) for (const oldest of this.#storedKeys.keys()) return void this.#storedKeys.delete(oldest);
  }
}
