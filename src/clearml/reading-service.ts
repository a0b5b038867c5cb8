/**
 * What was reported, for a platform's backend: in the shapes that charts and tables take, and complete. Where the server
 * cuts an answer short without a word, this asks again. It writes nothing.
 */
import type { Chart } from "./chart.js";
import type { EventsService } from "./events-service.js";
import { readCharts, readComparison, readExactCharts, type ChartQuery, type ExactChartQuery } from "./reading-charts.js";
import { readMetricsOfTasks, readTaskMetrics, type TaskMetrics } from "./reading-metrics.js";
import { readDebugSamples, readPlots, type DebugSample, type Plot, type PlotQuery, type SampleQuery } from "./reading-plots.js";
import type { ReadingSubject } from "./reading-subject.js";
import type { CallOptions, ClearMLSession } from "./session.js";
import { taskIdOf, type TaskArgument } from "./task-argument.js";
import type { TasksService } from "./tasks-service.js";

/** A console line. */
export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
  /** `info`, `warning`, `error`, ...; what a process printed is `info`, its error output `error`. */
  readonly level: string;
  readonly text: string;
  readonly worker: string | undefined;
}

/** Which console lines. */
export interface LogQuery {
  /** Newest first instead of oldest first. Default false. */
  readonly newestFirst?: boolean;
  /** Only lines after this time (before it, when newest first), milliseconds since the epoch. */
  readonly fromTimestampMs?: number;
  /** Lines a page. Default 1000. */
  readonly pageSize?: number;
}

/** Reads reports. Errors are those of {@link ClearMLSession.call}; 400/101 and 400/201 for what is not there. */
export class ReadingService {
  readonly #session: ClearMLSession;
  readonly #tasks: TasksService;
  readonly #events: EventsService;

  constructor({
    session,
    tasks,
    events,
  }: {
    readonly session: ClearMLSession;
    readonly tasks: TasksService;
    readonly events: EventsService;
  }) {
    this.#session = session;
    this.#tasks = tasks;
    this.#events = events;
  }

  /** Last values, extremes and single values of a task. */
  metrics(task: TaskArgument, options: CallOptions = {}): Promise<TaskMetrics> {
    return readTaskMetrics(this.#readers, taskIdOf(task), options);
  }

  /** The same of several tasks, in the order asked for, few requests for many tasks. Those that are not there are left out. */
  metricsOfTasks(tasks: readonly TaskArgument[], options: CallOptions = {}): Promise<readonly TaskMetrics[]> {
    return readMetricsOfTasks(this.#readers, tasks.map(taskIdOf), options);
  }

  /**
   * The charts of a task, or of a model's own metrics, thinned out by the server: a point is the mean of its stretch.
   *
   * @throws ValidationError for `samples` that the server would refuse.
   */
  charts(subject: ReadingSubject, query: ChartQuery & CallOptions = {}): Promise<readonly Chart[]> {
    return readCharts(this.#events, subject, query, callOptions(query));
  }

  /** The charts of several tasks, thinned out: a chart has a line for each task. Throws as {@link ReadingService.charts}. */
  compare(tasks: readonly TaskArgument[], query: ChartQuery & CallOptions = {}): Promise<readonly Chart[]> {
    return readComparison(this.#events, tasks.map(taskIdOf), query, callOptions(query));
  }

  /**
   * Charts with every point, exact, and its time. All of it is held in memory; for millions of points use
   * `clearml.events.iterateScalars`.
   */
  exactCharts(subject: ReadingSubject, query: ExactChartQuery & CallOptions = {}): Promise<readonly Chart[]> {
    return readExactCharts(this.#events, subject, query, callOptions(query));
  }

  /** All console lines, page after page. */
  async *log(task: TaskArgument, query: LogQuery & CallOptions = {}): AsyncGenerator<LogLine, void, undefined> {
    const { newestFirst, fromTimestampMs, pageSize } = query;
    const reading = {
      task: taskIdOf(task),
      ...(newestFirst === undefined ? {} : { newestFirst }),
      ...(fromTimestampMs === undefined ? {} : { fromTimestampMs }),
      ...(pageSize === undefined ? {} : { pageSize }),
    };
    for await (const { timestamp, level, msg, worker } of this.#events.iterateLog(reading, callOptions(query)))
      yield { timestampMs: timestamp ?? 0, level: level ?? "info", text: msg ?? "", worker: worker ?? undefined };
  }

  /** The last lines, oldest of them first. */
  async logTail(task: TaskArgument, lines: number, options: CallOptions = {}): Promise<readonly LogLine[]> {
    const tail: LogLine[] = [];
    if (lines <= 0) return tail;
    for await (const line of this.log(task, { ...options, newestFirst: true, pageSize: Math.min(Math.max(lines, 1), 10_000) })) {
      tail.push(line);
      if (tail.length >= lines) break;
    }
    return tail.reverse();
  }

  /** Reported figures. */
  plots(subject: ReadingSubject, query: PlotQuery & CallOptions = {}): Promise<readonly Plot[]> {
    return readPlots(this.#events, subject, query, callOptions(query));
  }

  /** Debug samples, title by title, newest iterations first. Older ones whose file was overwritten are not among them. */
  debugSamples(subject: ReadingSubject, query: SampleQuery & CallOptions = {}): AsyncGenerator<DebugSample, void, undefined> {
    return readDebugSamples(this.#events, subject, query, callOptions(query));
  }

  get #readers(): { session: ClearMLSession; tasks: TasksService; events: EventsService } {
    return { session: this.#session, tasks: this.#tasks, events: this.#events };
  }
}

function callOptions({ signal, timeoutMs, retry }: CallOptions): CallOptions {
  return { signal, timeoutMs, retry };
}
