/**
 * Plots and pictures of a run beside its curves: a trainer that reports a histogram of its weights, a confusion matrix, a
 * table, a figure of its own and an image. Run by `run.ts`, or by hand:
 *
 *     trainer-sdk dev            # in another terminal; it prints the environment
 *     npx node examples/custom-plots/report.ts
 */
import { TrainerSDK } from "trainer-sdk";

const EPOCHS = 3;
const CLASSES = ["cat", "dog", "fox"];

/** What stands for a network: weights that settle, and a judge that gets better. */
function weightsOf(epoch: number): Float32Array {
  return Float32Array.from({ length: 1_000 }, (_, at) => Math.sin(at) / epoch);
}

function histogram(values: Float32Array, buckets: number): { counts: Uint32Array; names: string[] } {
  const counts = new Uint32Array(buckets);
  for (const value of values) {
    const bucket = Math.min(buckets - 1, Math.floor(((value + 1) / 2) * buckets));
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return { counts, names: Array.from(counts, (_, bucket) => (-1 + (2 * (bucket + 0.5)) / buckets).toFixed(2)) };
}

/** 20 samples of each class, of which more are right in each epoch. */
function confusion(epoch: number): number[][] {
  return CLASSES.map((_, truth) => CLASSES.map((__, guess) => (truth === guess ? 14 + 2 * epoch : 3 - epoch)));
}

/** A picture of the matrix: the brighter, the more. */
function picture(matrix: number[][]): { data: Float32Array; width: number; height: number } {
  return { data: Float32Array.from(matrix.flat(), (count) => count / 20), width: CLASSES.length, height: CLASSES.length };
}

// No promise of a verb rejects, so none has to be awaited: `close` says what was delivered.
const sdk = await TrainerSDK.init();
const { logger } = sdk.currentTask();
for (let epoch = 1; epoch <= EPOCHS; epoch++) {
  const matrix = confusion(epoch);
  const { counts, names } = histogram(weightsOf(epoch), 20);
  const right = matrix.map((row, truth) => row[truth] ?? 0);
  void sdk.reportProgress({ epoch, totalEpochs: EPOCHS, metrics: { "val/accuracy": right.reduce((sum, count) => sum + count, 0) / 60 } });

  void logger.reportHistogram({ title: "weights", series: "layer 1", values: counts, xlabels: names, iteration: epoch, xaxis: "value" });
  void logger.reportConfusionMatrix({
    title: "confusion",
    series: "validation",
    matrix,
    xlabels: CLASSES,
    ylabels: CLASSES,
    xaxis: "guessed",
    yaxis: "true",
    yaxisReversed: true,
    iteration: epoch,
  });
  void logger.reportTable({
    title: "classes",
    series: "validation",
    table: CLASSES.map((name, at) => ({ class: name, right: right[at], share: (right[at] ?? 0) / 20 })),
    iteration: epoch,
  });
  void logger.reportPlotly({
    title: "right guesses",
    series: "by class",
    figure: { data: [{ type: "bar", x: right, y: CLASSES, orientation: "h" }], layout: { xaxis: { range: [0, 20] } } },
    iteration: epoch,
  });
  await logger.reportImage({ title: "confusion", series: "as a picture", pixels: picture(matrix), iteration: epoch });
}
await sdk.reportCompleted();
const { complete } = await sdk.close();
if (!complete) throw new Error("Not everything was delivered. See sdk.stats() and `trainer-sdk sync`.");
