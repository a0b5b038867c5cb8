/** Plots as Plotly figures, and debug samples as addresses. */
import type { EventDocument, MetricFilter } from "../protocol/clearml/event-document.js";
import type { EventsService } from "./events-service.js";
import { subjectOf, type ReadingSubject } from "./reading-subject.js";
import type { CallOptions } from "./session.js";

/** Marks the end of a scroll over the server's index (4.6). */
const LAST_SCROLL = "FFFF";
/** Iterations a page of samples. */
const SAMPLE_ITERATIONS = 10;

/** What Plotly draws. */
export interface PlotlyFigure {
  readonly data: readonly unknown[];
  readonly layout: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** A reported figure. */
export interface Plot {
  readonly title: string;
  readonly series: string;
  readonly iteration: number;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Undefined when what was stored is no figure; `json` is it then. */
  readonly figure: PlotlyFigure | undefined;
  /** As it was stored. */
  readonly json: string;
}

/** Which plots. */
export interface PlotQuery {
  /** Only these titles, and of them only these series. Default all. */
  readonly metrics?: readonly MetricFilter[];
  /** Of each title and series the last so many iterations. Default 1. */
  readonly iterations?: number;
}

/** A sample: an image, a sound, a text, held elsewhere. */
export interface DebugSample {
  readonly title: string;
  readonly series: string;
  readonly iteration: number;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Where it lies; `clearml.objects.fetch` brings it here. File names recycle: it may be another sample's later on. */
  readonly url: string;
}

/** Which samples. */
export interface SampleQuery {
  /** Only these titles, and of them only these series. Default all. */
  readonly metrics?: readonly MetricFilter[];
  /** Of each title the last so many iterations. Default all. */
  readonly iterations?: number;
}

/** All plots that fit, in no particular order of iterations. */
export async function readPlots(
  events: EventsService,
  subject: ReadingSubject,
  { metrics, iterations }: PlotQuery,
  options: CallOptions,
): Promise<readonly Plot[]> {
  const { id, isModel } = subjectOf(subject);
  const plots = new Map<string, Plot>();
  let scrollId: string | undefined;
  for (;;) {
    const before = plots.size;
    const answer = await events.getTaskPlots(
      {
        task: id,
        model_events: isModel,
        iters: iterations ?? 1,
        ...(metrics === undefined ? {} : { metrics: metrics.map((filter) => ({ ...filter })) }),
        ...(scrollId === undefined ? {} : { scroll_id: scrollId }),
      },
      options,
    );
    for (const event of answer.plots) plots.set(JSON.stringify([event.metric, event.variant, event.iter]), plotOf(event));
    scrollId = answer.scroll_id ?? undefined;
    // A page that brings nothing new comes from a server that starts over.
    if (scrollId === undefined || scrollId === LAST_SCROLL || plots.size === before) return [...plots.values()];
  }
}

/** All samples that fit, title by title, newest iterations first. */
export async function* readDebugSamples(
  events: EventsService,
  subject: ReadingSubject,
  { metrics, iterations = Number.POSITIVE_INFINITY }: SampleQuery,
  options: CallOptions,
): AsyncGenerator<DebugSample, void, undefined> {
  const { id, isModel } = subjectOf(subject);
  const wanted = metrics ?? (await titlesOf(events, id, isModel, options)).map((metric): MetricFilter => ({ metric }));
  for (const { metric, variants } of wanted) {
    const seen = new Set<number>();
    let scrollId: string | undefined;
    for (;;) {
      const answer = await events.debugImages(
        {
          metrics: [{ task: id, metric, ...(variants ? { variants } : {}) }],
          iters: Math.min(SAMPLE_ITERATIONS, iterations),
          navigate_earlier: true,
          model_events: isModel,
          ...(scrollId === undefined ? {} : { scroll_id: scrollId }),
        },
        options,
      );
      // The server forgets a reader's place after an hour and starts over: what is known already ends the reading.
      const fresh = (answer.metrics ?? []).flatMap((page) => page.iterations ?? []).filter(({ iter }) => !seen.has(iter ?? 0));
      for (const { iter, events: samples } of fresh) {
        if (seen.size >= iterations) break;
        seen.add(iter ?? 0);
        for (const sample of samples ?? []) if (sample.url != null) yield sampleOf(sample, sample.url);
      }
      scrollId = answer.scroll_id ?? undefined;
      if (fresh.length === 0 || scrollId === undefined || seen.size >= iterations) break;
    }
  }
}

async function titlesOf(events: EventsService, id: string, isModel: boolean, options: CallOptions): Promise<readonly string[]> {
  const answer = await events.getTaskMetrics({ tasks: [id], event_type: "training_debug_image", model_events: isModel }, options);
  return answer.metrics.find(({ task }) => task === id)?.metrics ?? [];
}

function sampleOf({ metric, variant, iter, timestamp }: EventDocument, url: string): DebugSample {
  return { title: metric ?? "", series: variant ?? "", iteration: iter ?? 0, timestampMs: timestamp ?? 0, url };
}

function plotOf({ metric, variant, iter, timestamp, plot_str: text }: EventDocument): Plot {
  const json = text ?? "";
  return {
    title: metric ?? "",
    series: variant ?? "",
    iteration: iter ?? 0,
    timestampMs: timestamp ?? 0,
    figure: figureOf(json),
    json,
  };
}

/** The figure that a text holds. Python's bare `NaN` and `Infinity`, which JSON does not know, become null. */
export function figureOf(json: string): PlotlyFigure | undefined {
  const figure =
    parsed(json) ?? parsed(json.replaceAll(/("(?:[^"\\]|\\.)*")|-?\b(?:NaN|Infinity)\b/g, (_all, text?: string) => text ?? "null"));
  if (typeof figure !== "object" || figure === null || Array.isArray(figure)) return undefined;
  const { data, layout } = figure as { readonly data?: unknown; readonly layout?: unknown };
  return {
    ...figure,
    data: Array.isArray(data) ? data : [],
    layout: typeof layout === "object" && layout !== null ? (layout as Record<string, unknown>) : {},
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
