/** Says what a migration would move, and what of it ClearML cannot show as MLflow does. Reads MLflow alone, all of it; writes nothing. */
import { describeError } from "../base/errors.js";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import { isIsoLookalike } from "../records/metric-address.js";
import { noChartReason, type NoChartReason } from "./chart-point.js";
import { parentOf, readInventory, type Inventory, type SkippedRuns } from "./inventory.js";
import { mappedNames, projectPaths } from "./mapped-names.js";
import { metricAddresses } from "../records/metric-addresses.js";
import { DEFAULT_CONCURRENCY, type MigrationOptions } from "./migration-options.js";
import { RUN_COPY_ARTIFACT } from "./run-copy.js";
import { sourceModels } from "./source-models.js";
import { forEachAtOnce } from "./work-pool.js";

/** Something that ClearML shows otherwise than MLflow did. The original is in the copy of its run all the same. */
export interface LossyThing {
  readonly what: string;
  readonly count: number;
  /** Why, and what becomes of it. */
  readonly why: string;
  /** One of them. */
  readonly example: string;
}

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
  /** Logged models (MLflow 3), and versions of registered ones. */
  readonly models: { readonly logged: number; readonly versions: number };
  readonly lossy: readonly LossyThing[];
  /** What this version does not move. */
  readonly notMoved: readonly { readonly what: string; readonly count: number }[];
  readonly skipped: SkippedRuns;
  /** Runs that could not be read. */
  readonly failures: readonly { readonly runId: string; readonly reason: string }[];
}

const WHY: Readonly<Record<string, string>> = {
  "not-finite": "a point that is NaN or infinite cannot be in a chart; it is kept in the copy",
  "too-large": "a point beyond 32 bits of floating point cannot be in a chart (databases keep infinities so); it is kept in the copy",
  step: "a step or time that a number cannot hold, or that means something else to ClearML, cannot be in a chart; it is kept in the copy",
  "same-step": "a chart holds one point a step: the latest is shown, all are kept in the copy",
  renamed: "ClearML would confuse the name with another or read a date in it; the task says what it was called",
  "iso-value": "ClearML would read the text as a date: a space is put behind it",
  unended: "the run never ended: its task is stopped, with MLflow's word as the reason",
  parent: "the parent is not among the runs that are moved, or leads back to the run: the tag alone tells of it",
  project: "the experiment's name cannot be a project's path as it is; the project's description has the exact name",
};

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
  const experiments = inventory.experiments.map(({ experiment_id, name }) => {
    const project = paths.get(experiment_id) ?? name;
    if (project !== (into === undefined ? name : `${into}/${name}`)) survey.lossy("project", `${name} becomes ${project}`);
    return { experimentId: experiment_id, name, project, runs: runsOf.get(experiment_id) ?? 0 };
  });
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
  const models = { logged: 0, versions: 0 };
  for await (const { owner } of sourceModels(mlflow, inventory, signal)) {
    if (typeof owner === "object" && "modelId" in owner) models.logged++;
    else models.versions++;
  }
  let empty = 0;
  for await (const { name } of mlflow.registeredModels({ signal }))
    if ((await mlflow.modelVersions(name, { signal }).next()).done === true) empty++;
  const notMoved = [{ what: "registered models without a version", count: empty }];
  return {
    trackingUri: mlflow.address,
    version,
    experiments,
    runs: inventory.runs.size,
    deletedRuns: [...inventory.runs.values()].filter(({ isDeleted }) => isDeleted).length,
    parameters: survey.counts.parameters,
    tags: survey.counts.tags,
    metrics: survey.counts.metrics,
    points: survey.counts.points,
    files: survey.counts.files,
    fileBytes: survey.counts.fileBytes,
    models,
    lossy: survey.things(),
    notMoved: notMoved.filter(({ count }) => count > 0),
    skipped: inventory.skipped,
    failures,
  };
}

class Survey {
  readonly counts = { parameters: 0, tags: 0, metrics: 0, points: 0, files: 0, fileBytes: 0 };
  readonly #options: MigrationOptions;
  readonly #inventory: Inventory;
  readonly #signal: AbortSignal;
  readonly #lossy = new Map<string, { count: number; readonly example: string }>();

  constructor(options: MigrationOptions, inventory: Inventory, signal: AbortSignal) {
    this.#options = options;
    this.#inventory = inventory;
    this.#signal = signal;
  }

  lossy(what: string, example: string): void {
    const known = this.#lossy.get(what);
    if (known) known.count++;
    else this.#lossy.set(what, { count: 1, example });
  }

  things(): readonly LossyThing[] {
    return [...this.#lossy].map(([what, { count, example }]) => ({ what, count, why: WHY[what] ?? "", example }));
  }

  async read(runId: string): Promise<void> {
    const { mlflow } = this.#options;
    const signal = this.#signal;
    const run = await mlflow.run(runId, { signal });
    this.#settings(run);
    for (const key of metricAddresses(run.data.metrics.map((metric) => metric.key)).keys()) await this.#metric(runId, key);
    const paths: string[] = [];
    for await (const file of mlflow.artifacts(runId, { signal })) {
      this.counts.files++;
      this.counts.fileBytes += Number(file.file_size ?? 0);
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
      if (isIsoLookalike(value)) this.lossy("iso-value", `${key} of run ${runId}: ${value}`);
    if (info.status === "RUNNING" || info.status === "SCHEDULED") this.lossy("unended", `run ${runId}, ${info.status}`);
    const parent = this.#inventory.runs.get(runId)?.parentRunId;
    if (parent !== undefined && parentOf(runId, this.#inventory.runs) === undefined)
      this.lossy("parent", `run ${runId} with parent ${parent}`);
  }

  #names(runId: string, names: ReadonlyMap<string, string>): void {
    for (const [name, kept] of names)
      if (name !== kept) this.lossy("renamed", `${JSON.stringify(name)} of run ${runId} becomes ${JSON.stringify(kept)}`);
  }

  async #metric(runId: string, key: string): Promise<void> {
    const steps = new Set<number>();
    for await (const page of this.#options.mlflow.history(runId, key, { signal: this.#signal })) {
      this.counts.points += page.length;
      for (const point of page) {
        const reason: NoChartReason | undefined = noChartReason(point);
        const step = Number(point.step);
        if (reason !== undefined) this.lossy(reason, `${key} of run ${runId} at step ${String(point.step)}`);
        else if (steps.has(step)) this.lossy("same-step", `${key} of run ${runId} at step ${String(step)}`);
        steps.add(step);
      }
    }
  }
}
