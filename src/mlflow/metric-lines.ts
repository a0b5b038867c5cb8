/**
 * The files of metrics in a file store: a line a point, in the order of writing. Millions of them are handed out page by page.
 * A line that is no point costs itself alone, and is counted; a last line without its end may be cut short anywhere.
 */
import { createReadStream } from "node:fs";
import type { MlflowPoint } from "./mlflow-documents.js";
import { integerOf } from "./store-yaml.js";

/** Points in one page. */
const PAGE_POINTS = 10_000;
const CHUNK_BYTES = 256 * 1024;
/** A line of a metric is far shorter; what is longer is what a power loss leaves: zeros without an end. */
const MAX_LINE_LENGTH = 64 * 1024;

/** Whose metrics: lines of a model name the run that measured it. */
export type MetricOwner = "run" | "model";

/** What a file holds that was not handed out. */
export interface MetricDamage {
  /** Lines that are no points. */
  readonly lines: number;
  /** Number of the first of them, from 1; 0 where there is none. */
  readonly first: number;
  /** A last line without its end: `live` when it may still be written, `ended` when nobody will. */
  readonly cutShort?: "live" | "ended";
}

/** How a file is read. */
export interface MetricReading {
  readonly owner: MetricOwner;
  readonly signal: AbortSignal;
  /** True while somebody may still be writing: a last line without its end is then left for later. */
  isLive(): Promise<boolean>;
  /** Called once, at the end. */
  onEnd(damage: MetricDamage): void;
}

/** The points of a file. @throws The system's errors; the signal's reason. */
export async function* readPoints(path: string, reading: MetricReading): AsyncGenerator<readonly MlflowPoint[], void, undefined> {
  const bad = { lines: 0, first: 0 };
  let number = 0;
  let page: MlflowPoint[] = [];
  const take = (line: string): void => {
    number++;
    const point = pointOf(line, reading.owner);
    if (point) page.push(point);
    else if (bad.lines++ === 0) bad.first = number;
  };
  let rest = "";
  let isTooLong = false;
  for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: CHUNK_BYTES })) {
    reading.signal.throwIfAborted();
    const lines = (chunk as string).split("\n");
    for (const [index, part] of lines.entries()) {
      if (!isTooLong) rest += part;
      isTooLong ||= rest.length > MAX_LINE_LENGTH;
      if (index === lines.length - 1) break;
      take(isTooLong ? "" : rest);
      rest = "";
      isTooLong = false;
      if (page.length < PAGE_POINTS) continue;
      yield page;
      page = [];
    }
    if (isTooLong) rest = "";
  }
  if (!isTooLong && rest === "") {
    if (page.length > 0) yield page;
    reading.onEnd(bad);
    return;
  }
  const cutShort = (await reading.isLive()) ? "live" : "ended";
  // Of a run that has ended nobody will write the rest. Where time, value and step are there, MLflow takes the line, too.
  const isTaken = cutShort === "ended" && !isTooLong && rest.trim().split(" ").length >= 3;
  if (isTaken) take(rest);
  if (page.length > 0) yield page;
  reading.onEnd(isTaken ? bad : { ...bad, cutShort });
}

/**
 * The latest of two points as MLflow has it: by step, then time, then value. Not a number is behind nothing and before nothing,
 * so that of one moment the first stays.
 */
export function laterPoint(before: MlflowPoint | undefined, next: MlflowPoint): MlflowPoint {
  if (before === undefined) return next;
  if (next.step !== before.step) return next.step > before.step ? next : before;
  if (next.timestamp !== before.timestamp) return next.timestamp > before.timestamp ? next : before;
  return next.value > before.value ? next : before;
}

/** `time value`, `time value step`, `time value step dataset digest`; of models with a run id behind the step. */
function pointOf(line: string, owner: MetricOwner): MlflowPoint | undefined {
  const words = line.trim().split(" ");
  const [time = "", number = "", at = owner === "run" ? "0" : ""] = words;
  const [timestamp, value, step] = [integerOf(time), doubleOf(number), integerOf(at)];
  if (timestamp === undefined || value === undefined || step === undefined) return undefined;
  const more = words.slice(3);
  const run = owner === "model" ? more.shift() : undefined;
  if (owner === "model" && run === undefined) return undefined;
  const point = { value, timestamp, step, ...(run === undefined ? {} : { run_id: run }) };
  if (more.length === 0) return point;
  // The name of a data set may hold blanks, its digest none.
  const digest = more.pop();
  return more.length === 0 ? undefined : { ...point, dataset_name: more.join(" "), dataset_digest: digest };
}

/** Python's spelling of a double. */
function doubleOf(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return Number(text);
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (!word) return undefined;
  if (/nan/i.test(text)) return Number.NaN;
  return word[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
