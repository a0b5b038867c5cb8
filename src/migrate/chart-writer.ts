/**
 * Draws the points of a run in the charts of its task: the lines of many metrics in one request, one request on its way while
 * the next points are read. No request holds a step of a line twice, for the server does not promise in which order it stores a
 * request; requests go one after the other, and a later one overwrites.
 */
import { TrainerSDKError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import type { ScalarEventInput } from "../protocol/clearml/event-document.js";
import type { MetricAddress } from "../records/metric-address.js";
import { replaces } from "./chart-point.js";
import type { SteppedPoint } from "./points-by-step.js";

/** Points of one request. */
const BATCH_POINTS = 10_000;

/** The point that counts, by step. */
type ChartLine = Map<number, SteppedPoint>;

export class ChartWriter {
  readonly #clearml: ClearML;
  readonly #taskId: string;
  readonly #signal: AbortSignal;
  #waiting = new Map<MetricAddress, ChartLine>();
  #count = 0;
  #sending: Promise<void> = Promise.resolve();

  constructor({ clearml, taskId, signal }: { readonly clearml: ClearML; readonly taskId: string; readonly signal: AbortSignal }) {
    this.#clearml = clearml;
    this.#taskId = taskId;
    this.#signal = signal;
  }

  /** Takes points that can be drawn; resolves when there is room for more. @throws What became of an earlier request. */
  async add(address: MetricAddress, points: Iterable<SteppedPoint>): Promise<void> {
    const line = this.#waiting.get(address) ?? new Map<number, SteppedPoint>();
    this.#waiting.set(address, line);
    this.#count -= line.size;
    for (const point of points) {
      const before = line.get(point.step);
      if (!before || replaces(before, point)) line.set(point.step, point);
    }
    this.#count += line.size;
    if (this.#count >= BATCH_POINTS) await this.#send();
  }

  /** Resolves when all that was added is in ClearML. @throws TrainerSDKError when a point was refused; as the session's calls. */
  async end(): Promise<void> {
    await this.#send();
    await this.#sending;
  }

  async #send(): Promise<void> {
    await this.#sending;
    const lines = this.#waiting;
    this.#waiting = new Map();
    this.#count = 0;
    this.#sending = this.#deliver(lines);
    // Told to whoever comes next, if anyone does.
    this.#sending.catch(() => undefined);
  }

  async #deliver(lines: ReadonlyMap<MetricAddress, ChartLine>): Promise<void> {
    let events: ScalarEventInput[] = [];
    for (const [{ title, series }, line] of lines)
      for (const { step, timestamp, value } of line.values()) {
        const place = { type: "training_stats_scalar" as const, task: this.#taskId, metric: title, variant: series };
        events.push({ ...place, iter: step, timestamp, value });
        if (events.length < BATCH_POINTS) continue;
        await this.#request(events);
        events = [];
      }
    if (events.length > 0) await this.#request(events);
  }

  async #request(events: readonly ScalarEventInput[]): Promise<void> {
    const { errors, errorsInfo } = await this.#clearml.events.addBatch(events, { signal: this.#signal });
    if (errors === 0) return;
    const message = `ClearML refused ${String(errors)} points of task ${this.#taskId}: ${Object.keys(errorsInfo).join("; ")}.`;
    throw new TrainerSDKError(message, { code: "API_ERROR" });
  }
}
