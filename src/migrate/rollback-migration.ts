/**
 * Takes back what migrations from one source made in ClearML: tasks with their files, models, and the projects that they made
 * and that are empty. All of it is known by keys that only a migration gives; what others put beside it is not touched, and
 * neither is a published task, nor a published model and its files. MLflow is not asked.
 */
import { describeError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { PACKAGE_TAG } from "../clearml/model.js";
import { removeFiles } from "../clearml/remove-files.js";
import { Task } from "../clearml/task.js";
import type { ArtifactDocument } from "../protocol/clearml/task-document.js";
import { LINKED_SIZE } from "./migrate-run.js";
import { migratedTasks, type MigratedTask } from "./migrated-tasks.js";
import { DEFAULT_CONCURRENCY, projectKey, type MigrationProgress } from "./migration-options.js";
import { forEachAtOnce } from "./work-pool.js";

export interface RollbackOptions {
  readonly clearml: ClearML;
  /** Whose migration. Default: the only source there is. */
  readonly sourceId?: string | undefined;
  /** Do it. Default false: only count what would go. */
  readonly confirmed?: boolean | undefined;
  /** Call it a success though published tasks and models, or files on stores that this package does not delete from, stay. Default false. */
  readonly acceptLeftovers?: boolean | undefined;
  /** Tasks at the same time. Default 16. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined;
}

/** What a rollback removed, or would remove. */
export interface RollbackReport {
  /** False when something of the migration stays or would stay, unless that is accepted, or it was interrupted. Links are MLflow's. */
  readonly ok: boolean;
  /** True: nothing was removed, the counts are of what would be. */
  readonly isDryRun: boolean;
  readonly sourceId: string | undefined;
  readonly tasks: number;
  readonly models: number;
  readonly projects: number;
  /** What stays, and why. */
  readonly kept: readonly { readonly what: string; readonly why: string }[];
  /** Addresses of files that the migration wrote and that stay, on stores that this package does not delete from. */
  readonly leftFiles: readonly string[];
  /** Addresses that were never ClearML's: of files in MLflow's store, which nothing here touches. */
  readonly links: readonly string[];
  readonly failures: readonly { readonly what: string; readonly reason: string }[];
  readonly interrupted: boolean;
}

/** @throws ConfigError when the source is not clear; ApiError, ConnectionError while the lists are read. An aborted signal is no error. */
export async function rollbackMigration(options: RollbackOptions): Promise<RollbackReport> {
  const signal = options.signal ?? new AbortController().signal;
  const rollback = new Rollback(options, signal);
  let { sourceId } = options;
  try {
    const found = await migratedTasks(options.clearml, sourceId, signal);
    ({ sourceId } = found);
    await rollback.removeModels(sourceId);
    await rollback.removeTasks(found.tasks);
    await rollback.removeProjects(sourceId);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const { counts, kept, leftFiles, links, failures, published } = rollback;
  const isClean = leftFiles.size + published === 0 || options.acceptLeftovers === true;
  return {
    ok: failures.length === 0 && isClean && !signal.aborted,
    isDryRun: options.confirmed !== true,
    sourceId,
    ...counts,
    kept,
    leftFiles: [...leftFiles],
    links: [...links],
    failures,
    interrupted: signal.aborted,
  };
}

class Rollback {
  readonly counts = { tasks: 0, models: 0, projects: 0 };
  readonly kept: { what: string; why: string }[] = [];
  readonly failures: { what: string; reason: string }[] = [];
  readonly leftFiles = new Set<string>();
  readonly links = new Set<string>();
  published = 0;
  readonly #options: RollbackOptions;
  readonly #clearml: ClearML;
  readonly #signal: AbortSignal;
  /** Projects of what a trial run counted: it is still there and does not stand in the way. */
  readonly #counted: { readonly tasks: string[]; readonly models: string[] } = { tasks: [], models: [] };

  constructor(options: RollbackOptions, signal: AbortSignal) {
    this.#options = options;
    this.#clearml = options.clearml;
    this.#signal = signal;
  }

  async removeModels(sourceId: string | undefined): Promise<void> {
    if (sourceId === undefined) return;
    const call = { signal: this.#signal };
    const prefix = `trainer-sdk:mlflow:${encodeURIComponent(sourceId)}:model:`;
    const only_fields = ["id", "name", "uri", "project", "system_tags", "ready"];
    const ours: { readonly id: string; readonly name: string; readonly uri: string; readonly project: string; readonly isLink: boolean }[] =
      [];
    const inUse = new Set<string>();
    for await (const model of this.#clearml.models.getAll({ search_hidden: true, only_fields }, call)) {
      if (model.system_tags?.some((tag) => tag.startsWith(prefix)) !== true) continue;
      // The migration publishes none: somebody did, and may serve it.
      if (model.ready === true) {
        this.kept.push({ what: `model ${model.name ?? ""} (${model.id})`, why: "it was published" });
        this.published++;
        inUse.add(model.uri ?? "");
      } else
        ours.push({
          ...{ id: model.id, name: model.name ?? "", uri: model.uri ?? "", project: model.project ?? "" },
          // Files are stored as a package, and what was made from such a model is one, too: the address is the same.
          isLink: !model.system_tags.includes(PACKAGE_TAG),
        });
    }
    for (const { id, name, uri, project, isLink } of ours) {
      await this.#attempt(`model ${name} (${id})`, async () => {
        if (isLink) this.#noteLink(uri);
        else if (this.#options.confirmed !== true && !inUse.has(uri)) this.#noteStaying([uri]);
        if (this.#options.confirmed === true) {
          await this.#clearml.models.delete({ model: id, force: true, delete_external_artifacts: false }, call);
          if (!isLink && !inUse.has(uri)) for (const left of await removeFiles(this.#clearml, [uri], call)) this.leftFiles.add(left);
        }
        this.counts.models++;
        this.#counted.models.push(project);
      });
    }
  }

  /** Children before their parents: ClearML cuts the tie of a child whose parent goes, which would be a change. */
  async removeTasks(tasks: readonly MigratedTask[]): Promise<void> {
    const parents = new Map(tasks.map(({ task }) => [task.id, task.parent ?? ""]));
    const byDepth = new Map<number, MigratedTask[]>();
    for (const task of tasks) {
      const depth = depthOf(task.task.id, parents);
      byDepth.set(depth, [...(byDepth.get(depth) ?? []), task]);
    }
    for (const depth of [...byDepth.keys()].sort((one, other) => other - one))
      await forEachAtOnce(byDepth.get(depth) ?? [], this.#options.concurrency ?? DEFAULT_CONCURRENCY, async (one) => {
        await this.#removeTask(one);
        const { tasks: runsDone } = this.counts;
        this.#options.onProgress?.({ runsDone, runsTotal: tasks.length, points: 0, files: 0 });
      });
  }

  async #removeTask({ task, runId }: MigratedTask): Promise<void> {
    const what = `task ${task.id} of run ${runId}`;
    if (task.status === "published") {
      this.kept.push({ what, why: "it was published" });
      this.published++;
      return;
    }
    await this.#attempt(what, async () => {
      const artifacts = task.execution?.artifacts ?? [];
      const linked = new Set(artifacts.filter(isLinkedArtifact).map(({ uri }) => uri ?? ""));
      for (const uri of linked) this.#noteLink(uri);
      if (this.#options.confirmed !== true) this.#noteStaying(artifacts.map(({ uri }) => uri ?? "").filter((uri) => !linked.has(uri)));
      if (this.#options.confirmed === true) {
        const call = { signal: this.#signal };
        const full = await Task.get(this.#clearml, { id: task.id, ...call });
        // Its models are those that carry a key, or others' own.
        const { leftFiles } = await full.delete({ force: true, deleteOutputModels: false, ...call });
        for (const left of leftFiles) if (!linked.has(left)) this.leftFiles.add(left);
      }
      this.counts.tasks++;
      this.#counted.tasks.push(task.project ?? "");
    });
  }

  /** The deepest first. One that holds anything, or any project below it, stays. */
  async removeProjects(sourceId: string | undefined): Promise<void> {
    if (sourceId === undefined) return;
    const call = { signal: this.#signal };
    const paths = new Map<string, string>();
    const ours = new Set<string>();
    const key = projectKey(sourceId);
    const only_fields = ["id", "name", "system_tags"];
    for await (const { id, name, system_tags } of this.#clearml.projects.getAll({ search_hidden: true, only_fields }, call)) {
      paths.set(id, name ?? "");
      if (system_tags?.includes(key)) ours.add(id);
    }
    const isBelow = (id: string, path: string): boolean => paths.get(id) === path || (paths.get(id) ?? "").startsWith(`${path}/`);
    const gone = new Set<string>();
    const sorted = [...ours].sort((one, other) => (paths.get(other) ?? "").length - (paths.get(one) ?? "").length);
    for (const id of sorted) {
      const path = paths.get(id) ?? "";
      await this.#attempt(`project ${path}`, async () => {
        const { tasks, models } = await this.#clearml.projects.validateDelete({ project: id }, call);
        const going = (counted: readonly string[]): number =>
          this.#options.confirmed === true ? 0 : counted.filter((project) => isBelow(project, path)).length;
        const hasProjects = [...paths].some(([other, name]) => other !== id && !gone.has(other) && name.startsWith(`${path}/`));
        const isFull = (tasks ?? 0) > going(this.#counted.tasks) || (models ?? 0) > going(this.#counted.models);
        if (hasProjects || isFull) {
          this.kept.push({ what: `project ${path}`, why: "it holds what this migration did not make" });
          return;
        }
        // Without force: what came into it since then keeps it.
        if (this.#options.confirmed === true) await this.#clearml.projects.delete({ project: id }, call);
        this.counts.projects++;
        gone.add(id);
      });
    }
  }

  /** An address in place of files that there never were is none. */
  #noteLink(uri: string): void {
    if (uri !== "" && !/^mlflow:|uploading_file$/.test(uri)) this.links.add(uri);
  }

  /** Of a trial: what would not be deleted. */
  #noteStaying(uris: readonly string[]): void {
    for (const uri of uris) if (uri !== "" && this.#clearml.files.pathOf(uri) === undefined) this.leftFiles.add(uri);
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    this.#signal.throwIfAborted();
    try {
      await work();
    } catch (error) {
      if (this.#signal.aborted) throw error;
      this.failures.push({ what, reason: describeError(error) });
    }
  }
}

/** A file that a run has in MLflow's store: its entry tells the size there. */
function isLinkedArtifact({ display_data }: ArtifactDocument): boolean {
  return (display_data ?? []).some(([name]) => name === LINKED_SIZE);
}

/** How many of the given ones stand above it. A circle ends the count. */
function depthOf(id: string, parents: ReadonlyMap<string, string>): number {
  const seen = new Set([id]);
  for (let at = parents.get(id) ?? ""; parents.has(at) && !seen.has(at); at = parents.get(at) ?? "") seen.add(at);
  return seen.size;
}
