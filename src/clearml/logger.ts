/**
 * `Logger`: reports to a task from any process, under the names of ClearML's own client. Events are gathered and sent behind
 * the caller's back; they live in memory alone. Who must not lose any, whatever ends, uses `TrainerSDK`, whose verbs are the
 * same over a journal.
 */
import { checkObject, checkText, wrongType } from "../base/check.js";
import { systemClock, type Clock } from "../base/clock.js";
import { newId, type Random } from "../base/ids.js";
import { silentLogger, type Logger as PackageLogger } from "../base/logger.js";
import type { LOG_LEVELS } from "../protocol/clearml/event-document.js";
import { MONITOR_GPU, MONITOR_MACHINE, SINGLE_VALUE_ITERATION, SINGLE_VALUE_METRIC } from "../protocol/clearml/limits.js";
import { drawAny, type PlotlyInput } from "../records/figures/any-figure.js";
import { figureProblem, type DrawnPlot } from "../records/figures/figure.js";
import { drawHistogram, type HistogramInput } from "../records/figures/histogram.js";
import { drawConfusionMatrix, drawSurface, type ConfusionMatrixInput, type SurfaceInput } from "../records/figures/matrix.js";
import {
  drawLines,
  drawScatter2d,
  drawScatter3d,
  type LineInput,
  type Scatter2dInput,
  type Scatter3dInput,
} from "../records/figures/scatter.js";
import { drawTable, type TableInput } from "../records/figures/table.js";
import {
  readHtml,
  readImage,
  readMedia,
  type HtmlInput,
  type ImageInput,
  type MediaInput,
  type ReadSample,
} from "../records/media/media-input.js";
import { AddressBook } from "../records/metric-address.js";
import { consoleText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { EventQueue, type EventQueueStats, type FlushOutcome } from "./event-queue.js";
import { iterationProblem, lineNameProblem } from "./logger-checks.js";
import type { EventClass, QueuedEvent } from "./queued-event.js";
import { SampleUpload } from "./sample-upload.js";
import type { CallOptions } from "./session.js";

/** A console line's level; `warn` is taken as `warning`. */
export type ConsoleLevel = (typeof LOG_LEVELS)[number] & ("debug" | "info" | "warn" | "warning" | "error" | "critical");

export interface LoggerOptions {
  /** How long events gather before they are sent. Default 1000 ms. */
  readonly gatherMs?: number;
  /** Events that wait for the server at most; past it console lines go first, then points, each counted. Default 20,000. */
  readonly maxPendingEvents?: number;
  /** Characters of their JSON, at most. Default 64 Mi. */
  readonly maxPendingCharacters?: number;
  /** Files of one title and series that are kept, at most: names are used again. Default 100, as ClearML's own client has it. */
  readonly maxSampleHistory?: number;
  /** Names this machine beside its console lines. Default: none, and the server puts the session's. */
  readonly worker?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** What is given up is said here, the first of its kind, and counted in `stats()`. Default: silent. */
  readonly logger?: PackageLogger;
}

/** How a logger's reports have fared. */
export interface LoggerStats extends EventQueueStats {
  /** Calls whose value cannot be kept: a name that is too long, an iteration of 1.5. */
  readonly rejected: number;
  /** NaN and infinities, in points, plots and images. */
  readonly nonFinite: number;
}

const DEFAULTS = { gatherMs: 1_000, maxPendingEvents: 20_000, maxPendingCharacters: 64 * 1024 * 1024, maxSampleHistory: 100 };
/** Chart of the points that stand for a value that was no number: the same that a trainer draws. */
const NON_FINITE_TITLE = "nonfinite";

/**
 * Reports to one task. A verb that returns nothing has taken its report in; `flush` resolves when it is delivered. A verb
 * throws a ValidationError for an argument of the wrong type; a value that a computation made and that cannot be kept is
 * counted and said once in the log.
 */
export class Logger implements AsyncDisposable {
  readonly taskId: string;
  readonly #options: LoggerOptions;
  readonly #clock: Clock;
  readonly #log: PackageLogger;
  readonly #queue: EventQueue;
  readonly #samples: SampleUpload;
  readonly #book = new AddressBook();
  readonly #uploads = new Set<Promise<unknown>>();
  readonly #runId = newId();
  readonly #said = new Set<string>();
  #sequence = 0;
  #lastIteration = 0;
  #rejected = 0;
  #nonFinite = 0;

  /** Sends nothing by itself but what is reported. The client stays the caller's to close, after this. */
  constructor(clearml: Pick<ClearML, "session" | "tasks" | "projects" | "objects">, taskId: string, options: LoggerOptions = {}) {
    const { clock = systemClock, random = Math.random, logger = silentLogger } = options;
    const limits = { ...DEFAULTS, ...options };
    this.taskId = taskId;
    this.#options = options;
    this.#clock = clock;
    this.#log = logger;
    this.#queue = new EventQueue({ session: clearml.session, taskId, ...limits, clock, random, logger });
    this.#samples = new SampleUpload(clearml, taskId, Math.max(1, limits.maxSampleHistory));
  }

  /** The newest iteration of a point, a plot or a sample; 0 while there is none. The machine's own load does not count. */
  get lastIteration(): number {
    return this.#lastIteration;
  }

  /** Console text. Each call is one entry. */
  reportText(message: string, options: { readonly level?: ConsoleLevel } = {}): void {
    if (typeof message !== "string") wrongType("reportText", "message", "a text", message);
    const { level = "info" } = options;
    const line = {
      timestamp: Math.trunc(this.#clock.now()),
      trainer_sdk_run: this.#runId,
      trainer_sdk_sequence: ++this.#sequence,
    };
    const { worker } = this.#options;
    const event = {
      type: "log",
      task: this.taskId,
      level: level === "warn" ? "warning" : level,
      msg: consoleText(message),
      ...line,
      ...(worker === undefined ? {} : { worker }),
    };
    this.#queue.add([{ class: "console", json: JSON.stringify(event), line }]);
  }

  /** One point. The same title, series and iteration again overwrites it. */
  reportScalar(input: { readonly title: string; readonly series: string; readonly value: number; readonly iteration: number }): void {
    const verb = "reportScalar";
    checkObject(verb, "input", input);
    const { title, series, value, iteration } = input;
    checkText(verb, "title", title);
    checkText(verb, "series", series);
    if (typeof value !== "number") wrongType(verb, "value", "a number", value);
    if (typeof iteration !== "number") wrongType(verb, "iteration", "a number", iteration);
    const problem = iterationProblem(iteration) ?? lineNameProblem(title) ?? lineNameProblem(series);
    if (problem === undefined) this.#point(title, series, value, iteration);
    else this.#reject(verb, problem);
  }

  /** A number without an iteration, for the task's summary table. The same name again overwrites it. */
  reportSingleValue(input: { readonly name: string; readonly value: number }): void {
    const verb = "reportSingleValue";
    checkObject(verb, "input", input);
    checkText(verb, "name", input.name);
    if (typeof input.value !== "number") wrongType(verb, "value", "a number", input.value);
    const problem = lineNameProblem(input.name);
    if (problem === undefined) this.#point(SINGLE_VALUE_METRIC, input.name, input.value, SINGLE_VALUE_ITERATION);
    else this.#reject(verb, problem);
  }

  /** Bars; the buckets are counted already. */
  reportHistogram(input: HistogramInput): void {
    this.#plot("reportHistogram", (verb) => drawHistogram(verb, input));
  }

  /** A vector as bars: the older name of {@link Logger.reportHistogram}. */
  reportVector(input: HistogramInput): void {
    this.#plot("reportVector", (verb) => drawHistogram(verb, input));
  }

  /** A table of texts and numbers. */
  reportTable(input: TableInput): void {
    this.#plot("reportTable", (verb) => drawTable(verb, input));
  }

  /** Several named lines in one plot. */
  reportLine(input: LineInput): void {
    this.#plot("reportLine", (verb) => drawLines(verb, input));
  }

  /** Points or a curve in a plane. */
  reportScatter2d(input: Scatter2dInput): void {
    this.#plot("reportScatter2d", (verb) => drawScatter2d(verb, input));
  }

  /** Points or a curve in space. */
  reportScatter3d(input: Scatter3dInput): void {
    this.#plot("reportScatter3d", (verb) => drawScatter3d(verb, input));
  }

  /** A matrix as a landscape. */
  reportSurface(input: SurfaceInput): void {
    this.#plot("reportSurface", (verb) => drawSurface(verb, input));
  }

  /** A matrix as colours, each cell with its number. */
  reportConfusionMatrix(input: ConfusionMatrixInput): void {
    this.#plot("reportConfusionMatrix", (verb) => drawConfusionMatrix(verb, input));
  }

  /** The older name of {@link Logger.reportConfusionMatrix}. */
  reportMatrix(input: ConfusionMatrixInput): void {
    this.#plot("reportMatrix", (verb) => drawConfusionMatrix(verb, input));
  }

  /** Any Plotly figure. */
  reportPlotly(input: PlotlyInput): void {
    this.#plot("reportPlotly", (verb) => drawAny(verb, input));
  }

  /**
   * An image, for the task's debug samples: a file, encoded bytes, pixels, or an address. Resolves with its address once the
   * bytes are stored and the event is taken in; undefined when it was rejected for a name or an iteration.
   *
   * @throws ValidationError for an argument of the wrong type or a file that cannot be read; UploadError, ApiError,
   * ConnectionError, ConfigError when it cannot be stored; the signal's reason.
   */
  reportImage(input: ImageInput, options: Pick<CallOptions, "signal"> = {}): Promise<string | undefined> {
    return this.#sample("reportImage", (verb) => readImage(verb, input), options);
  }

  /** A video, a sound, any file, for the task's debug samples. Promise and errors as for {@link Logger.reportImage}. */
  reportMedia(input: MediaInput, options: Pick<CallOptions, "signal"> = {}): Promise<string | undefined> {
    return this.#sample("reportMedia", (verb) => readMedia(verb, input), options);
  }

  /** A page, for the task's debug samples. Promise and errors as for {@link Logger.reportImage}. */
  reportHtml(input: HtmlInput, options: Pick<CallOptions, "signal"> = {}): Promise<string | undefined> {
    return this.#sample("reportHtml", (verb) => readHtml(verb, input), options);
  }

  /**
   * Sends what was reported before, samples that are being stored included. Resolves when it is delivered or cannot be now:
   * the outcome says which. Rejects only with the signal's reason.
   */
  async flush(options: Pick<CallOptions, "signal" | "retry"> = {}): Promise<FlushOutcome> {
    await Promise.allSettled(this.#uploads);
    return this.#queue.flush(options);
  }

  /** How things stand, now. */
  stats(): LoggerStats {
    return { ...this.#queue.stats, rejected: this.#rejected, nonFinite: this.#nonFinite };
  }

  /** Sends what is there, as {@link Logger.flush}, and takes nothing more. What waits still is lost. */
  async close(options: Pick<CallOptions, "signal" | "retry"> = {}): Promise<FlushOutcome> {
    try {
      return await this.flush(options);
    } finally {
      this.#queue.stop();
    }
  }

  /** The same as {@link Logger.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #point(title: string, series: string, value: number, iteration: number): void {
    // The index keeps 32-bit floats and refuses what becomes infinite in one (4.3).
    if (Number.isFinite(Math.fround(value))) {
      this.#event("point", title, series, iteration, { type: "training_stats_scalar", value });
      return;
    }
    this.#noteNonFinite(`${title}/${series}`, 1);
    this.#event("point", NON_FINITE_TITLE, `${title}/${series}`, iteration, { type: "training_stats_scalar", value: 1 });
  }

  #plot(verb: string, draw: (verb: string) => DrawnPlot): void {
    const plot = draw(verb);
    const { title, series, iteration, figure, nonFinite } = plot;
    const problem =
      iterationProblem(iteration) ?? lineNameProblem(title) ?? (series === "" ? undefined : lineNameProblem(series)) ?? figureProblem(plot);
    if (problem !== undefined) {
      this.#reject(verb, problem);
      return;
    }
    this.#noteNonFinite(`${title}/${series}`, nonFinite);
    this.#event("figure", title, series, iteration, { type: "plot", plot_str: figure });
  }

  #sample(verb: string, read: (verb: string) => ReadSample, options: Pick<CallOptions, "signal">): Promise<string | undefined> {
    const sample = read(verb);
    const { title, series, iteration, nonFinite } = sample;
    const problem = iterationProblem(iteration) ?? lineNameProblem(title) ?? lineNameProblem(series);
    if (problem !== undefined) {
      this.#reject(verb, problem);
      return Promise.resolve(undefined);
    }
    this.#noteNonFinite(`${title}/${series}`, nonFinite);
    const work = this.#storeSample(sample, options.signal ?? new AbortController().signal);
    this.#uploads.add(work);
    const done = (): void => {
      this.#uploads.delete(work);
    };
    work.then(done, done);
    return work;
  }

  /** The bytes first: an event whose address leads nowhere is worse than none. */
  async #storeSample(sample: ReadSample, signal: AbortSignal): Promise<string> {
    const { url, key } = await this.#samples.store(sample, signal);
    const { title, series, iteration } = sample;
    this.#event("figure", title, series, iteration, { type: "training_debug_image", url, key });
    return url;
  }

  #event(kind: EventClass, title: string, series: string, iteration: number, fields: object): void {
    if (iteration > this.#lastIteration && title !== MONITOR_MACHINE && title !== MONITOR_GPU) this.#lastIteration = iteration;
    const line = this.#book.resolve({ title: title.toWellFormed(), series: series.toWellFormed() });
    const event = {
      task: this.taskId,
      timestamp: Math.trunc(this.#clock.now()),
      iter: iteration,
      metric: line.title,
      variant: line.series,
      ...fields,
    };
    this.#queue.add([{ class: kind, json: JSON.stringify(event) } satisfies QueuedEvent]);
  }

  #noteNonFinite(what: string, values: number): void {
    if (values === 0) return;
    this.#nonFinite += values;
    this.#sayOnce(`nonFinite ${what}`, `${what} was not finite; such values are left out and counted`);
  }

  #reject(verb: string, problem: string): void {
    this.#rejected++;
    this.#sayOnce(
      `${verb} ${problem.replace(/[-\d.]+/g, "#")}`,
      `${verb}: not kept: ${problem} (further ones of this kind are only counted)`,
    );
  }

  #sayOnce(kind: string, message: string): void {
    if (this.#said.has(kind) || this.#said.size >= 1_000) return;
    this.#said.add(kind);
    this.#log.warn(message);
  }
}
