/**
 * The demo: starts a ClearML-compatible server and a trainer, each as a process of its own, shows the training, then
 * reads everything back from the servers and checks it. Words for people go to stderr; stdout has the figures.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkRun, type DemoReport } from "./check-run.ts";
import { type RunningProcess, startServer, startTrainer } from "./child-processes.ts";
import { type DemoOptions, readDemoOptions, USAGE, UsageError } from "./demo-options.ts";
import { trainingBar } from "./progress-bar.ts";
import { ServerReader } from "./server-reader.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => interrupted.abort(new Error(`received ${name}`)));

try {
  const options = readDemoOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(USAGE);
  else process.exitCode = await demo(options);
} catch (error) {
  if (interrupted.signal.aborted) process.exitCode = 130;
  else if (error instanceof UsageError) {
    tell(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    console.error(error);
    process.exitCode = 1;
  }
}

async function demo(options: DemoOptions): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-demo-"));
  const started: RunningProcess[] = [];
  try {
    const server = await startServer();
    started.push(server);
    interrupted.signal.throwIfAborted();
    tell(`Dashboard: ${server.env.CLEARML_WEB_HOST}\n`);
    if (!options.keep) tell("It is up as long as the demo runs; npm run demo -- --keep leaves it up.\n");

    const jobId = `demo-${randomBytes(4).toString("hex")}`;
    const settings = {
      epochs: options.epochs ?? DEFAULT_SETTINGS.epochs,
      trainImages: options.trainImages ?? DEFAULT_SETTINGS.trainImages,
    };
    const bar = trainingBar(process.stderr);
    const trainer = startTrainer({
      env: {
        ...server.env,
        JOB_ID: jobId,
        PROJECT_ID: "mnist",
        CONFIG: JSON.stringify(settings),
        CHECKPOINT_URI: "clearml",
        TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
        MNIST_WORK_DIR: path.join(folder, "work"),
      },
      onLine: bar.line,
      onStep: bar.step,
    });
    started.push(trainer);
    const { code, signal } = await untilInterrupted(trainer.ended);
    bar.stop();
    if (code !== 0) throw new Error(`The trainer ended with ${signal ?? `exit code ${String(code)}`}.`);

    tell("Reading everything back from the servers ...\n");
    const { report, problems } = await checkRun(new ServerReader(server.env), {
      jobId,
      taskName: `Training Job ${jobId}`,
      epochs: settings.epochs,
    });
    for (const problem of problems) tell(`Not as reported: ${problem}\n`);
    summarize(report);
    const page = `${server.env.CLEARML_WEB_HOST}/projects/*/tasks/${report.task.id}/output/metrics/scalar`;
    if (options.keep) tell(`The run stays at ${page} until Ctrl-C.\n`);
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    // Left by Ctrl-C, and by that alone; the server's own death is worth an error.
    if (options.keep) await untilInterrupted(server.ended).catch(() => undefined);
    return report.ok ? 0 : 1;
  } finally {
    // The trainer first: its last words need the server.
    for (const child of started.reverse()) await child.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for `work`, but no longer than until somebody wants to go. @throws The signal's reason. */
async function untilInterrupted<T>(work: Promise<T>): Promise<T> {
  const { signal } = interrupted;
  signal.throwIfAborted();
  return Promise.race([
    work,
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true })),
  ]);
}

function summarize({ ok, task, scalars, checkpoints, model, callbacks }: DemoReport): void {
  tell(`Task ${task.id} is ${task.status}.\n`);
  for (const [name, points] of Object.entries(scalars)) tell(`  ${name}: ${String(points)} points\n`);
  for (const { type, uri, bytes, sha256 } of checkpoints)
    tell(`  checkpoint ${type}: ${String(bytes)} bytes, sha256 ${sha256.slice(0, 12)}..., ${uri}\n`);
  tell(`  model ${model.id}: ${(100 * model.accuracy).toFixed(2)} % of the test digits, computed again from the downloaded weights\n`);
  tell(
    `  callbacks: ${Object.entries(callbacks)
      .map(([kind, count]) => `${String(count)} ${kind}`)
      .join(", ")}\n`,
  );
  tell(ok ? "Everything is there as it was reported.\n" : "Something is missing or wrong.\n");
}

function tell(text: string): void {
  process.stderr.write(text);
}
