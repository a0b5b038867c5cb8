/**
 * Looks at the machine from time to time and hands over what it bears, under ClearML's own series names. Never fails: what
 * cannot be read is left out. Its timers do not keep a process alive.
 */
import { systemClock, type Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import { silentLogger, type Logger } from "../base/logger.js";
import type { MachineReader, MachineSample } from "./machine-sample.js";
import { MonitorIteration } from "./monitor-iteration.js";
import { ResourceAverages, type ResourceReadings } from "./resource-readings.js";

export interface ResourceMonitorOptions {
  /** How often readings are reported. Default 30,000 ms. */
  readonly reportIntervalMs?: number;
  /** How often the machine is looked at in between. Default 2000 ms. */
  readonly sampleIntervalMs?: number;
  /** Who reads the machine. Default: this one, by its operating system and `nvidia-smi`. */
  readonly reader?: MachineReader;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** Where readings go and what is known of the job. */
export interface ResourceTarget {
  /** The job's newest iteration; 0 while there is none. */
  iteration(): number;
  /** False: nothing is to be reported now; the readings go on gathering. */
  isOpen(): boolean;
  report(readings: ResourceReadings, iteration: number): void;
}

const DEFAULT_REPORT_INTERVAL_MS = 30_000;
const DEFAULT_SAMPLE_INTERVAL_MS = 2_000;
/** A look that takes longer is given up; the next one may fare better. */
const MAX_READ_MS = 10_000;

/** Watches from now on, until it is stopped. */
export class ResourceMonitor {
  readonly #options: ResourceMonitorOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #target: ResourceTarget;
  readonly #stopping = new AbortController();
  readonly #averages = new ResourceAverages();
  readonly #iteration = new MonitorIteration();
  readonly #startMs: number;
  #reader: Promise<MachineReader> | undefined;
  #hasFailed = false;

  constructor(target: ResourceTarget, options: ResourceMonitorOptions = {}) {
    this.#target = target;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#startMs = this.#clock.monotonic();
    void this.#run();
  }

  /** Ends it. What has gathered since the last report is not reported. */
  stop(): void {
    this.#stopping.abort(new Error("the resource monitor was stopped"));
  }

  async #run(): Promise<void> {
    const { reportIntervalMs = DEFAULT_REPORT_INTERVAL_MS, sampleIntervalMs = DEFAULT_SAMPLE_INTERVAL_MS } = this.#options;
    const { signal } = this.#stopping;
    let reportAtMs = this.#startMs + reportIntervalMs;
    while (!signal.aborted) {
      await this.#look(signal);
      const nowMs = this.#clock.monotonic();
      if (nowMs >= reportAtMs) {
        this.#report(nowMs);
        reportAtMs = Math.max(reportAtMs + reportIntervalMs, nowMs);
      }
      try {
        await this.#clock.sleep(Math.min(sampleIntervalMs, Math.max(1, reportAtMs - nowMs)), { signal });
      } catch {
        return;
      }
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      this.#reader ??= this.#openReader();
      const reader = await this.#reader;
      const sample = await this.#within(MAX_READ_MS, signal, (limit) => reader.read(limit));
      if (sample && !signal.aborted) this.#averages.add(sample, this.#clock.monotonic());
    } catch (error) {
      if (!this.#hasFailed && !signal.aborted) this.#logger.debug(`the machine's load could not be read: ${describeError(error)}`);
      this.#hasFailed = true;
    }
  }

  async #openReader(): Promise<MachineReader> {
    if (this.#options.reader) return this.#options.reader;
    const { nodeMachineReader } = await import("./node-machine-reader.js");
    return nodeMachineReader({ clock: this.#clock, logger: this.#logger });
  }

  /** Gives up after a while, whatever hangs. */
  async #within(
    ms: number,
    signal: AbortSignal,
    read: (signal: AbortSignal) => Promise<MachineSample>,
  ): Promise<MachineSample | undefined> {
    const done = new AbortController();
    const limit = AbortSignal.any([signal, done.signal]);
    const tooLate = this.#clock.sleep(ms, { signal: limit }).then(
      () => undefined,
      () => undefined,
    );
    try {
      return await Promise.race([read(limit), tooLate]);
    } finally {
      done.abort(new Error("the look at the machine is over"));
    }
  }

  #report(nowMs: number): void {
    try {
      if (!this.#target.isOpen()) return;
      const point = this.#iteration.next((nowMs - this.#startMs) / 1000, this.#target.iteration());
      if (!point) return;
      const readings = this.#averages.readings();
      if (Object.keys(readings).length > 0) this.#target.report(readings, point.iteration);
      // A point that was drawn anew at its old place must stand for all the time since the place was new.
      if (point.isNew) this.#averages.clear();
    } catch (error) {
      this.#logger.debug(`the machine's load could not be reported: ${describeError(error)}`);
    }
  }
}
