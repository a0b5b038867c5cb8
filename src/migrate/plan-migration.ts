/** Says what a migration would move, and what of it ClearML cannot show as MLflow does. Reads all of MLflow and asks ClearML a little; writes nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeError } from "../base/errors.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import type { MlflowTrouble } from "../mlflow/mlflow-source.js";
import { isIsoLookalike } from "../records/metric-address.js";
import { noChartReason } from "./chart-point.js";
import { parentOf, readInventory, type Inventory, type SkippedRuns, type Unread } from "./inventory.js";
import { estimateTime, keepSample, type FileSample, type TimeEstimate } from "./estimate-time.js";
import { noteRun } from "./lossy-sources.js";
import { LossyThings, type LossyThing } from "./lossy-things.js";
import { mappedNames, plainPath, projectPaths } from "./mapped-names.js";
import { DEFAULT_CONCURRENCY, type MigrationOptions } from "./migration-options.js";
import { PointsByStep, type SteppedPoint } from "./points-by-step.js";
import { planModels, type PlannedModels } from "./plan-models.js";
import { RUN_COPY_ARTIFACT } from "./run-copy.js";
import { forEachAtOnce } from "./work-pool.js";

export interface MigrationPlan {
  readonly trackingUri: string;
  readonly version: string;
  readonly experiments: readonly {
    readonly experimentId: string;
    readonly name: string;
    readonly project: string;
    readonly runs: number;
  }[];
  readonly runs: number;
  readonly deletedRuns: number;
  readonly parameters: number;
  readonly tags: number;
  readonly metrics: number;
  readonly points: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly models: PlannedModels;
  readonly lossy: readonly LossyThing[];
  /** How long `run` and `verify` will take, about. */
  readonly estimate: TimeEstimate;
  readonly skipped: SkippedRuns;
  /** Workspaces that were read. */
  readonly workspaces: readonly string[];
  readonly unread: Unread;
  /** Places of the source that are not as MLflow leaves them. */
  readonly troubles: readonly MlflowTrouble[];
  /** Runs that could not be read. */
  readonly failures: readonly { readonly runId: string; readonly reason: string }[];
}

/** @throws As `runMigration`, for what keeps the lists from being read; the signal's reason. */
export async function planMigration(options: MigrationOptions): Promise<MigrationPlan> {
  const { mlflow, into } = options;
  const signal = options.signal ?? new AbortController().signal;
  const version = await mlflow.version({ signal });
  const inventory = await readInventory(options, signal);
  const survey = new Survey(options, inventory, signal);
  const paths = projectPaths(inventory.everyExperiment, into);
  const runsOf = new Map<string, number>();
  for (const { experiment } of inventory.runs.values())
    runsOf.set(experiment.experiment_id, (runsOf.get(experiment.experiment_id) ?? 0) + 1);
  const experiments = inventory.experiments.map((experiment) => {
    const { experiment_id, name } = experiment;
    const project = paths.get(experiment_id) ?? name;
    if (project !== plainPath(experiment, into)) survey.lossy.note("project", `${name} becomes ${project}`);
    return { experimentId: experiment_id, name, project, runs: runsOf.get(experiment_id) ?? 0 };
  });
  for (const { experimentId, name, runs } of experiments)
    if (runs === 0) survey.lossy.note("empty-experiment", `${name} (${experimentId})`);
  const startMs = performance.now();
  let runsDone = 0;
  const failures: { runId: string; reason: string }[] = [];
  await forEachAtOnce(inventory.runs.keys(), options.concurrency ?? DEFAULT_CONCURRENCY, async (runId) => {
    signal.throwIfAborted();
    try {
      await survey.read(runId);
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push({ runId, reason: describeError(error) });
    }
    runsDone++;
    options.onProgress?.({ runsDone, runsTotal: inventory.runs.size, points: survey.counts.points, files: survey.counts.files });
  });
  const readSeconds = (performance.now() - startMs) / 1000;
  const models = await planModels(options, inventory, survey.lossy, signal);
  const { counts } = survey;
  const estimate = await estimateTime(
    options,
    { ...counts, runs: inventory.runs.size, models, readSeconds, samples: survey.samples },
    signal,
  );
  return {
    trackingUri: mlflow.address,
    version,
    experiments,
    runs: inventory.runs.size,
    deletedRuns: [...inventory.runs.values()].filter(({ isDeleted }) => isDeleted).length,
    ...counts,
    models,
    lossy: survey.lossy.list(),
    estimate,
    skipped: inventory.skipped,
    workspaces: inventory.workspaces,
    unread: inventory.unread,
    troubles: mlflow.troubles?.() ?? [],
    failures,
  };
}

class Survey {
  readonly counts = { parameters: 0, tags: 0, metrics: 0, points: 0, files: 0, fileBytes: 0 };
  readonly #options: MigrationOptions;
  readonly #inventory: Inventory;
  readonly #signal: AbortSignal;
  readonly lossy = new LossyThings();
  /** Files of moderate size, to be fetched once for the time that it takes. */
  readonly samples: FileSample[] = [];

  constructor(options: MigrationOptions, inventory: Inventory, signal: AbortSignal) {
    this.#options = options;
    this.#inventory = inventory;
    this.#signal = signal;
  }

  async read(runId: string): Promise<void> {
    const { mlflow } = this.#options;
    const signal = this.#signal;
    const run = await mlflow.run(runId, { signal });
    this.#settings(run);
    const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-plan-"));
    try {
      for (const { key } of run.data.metrics) await this.#metric(runId, key, join(folder, "points"));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const paths: string[] = [];
    for await (const file of mlflow.artifacts(runId, { signal })) {
      this.counts.files++;
      const sizeBytes = Number(file.file_size ?? 0);
      this.counts.fileBytes += sizeBytes;
      keepSample(this.samples, { runId, path: file.path, sizeBytes });
      paths.push(file.path);
    }
    this.#names(runId, mappedNames(paths, [RUN_COPY_ARTIFACT]));
  }

  #settings(run: MlflowRun): void {
    const { info, data } = run;
    const { run_id: runId } = info;
    this.counts.parameters += data.params.length;
    this.counts.tags += data.tags.length;
    this.counts.metrics += data.metrics.length;
    this.#names(runId, mappedNames(data.params.map(({ key }) => key)));
    this.#names(runId, mappedNames(data.tags.map(({ key }) => key)));
    for (const { key, value } of [...data.params, ...data.tags])
      if (isIsoLookalike(value)) this.lossy.note("iso-value", `${key} of run ${runId}: ${value}`);
    noteRun(this.lossy, run);
    const parent = this.#inventory.runs.get(runId)?.parentRunId;
    if (parent !== undefined && parentOf(runId, this.#inventory.runs) === undefined)
      this.lossy.note("parent", `run ${runId} with parent ${parent}`);
  }

  #names(runId: string, names: ReadonlyMap<string, string>): void {
    for (const [name, kept] of names)
      if (name !== kept) this.lossy.note("renamed", `${JSON.stringify(name)} of run ${runId} becomes ${JSON.stringify(kept)}`);
  }

  /** By step, so that however long a metric is, the steps that it has twice are counted in the same memory. */
  async #metric(runId: string, key: string, path: string): Promise<void> {
    await using drawn = new PointsByStep(path);
    for await (const page of this.#options.mlflow.history(runId, key, { signal: this.#signal })) {
      this.counts.points += page.length;
      const points: SteppedPoint[] = [];
      for (const point of page) {
        const reason = noChartReason(point);
        if (reason !== undefined) this.lossy.note(reason, `${key} of run ${runId} at step ${String(point.step)}`);
        else points.push({ step: Number(point.step), timestamp: Number(point.timestamp), value: point.value });
      }
      await drawn.add(points);
    }
    let before: number | undefined;
    for await (const page of drawn.pages())
      for (const { step } of page) {
        if (step === before) this.lossy.note("same-step", `${key} of run ${runId} at step ${String(step)}`);
        before = step;
      }
  }
}
