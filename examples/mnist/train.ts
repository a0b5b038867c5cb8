/**
 * The trainer: what a training container runs. It takes everything from the environment, tells its story once through
 * the SDK, and can be killed at any moment: started again on the same folders, it goes on where it was.
 *
 * Beside the variables of the SDK it reads `MNIST_WORK_DIR` (its weights, default `work`) and `DEMO_LEDGER` (ledger.ts).
 */
import { access, writeFile } from "node:fs/promises";
import path from "node:path";
import { type MetricsInput, TrainerSDK } from "trainer-sdk";
import { CLASSES } from "./network.ts";
import { loadTestDigits } from "./digits.ts";
import { openLedger } from "./ledger.ts";
import { settingsSchema } from "./settings.ts";
import { evaluate, networkOf, TrainingRun } from "./training-run.ts";
import { readWeights } from "./weights-file.ts";

/** Steps between two points of the step-level chart. */
const STEPS_BETWEEN_POINTS = 10;

const workFolder = path.resolve(process.env["MNIST_WORK_DIR"] ?? "work");
const note = openLedger(process.env["DEMO_LEDGER"]);

// Signals are the program's business, not the library's: a container that is asked to go gets its last words out.
const goodbye = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => goodbye.abort(new Error(`received ${name}`)));

const sdk = await TrainerSDK.init({
  signal: goodbye.signal,
  logger: { debug() {}, info() {}, warn: complain, error: complain },
});
try {
  if (!(await exists("finished"))) await train();
} catch (error) {
  const { stopRequested } = sdk.stats();
  if (stopRequested) {
    console.log(`stopping: ${stopRequested.message}`);
    await sdk.reportStopped(stopRequested.message);
  } else {
    console.error(error);
    await sdk.reportFailed(error);
    process.exitCode = 1;
  }
}
const receipt = await sdk.close({ deadlineMs: 20_000 });
if (!receipt.complete)
  console.error(`not everything has arrived; the rest waits in ${String(receipt.journalPath)}: ${JSON.stringify(receipt.sinks)}`);

async function train(): Promise<void> {
  const settings = settingsSchema.parse(sdk.config);
  const run = await TrainingRun.open(settings, workFolder);
  const { epochs } = settings;
  const task = sdk.currentTask();

  await note(sdk.reportStarted({ totalEpochs: epochs }), { verb: "started" });
  await say(
    run.epoch === 0
      ? `learning ${String(settings.trainImages)} digits, ${String(epochs)} epochs`
      : `going on after epoch ${String(run.epoch)}`,
  );

  // What `CONFIG` left open is worth knowing too, for whoever wants to repeat the run.
  void task.connect({ ...settings }, { section: "Args" });

  while (run.epoch < epochs) {
    const outcome = await run.trainEpoch(sdk.signal, ({ step, loss }) => {
      process.send?.({ step, steps: epochs * run.stepsPerEpoch, loss });
      if (step % STEPS_BETWEEN_POINTS !== 0) return;
      // Not awaited: the call costs microseconds, and its promise never rejects.
      void note(task.logger.reportScalar({ title: "batch loss", series: "train", value: loss, iteration: step }), {
        verb: "scalar",
        title: "batch loss",
        series: "train",
        iteration: step,
        value: loss,
      });
    });
    const { epoch, learningRate, training, validation, isBest } = outcome;
    const metrics: MetricsInput = { train_loss: training.loss, train_accuracy: training.accuracy, learning_rate: learningRate };
    const validationMetrics: MetricsInput = { val_loss: validation.loss, val_accuracy: validation.accuracy };
    await Promise.all([
      note(sdk.reportProgress({ epoch, totalEpochs: epochs, metrics }), { verb: "progress", epoch, metrics }),
      note(sdk.reportValidation({ epoch, metrics: validationMetrics }), { verb: "validation", epoch, metrics: validationMetrics }),
      say(
        `epoch ${String(epoch)}/${String(epochs)}: loss ${training.loss.toFixed(4)}, validation accuracy ${percent(validation.accuracy)}${isBest ? ", the best so far" : ""}`,
      ),
    ]);
    // Once the call has answered, the SDK holds its own copy: the file may be renamed or written anew.
    await note(sdk.uploadCheckpoint(run.nextFile, { type: "last", epoch, metrics: validationMetrics }), {
      verb: "checkpoint",
      type: "last",
      epoch,
    });
    if (isBest)
      await note(sdk.uploadCheckpoint(run.bestFile, { type: "best", epoch, isBest: true, metrics: validationMetrics }), {
        verb: "checkpoint",
        type: "best",
        epoch,
      });
    await run.keep();
  }

  const test = await evaluate(networkOf(await readWeights(run.bestFile)), await loadTestDigits(), sdk.signal);
  const finalMetrics = { test_accuracy: test.accuracy, test_loss: test.loss };
  if (!(await exists("registered"))) {
    const labels = Object.fromEntries(Array.from({ length: CLASSES }, (_, digit) => [String(digit), digit]));
    await note(
      sdk.registerModel({
        name: "mnist-digits",
        path: run.bestFile,
        framework: "safetensors",
        tags: ["mnist", "demo"],
        labels,
        epoch: run.bestEpoch,
        metrics: finalMetrics,
      }),
      { verb: "model" },
    );
    await mark("registered");
  }
  await say(`epoch ${String(run.bestEpoch)} tells ${percent(test.accuracy)} of the test digits`);
  await note(sdk.reportCompleted({ finalMetrics }), { verb: "completed" });
  await mark("finished");
}

/** One line for the container's log and for the task's console. */
async function say(message: string): Promise<void> {
  console.log(message);
  await note(sdk.log("info", message), { verb: "log", message });
}

/** Steps that must not be told twice leave a file behind. */
async function mark(name: string): Promise<void> {
  await writeFile(path.join(workFolder, name), "");
}

async function exists(name: string): Promise<boolean> {
  return access(path.join(workFolder, name)).then(
    () => true,
    () => false,
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function complain(message: string): void {
  console.error(`trainer-sdk: ${message}`);
}
