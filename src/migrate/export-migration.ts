/**
 * Writes runs and models back out of ClearML as a tracking folder that MLflow reads. MLflow is not asked: what comes out is what ClearML
 * alone has kept, counted and compared with the digests that were taken on the way in. It writes into a folder of its own, and goes on where it was cut off.
 */
import { copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { describeError, DownloadError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import type { ArtifactDocument } from "../protocol/clearml/task-document.js";
import { ExportExperiments, isFolderId } from "./export-experiments.js";
import { ModelExport, type ExportedModels } from "./export-models.js";
import { ExportRecords, type ExportedRun } from "./export-record.js";
import { mappedNames } from "./mapped-names.js";
import { migratedTasks, type MigratedTask } from "./migrated-tasks.js";
import { DEFAULT_CONCURRENCY, type MigrationProgress } from "./migration-options.js";
import { readRunCopy, RUN_COPY_ARTIFACT, RUN_COPY_FILE, type RunCopyLine } from "./run-copy.js";
import { appendPoints, NamedFiles, safePath, writeInputs, writeOutputs, writePairs, writeRunInfo } from "./tracking-folder.js";
import { forEachAtOnce } from "./work-pool.js";

export interface ExportMigrationOptions {
  readonly clearml: ClearML;
  /** The folder to make: missing, empty, or of an export that was cut off or is to be brought up to date. */
  readonly folder: string;
  /** The source of which the runs came. Default: the only one there is. */
  readonly sourceId?: string | undefined;
  /** Ids of runs, which come with the models that name them. Default: all, and models of no run too. */
  readonly runs?: readonly string[] | undefined;
  /** Runs at the same time. Default 16. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined;
}

/** What an export wrote. */
export interface ExportReport {
  /** True when every run and every model is there, whole. */
  readonly ok: boolean;
  readonly folder: string;
  readonly sourceId: string | undefined;
  readonly runs: number;
  /** Of those, the ones that an earlier export of this folder has written. */
  readonly unchanged: number;
  readonly points: number;
  readonly files: number;
  readonly fileBytes: number;
  /** Names that a folder cannot hold, such as `loss` beside `loss/train`: in the run's `mlflow-run.jsonl.gz` alone. */
  readonly notFiled: readonly { readonly runId: string; readonly what: string }[];
  /** Files that were linked: ClearML has no bytes of them. */
  readonly linkedFiles: readonly { readonly runId: string; readonly path: string; readonly uri: string }[];
  readonly failures: readonly { readonly runId: string; readonly reason: string }[];
  readonly models: ExportedModels;
  readonly interrupted: boolean;
}

type Head = Extract<RunCopyLine, { readonly kind: "run" }>;

/** @throws ConfigError for a folder that holds something, or several sources; what keeps the tasks from being listed. */
export async function exportMigration(options: ExportMigrationOptions): Promise<ExportReport> {
  const signal = options.signal ?? new AbortController().signal;
  const folder = resolve(options.folder);
  const records = await ExportRecords.open(folder);
  const found = await migratedTasks(options.clearml, options.sourceId, signal);
  const wanted = new Set(options.runs);
  const tasks = found.tasks.filter(({ runId }) => options.runs === undefined || wanted.delete(runId));
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  const experiments = new ExportExperiments(folder);
  const work = new Export(options.clearml, folder, records, experiments, signal);
  const runs = options.runs === undefined ? undefined : new Set(options.runs);
  const modelWork = new ModelExport({ clearml: options.clearml, folder, records, experiments, concurrency, runs, signal });
  work.failures.push(...[...wanted].map((runId) => ({ runId, reason: "ClearML has no task of this run" })));
  let runsDone = 0;
  try {
    await forEachAtOnce(tasks, concurrency, async (task) => {
      signal.throwIfAborted();
      try {
        await work.write(task);
      } catch (error) {
        if (signal.aborted) throw error;
        work.failures.push({ runId: task.runId, reason: describeError(error) });
      }
      runsDone++;
      options.onProgress?.({ runsDone, runsTotal: tasks.length, points: work.counts.points, files: work.counts.files });
    });
    if (found.sourceId !== undefined) await modelWork.write(found.sourceId);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const { notFiled, linkedFiles, failures, counts } = work;
  const models = modelWork.report();
  const shortfalls = [notFiled, linkedFiles, failures, models.notFiled, models.linked, models.failures];
  const isWhole = !signal.aborted && shortfalls.every(({ length }) => length === 0) && counts.runs > 0;
  return {
    ok: isWhole,
    folder,
    sourceId: found.sourceId,
    ...counts,
    notFiled,
    linkedFiles,
    failures,
    models,
    interrupted: signal.aborted,
  };
}

class Export {
  readonly counts = { runs: 0, unchanged: 0, points: 0, files: 0, fileBytes: 0 };
  readonly notFiled: { runId: string; what: string }[] = [];
  readonly linkedFiles: { runId: string; path: string; uri: string }[] = [];
  readonly failures: { runId: string; reason: string }[] = [];
  readonly #clearml: ClearML;
  readonly #folder: string;
  readonly #records: ExportRecords;
  readonly #signal: AbortSignal;
  readonly #experiments: ExportExperiments;

  constructor(clearml: ClearML, folder: string, records: ExportRecords, experiments: ExportExperiments, signal: AbortSignal) {
    this.#clearml = clearml;
    this.#folder = folder;
    this.#records = records;
    this.#experiments = experiments;
    this.#signal = signal;
  }

  /** One run. It comes to its place when it is whole. */
  async write({ runId, task }: MigratedTask): Promise<void> {
    const artifacts = new Map((task.execution?.artifacts ?? []).map((artifact) => [artifact.key, artifact]));
    const source = artifacts.get(RUN_COPY_ARTIFACT);
    const before = await this.#records.find(runId);
    if (before) {
      if (before.copy === source?.hash) {
        this.counts.unchanged++;
        this.#count(runId, before);
        return;
      }
      await this.#records.forget(runId, before);
    }
    const work = await mkdtemp(join(tmpdir(), "trainer-sdk-export-"));
    // Beside its place, so that it comes there in one step.
    const part = await mkdtemp(this.#records.part);
    try {
      const copy = join(work, RUN_COPY_FILE);
      const digest = await this.#fetch(source, "its copy", copy);
      const run = await this.#rebuild(runId, copy, part, artifacts);
      await this.#records.write(runId, { copy: digest, ...run });
      this.#count(runId, run);
    } finally {
      await rm(work, { recursive: true, force: true });
      await rm(part, { recursive: true, force: true });
    }
  }

  #count(runId: string, { points, files, fileBytes, notFiled, linkedFiles }: Omit<ExportedRun, "copy">): void {
    this.counts.runs++;
    this.counts.points += points;
    this.counts.files += files;
    this.counts.fileBytes += fileBytes;
    for (const what of notFiled) this.notFiled.push({ runId, what });
    for (const { path, uri } of linkedFiles) this.linkedFiles.push({ runId, path, uri });
  }

  async #rebuild(
    runId: string,
    copy: string,
    part: string,
    artifacts: ReadonlyMap<string, ArtifactDocument>,
  ): Promise<Omit<ExportedRun, "copy">> {
    let home: string | undefined;
    const metrics = new NamedFiles(join(part, "metrics"));
    const files: Extract<RunCopyLine, { readonly kind: "file" }>[] = [];
    const unfiled = new Set<string>();
    const metricFiles = new Map<string, string | undefined>();
    let points = 0;
    for await (const line of readRunCopy(copy)) {
      this.#signal.throwIfAborted();
      if (line.kind === "run") home = await this.#start(runId, line, part, unfiled);
      else if (line.kind === "file") files.push(line);
      else if (line.kind === "points") {
        if (!metricFiles.has(line.key)) metricFiles.set(line.key, await metrics.place(line.key));
        const file = metricFiles.get(line.key);
        if (file === undefined) unfiled.add(`metric ${line.key}`);
        else await appendPoints(file, line.points);
        points += line.points.length;
      } else if (line.points !== points || line.files !== files.length)
        throw new DownloadError(
          `The copy of run ${runId} tells of ${String(line.points)} points and ${String(line.files)} files, and holds ${String(points)} and ${String(files.length)}.`,
          { uri: copy, retryable: false },
        );
    }
    if (home === undefined) throw new DownloadError(`The copy of run ${runId} has no beginning.`, { uri: copy, retryable: false });
    const names = mappedNames(
      files.map(({ path }) => path),
      [RUN_COPY_ARTIFACT],
    );
    const linkedFiles: { path: string; uri: string }[] = [];
    let fileCount = 0;
    let fileBytes = 0;
    for (const file of files) {
      const { path, uri, sizeBytes } = file;
      const below = safePath(path);
      if (uri !== undefined) linkedFiles.push({ path, uri });
      else if (below === undefined) unfiled.add(`file ${path}`);
      else {
        await this.#file(runId, join(part, "artifacts", below), file, artifacts.get(names.get(path) ?? path));
        fileCount++;
        fileBytes += sizeBytes;
      }
    }
    await copyFile(copy, join(part, RUN_COPY_FILE));
    // Left there by an export that was ended before it could say so.
    await rm(home, { recursive: true, force: true });
    await rename(part, home);
    return { home: relative(this.#folder, home), points, files: fileCount, fileBytes, notFiled: [...unfiled], linkedFiles };
  }

  async #start(runId: string, head: Head, part: string, unfiled: Set<string>): Promise<string> {
    const experiment = head.experiment as Readonly<Record<string, unknown>>;
    const run = head.run as {
      readonly info: Readonly<Record<string, unknown>>;
      readonly data: { readonly params: unknown; readonly tags: unknown };
      readonly inputs?: unknown;
      readonly outputs?: unknown;
    };
    if (run.info["run_id"] !== runId || !isFolderId(runId) || !isFolderId(experiment["experiment_id"]))
      throw new DownloadError(`The copy of run ${runId} is that of another run or experiment.`, { uri: runId, retryable: false });
    const folder = await this.#experiments.place(experiment);
    const home = join(folder, runId);
    await writeRunInfo(part, home, run.info);
    for (const name of await writePairs(join(part, "params"), run.data.params)) unfiled.add(`parameter ${name}`);
    for (const name of await writePairs(join(part, "tags"), run.data.tags)) unfiled.add(`tag ${name}`);
    await writeInputs(folder, part, runId, run.inputs);
    await writeOutputs(part, run.outputs);
    return home;
  }

  async #file(
    runId: string,
    target: string,
    { path, sha256 }: Extract<RunCopyLine, { readonly kind: "file" }>,
    artifact: ArtifactDocument | undefined,
  ): Promise<void> {
    await mkdir(dirname(target), { recursive: true });
    const digest = await this.#fetch(artifact, `its file ${path}`, target);
    if (digest !== sha256)
      throw new DownloadError(`The file ${path} of run ${runId} is another than the one that was moved.`, {
        uri: artifact?.uri ?? path,
        retryable: false,
      });
  }

  async #fetch(artifact: ArtifactDocument | undefined, what: string, target: string): Promise<string> {
    if (artifact?.uri == null) throw new DownloadError(`The task has no artifact for ${what}.`, { uri: what, retryable: false });
    return (await this.#clearml.objects.fetch(artifact.uri, target, { signal: this.#signal })).sha256;
  }
}
