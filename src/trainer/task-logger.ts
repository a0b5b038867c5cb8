/**
 * `currentTask().logger`: charts, plots and console of the task, under the names that ClearML's own client has for them.
 * Every verb journals a fact; none waits for the network.
 */
import { drawAny, type PlotlyInput } from "../records/figures/any-figure.js";
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
import { readHtml, readImage, readMedia, type HtmlInput, type ImageInput, type MediaInput } from "../records/media/media-input.js";
import type { Receipt, UploadReceipt } from "./receipt.js";
import { reportMedia, type TakeInOptions } from "./report-media.js";
import { reportPlot } from "./report-plot.js";
import { log, type LogLevelInput } from "./report-progress.js";
import { reportScalar, reportSingleValue, type ScalarInput, type SingleValueInput } from "./report-scalar.js";
import type { Run } from "./run.js";

/**
 * Charts, plots and console of a task. Promises mean durable, as everywhere. A plot is drawn at the call; the same title,
 * series and iteration again overwrites it; values in it that are not finite are left out and counted.
 */
export class TaskLogger {
  readonly #run: Run;

  /** @internal */
  constructor(run: Run) {
    this.#run = run;
  }

  /** Console text. Each call is one entry. @throws ValidationError for an argument of the wrong type. */
  reportText(message: string, options: { readonly level?: LogLevelInput } = {}): Promise<Receipt> {
    return log(this.#run, options.level ?? "info", message);
  }

  /** One point. The same title, series and iteration again overwrites it. @throws ValidationError for an argument of the wrong type. */
  reportScalar(input: ScalarInput): Promise<Receipt> {
    return reportScalar(this.#run, input);
  }

  /** A number without an iteration, for the task's summary table. The same name again overwrites it. @throws ValidationError for an argument of the wrong type. */
  reportSingleValue(input: SingleValueInput): Promise<Receipt> {
    return reportSingleValue(this.#run, input);
  }

  /** Bars; the buckets are counted already. @throws ValidationError for an argument of the wrong type. */
  reportHistogram(input: HistogramInput): Promise<Receipt> {
    return this.#plot("reportHistogram", (verb) => drawHistogram(verb, input));
  }

  /** A vector as bars: the older name of {@link TaskLogger.reportHistogram}. @throws ValidationError for an argument of the wrong type. */
  reportVector(input: HistogramInput): Promise<Receipt> {
    return this.#plot("reportVector", (verb) => drawHistogram(verb, input));
  }

  /** A table of texts and numbers. @throws ValidationError for an argument of the wrong type. */
  reportTable(input: TableInput): Promise<Receipt> {
    return this.#plot("reportTable", (verb) => drawTable(verb, input));
  }

  /** Several named lines in one plot. @throws ValidationError for an argument of the wrong type. */
  reportLine(input: LineInput): Promise<Receipt> {
    return this.#plot("reportLine", (verb) => drawLines(verb, input));
  }

  /** Points or a curve in a plane. @throws ValidationError for an argument of the wrong type. */
  reportScatter2d(input: Scatter2dInput): Promise<Receipt> {
    return this.#plot("reportScatter2d", (verb) => drawScatter2d(verb, input));
  }

  /** Points or a curve in space. @throws ValidationError for an argument of the wrong type. */
  reportScatter3d(input: Scatter3dInput): Promise<Receipt> {
    return this.#plot("reportScatter3d", (verb) => drawScatter3d(verb, input));
  }

  /** A matrix as a landscape. @throws ValidationError for an argument of the wrong type. */
  reportSurface(input: SurfaceInput): Promise<Receipt> {
    return this.#plot("reportSurface", (verb) => drawSurface(verb, input));
  }

  /** A matrix as colours, each cell with its number. @throws ValidationError for an argument of the wrong type. */
  reportConfusionMatrix(input: ConfusionMatrixInput): Promise<Receipt> {
    return this.#plot("reportConfusionMatrix", (verb) => drawConfusionMatrix(verb, input));
  }

  /** The older name of {@link TaskLogger.reportConfusionMatrix}. @throws ValidationError for an argument of the wrong type. */
  reportMatrix(input: ConfusionMatrixInput): Promise<Receipt> {
    return this.#plot("reportMatrix", (verb) => drawConfusionMatrix(verb, input));
  }

  /** Any Plotly figure. @throws ValidationError for an argument of the wrong type. */
  reportPlotly(input: PlotlyInput): Promise<Receipt> {
    return this.#plot("reportPlotly", (verb) => drawAny(verb, input));
  }

  /**
   * An image, for the task's debug samples: a file, encoded bytes, pixels, or an address. Promise: the bytes are pinned and
   * the record is durable, with the final `uri`; ClearML hears of it once the bytes are stored.
   *
   * @throws ValidationError for an argument of the wrong type; rejects only with the reason of the caller's own `signal`.
   */
  reportImage(input: ImageInput, options: TakeInOptions = {}): Promise<UploadReceipt> {
    const verb = "reportImage";
    return reportMedia(this.#run, verb, readImage(verb, input), options);
  }

  /** A video, a sound, any file, for the task's debug samples. Promise and errors as for {@link TaskLogger.reportImage}. */
  reportMedia(input: MediaInput, options: TakeInOptions = {}): Promise<UploadReceipt> {
    const verb = "reportMedia";
    return reportMedia(this.#run, verb, readMedia(verb, input), options);
  }

  /** A page, for the task's debug samples. Promise and errors as for {@link TaskLogger.reportImage}. */
  reportHtml(input: HtmlInput, options: TakeInOptions = {}): Promise<UploadReceipt> {
    const verb = "reportHtml";
    return reportMedia(this.#run, verb, readHtml(verb, input), options);
  }

  #plot(verb: string, draw: (verb: string) => ReturnType<typeof drawAny>): Promise<Receipt> {
    return reportPlot(this.#run, verb, () => draw(verb));
  }
}
