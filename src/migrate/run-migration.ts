/**
 * Moves what an MLflow server holds to ClearML. It may be ended at any moment and called again: what is done is left alone,
 * what is half done is done again, nothing is doubled. One run that fails does not stop the others and is named at the end.
 */
import { ApiError, describeError } from "../base/errors.js";
import { findOrCreateTask } from "../clearml/task-start.js";
import type { TaskInputs } from "./input-models.js";
import { NOTHING_UNREAD, parentOf, readInventory, type Inventory, type InventoryRun, type SkippedRuns, type Unread } from "./inventory.js";
import type { MlflowTrouble } from "../mlflow/mlflow-source.js";
import { Ledger } from "./ledger.js";
import { projectPaths, taskNameOf } from "./mapped-names.js";
import { migrateModels, type MigratedModels } from "./migrate-models.js";
import { migrateRun, type RunProject } from "./migrate-run.js";
import { DEFAULT_CONCURRENCY, runKey, sourceIdOf, type MigrationOptions } from "./migration-options.js";
import { KnownTasks } from "./known-tasks.js";
import { descriptionOf, projectTags, updateDescription } from "./project-description.js";
import type { RunCopySource } from "./run-copy.js";
import { TASK_TAG } from "./task-of-run.js";
import { forEachAtOnce } from "./work-pool.js";

export interface RunMigrationOptions extends MigrationOptions {
  /** File for the ledger. Default: none. */
  readonly ledger?: string | undefined;
  /** Do again what is done, to repair what was changed in ClearML since. Default false. */
  readonly redo?: boolean | undefined;
}

/** What a migration did. */
export interface MigrationReport {
  readonly source: RunCopySource;
  readonly experiments: number;
  readonly runs: number;
  readonly migrated: number;
  /** Done before, and not changed since. */
  readonly unchanged: number;
  /** Of the unchanged ones: those whose experiment had other tags, another note or name, and that were brought up to date with it. */
  readonly refreshed: number;
  /** Read and kept in the copies of their runs. */
  readonly points: number;
  /** Of those, the ones that are in no chart. */
  readonly notChartable: number;
  readonly files: number;
  readonly fileBytes: number;
  /** What was left out, and why. */
  readonly skipped: SkippedRuns;
  readonly unread: Unread;
  readonly failures: readonly { readonly runId: string; readonly experiment: string; readonly reason: string }[];
  /** Logged models and versions of registered ones. */
  readonly models: MigratedModels;
  /** Places of the source that are not as MLflow leaves them, of what was read. */
  readonly troubles: readonly MlflowTrouble[];
  /**
   * Why it ended before its end though some runs were done: credentials that expired, a server that went away. Undefined: it did
   * not. Called again, it goes on.
   */
  readonly stoppedBy: string | undefined;
  /** True when it was asked to stop before its end. */
  readonly interrupted: boolean;
}

/** Rounds of looking for runs that came meanwhile. */
const MAX_ROUNDS = 5;

/**
 * @throws What keeps all of it from being done: ConfigError, NotFoundError for a named experiment, ApiError and
 * ConnectionError of either side while the lists are read, before a run was done; after that the report says `stoppedBy`. An aborted
 * signal is no error: the report says `interrupted`.
 */
export async function runMigration(options: RunMigrationOptions): Promise<MigrationReport> {
  return new Migration(options).run();
}

class Migration {
  readonly #options: RunMigrationOptions;
  readonly #signal: AbortSignal;
  readonly #above = new Set<string>();
  readonly #projects = new Map<string, RunProject>();
  /** Tasks of this process, by run: a parent may be asked for before its own turn. */
  readonly #tasks = new Map<string, Promise<{ readonly id: string; readonly created: boolean }>>();
  /** Trainers' own tasks that were found, by run: not looked for again in the next round. */
  readonly #reported = new Map<string, string>();
  readonly #seen = new Map<string, InventoryRun>();
  readonly #known: KnownTasks;
  readonly #inputs = new Map<string, TaskInputs>();
  readonly #failures: { runId: string; experiment: string; reason: string }[] = [];
  readonly #counts = { migrated: 0, unchanged: 0, refreshed: 0, points: 0, notChartable: 0, files: 0, fileBytes: 0 };
  #done = 0;
  /** Why credentials are no good any more. Those of one run are those of the next: nobody is asked again, lest an account be closed. */
  #lockedOut: string | undefined;

  constructor(options: RunMigrationOptions) {
    this.#options = options;
    this.#known = new KnownTasks(options.clearml);
    this.#signal = options.signal ?? new AbortController().signal;
  }

  async run(): Promise<MigrationReport> {
    const { mlflow, ledger } = this.#options;
    const signal = this.#signal;
    const source: RunCopySource = {
      sourceId: sourceIdOf(this.#options),
      trackingUri: mlflow.address,
      version: await mlflow.version({ signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
        return "";
      }),
    };
    await using lines = ledger === undefined ? undefined : await Ledger.open(ledger);
    let experiments = 0;
    const models: MigratedModels = { migrated: 0, unchanged: 0, withoutFiles: 0, failures: [] };
    let skipped: SkippedRuns = { experiments: 0, runs: 0, reported: 0 };
    let unread: Unread = NOTHING_UNREAD;
    let stoppedBy: string | undefined;
    try {
      let inventory: Inventory | undefined;
      for (let round = 0; round < MAX_ROUNDS; round++) {
        inventory = await readInventory(this.#options, signal, this.#reported);
        experiments = inventory.experiments.length;
        skipped = { ...inventory.skipped };
        unread = inventory.unread;
        const fresh = [...inventory.runs.values()].filter(({ runId }) => !this.#seen.has(runId));
        for (const run of fresh) this.#seen.set(run.runId, run);
        await this.#makeProjects(inventory, lines);
        if (fresh.length === 0) break;
        this.#tell();
        this.#known.expect(fresh.map(({ runId }) => runKey(source.sourceId, runId)));
        await forEachAtOnce(fresh, this.#options.concurrency ?? DEFAULT_CONCURRENCY, (run) => this.#migrate(run, source, lines));
        if (this.#lockedOut !== undefined) break;
      }
      stoppedBy = this.#lockedOut;
      if (inventory && stoppedBy === undefined) await this.#migrateModels(inventory, source, lines, models);
    } catch (error) {
      if (!signal.aborted && this.#done === 0) throw error;
      if (!signal.aborted) stoppedBy = describeError(error);
    }
    return {
      source,
      experiments,
      runs: this.#seen.size,
      ...this.#counts,
      models,
      skipped,
      unread,
      troubles: mlflow.troubles?.() ?? [],
      failures: this.#failures,
      stoppedBy,
      interrupted: signal.aborted,
    };
  }

  async #makeProjects({ everyExperiment, experiments }: Inventory, ledger: Ledger | undefined): Promise<void> {
    const paths = projectPaths(everyExperiment, this.#options.into);
    for (const experiment of experiments) {
      const { experiment_id, name } = experiment;
      if (this.#projects.has(experiment_id)) continue;
      const path = paths.get(experiment_id) ?? name;
      const description = descriptionOf(experiment, this.#options.mlflow.address);
      await this.#makeAbove(path);
      const { id } = await this.#makeProject(path, description);
      const { project } = await this.#options.clearml.projects.getById({ project: id }, { signal: this.#signal });
      this.#projects.set(experiment_id, { id, path, destination: project.default_output_destination || undefined });
      await ledger?.add({ kind: "experiment", experimentId: experiment_id, projectId: id, experimentName: name, project: path });
    }
  }

  /** The projects above, one by one: ClearML would make them itself, and nobody could tell by whom they came. */
  async #makeAbove(path: string): Promise<void> {
    const parts = path.split("/");
    for (let count = 1; count < parts.length; count++) {
      const above = parts.slice(0, count).join("/");
      if (!this.#above.has(above)) await this.#makeProject(above, "");
      this.#above.add(above);
    }
  }

  /** One that is made says so, for a rollback. */
  async #makeProject(path: string, description: string): Promise<{ readonly id: string }> {
    const { projects } = this.#options.clearml;
    const signal = this.#signal;
    const sourceId = sourceIdOf(this.#options);
    const found = await projects.find(path, { signal });
    if (!found) return projects.findOrCreate(path, { description, system_tags: projectTags(sourceId, description), signal });
    // A project above others has none of its own, or is that of an experiment.
    const wanted = { sourceId, description, redo: this.#options.redo ?? false, signal };
    if (description !== "") await updateDescription(this.#options.clearml, found, wanted);
    return found;
  }

  async #migrate(run: InventoryRun, source: RunCopySource, ledger: Ledger | undefined): Promise<void> {
    const { mlflow, clearml } = this.#options;
    const signal = this.#signal;
    signal.throwIfAborted();
    const { runId, experiment } = run;
    if (this.#lockedOut !== undefined) {
      this.#failures.push({ runId, experiment: experiment.name, reason: this.#lockedOut });
      return;
    }
    try {
      const task = await this.#taskOf(run, source);
      const parent = parentOf(runId, this.#seen);
      const parentRun = parent === undefined ? undefined : this.#seen.get(parent);
      const outcome = await migrateRun({
        mlflow,
        clearml,
        source,
        experiment,
        runId,
        taskId: task.id,
        isNew: task.created,
        project: this.#projectOf(run),
        parentTaskId: parentRun && (await this.#taskOf(parentRun, source)).id,
        artifacts: this.#options.artifacts ?? "copy",
        addressOf: this.#options.metricAddress,
        redo: this.#options.redo ?? false,
        signal,
        onInputs: (modelIds) => {
          if (modelIds.length > 0) this.#inputs.set(runId, { taskId: task.id, modelIds });
        },
        onPoints: (points, notChartable) => {
          this.#counts.points += points;
          this.#counts.notChartable += notChartable;
          this.#tell();
        },
        onFile: (sizeBytes) => {
          this.#counts.files++;
          this.#counts.fileBytes += sizeBytes;
          this.#tell();
        },
      });
      this.#counts[outcome]++;
      if (outcome === "refreshed") this.#counts.unchanged++;
      const { name, startMs } = run;
      const facts = { ...(name === undefined ? {} : { runName: name }), ...(startMs === undefined ? {} : { startMs }) };
      await ledger?.add({ kind: "run", runId, taskId: task.id, experimentId: experiment.experiment_id, ...facts });
    } catch (error) {
      if (signal.aborted) throw error;
      const reason = describeError(error);
      this.#failures.push({ runId, experiment: experiment.name, reason });
      if (ApiError.isInstance(error) && error.status === 401) this.#lockedOut ??= reason;
    }
    this.#done++;
    this.#tell();
  }

  #taskOf(run: InventoryRun, source: RunCopySource): Promise<{ readonly id: string; readonly created: boolean }> {
    const known = this.#tasks.get(run.runId);
    if (known) return known;
    const made = this.#makeTask(runKey(source.sourceId, run.runId), run.runId);
    this.#tasks.set(run.runId, made);
    // A failure is not remembered: the run's own turn tries again.
    made.catch(() => this.#tasks.delete(run.runId));
    return made;
  }

  async #makeTask(key: string, runId: string): Promise<{ readonly id: string; readonly created: boolean }> {
    const { clearml } = this.#options;
    const signal = this.#signal;
    const known = await this.#known.idOf(key, signal);
    if (known !== undefined) return { id: known, created: false };
    // The run's own name and the rest come with its contents.
    const task = () => ({ name: taskNameOf(undefined, runId), tags: [TASK_TAG] });
    return findOrCreateTask(clearml, key, task, { signal, wasAbsent: true });
  }

  #migrateModels(inventory: Inventory, source: RunCopySource, ledger: Ledger | undefined, done: MigratedModels): Promise<void> {
    const { mlflow, clearml, redo = false } = this.#options;
    return migrateModels({
      mlflow,
      clearml,
      sourceId: source.sourceId,
      inventory,
      ledger,
      artifacts: this.#options.artifacts ?? "copy",
      redo,
      done,
      inputs: this.#inputs,
      signal: this.#signal,
      taskOf: async (runId) => {
        const run = inventory.runs.get(runId);
        return run && (await this.#taskOf(run, source)).id;
      },
      projectOf: (experimentId) => this.#projects.get(experimentId)?.id,
      onFile: (sizeBytes) => {
        this.#counts.files++;
        this.#counts.fileBytes += sizeBytes;
        this.#tell();
      },
    });
  }

  #projectOf({ experiment }: InventoryRun): RunProject {
    const project = this.#projects.get(experiment.experiment_id);
    if (!project) throw new Error(`experiment ${experiment.experiment_id} has no project yet`);
    return project;
  }

  #tell(): void {
    const { points, files } = this.#counts;
    this.#options.onProgress?.({ runsDone: this.#done, runsTotal: this.#seen.size, points, files });
  }
}
