/**
 * `trainer-sdk sync`: delivers what journals left behind, from any process. One bad place never stops the others; what
 * it could not deliver is said, and is still where it was.
 */
import { keptUp } from "../base/background.js";
import { withConfEnvironment } from "../base/conf-environment.js";
import { describeError, JournalError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { drainJournal, isSettled, planDrain, type DrainOptions, type DrainPlan } from "../trainer/drain-journal.js";
import { findJournals } from "./find-journals.js";
import { openArchives, retireArchivesOf, type Archive, type ArchivePlace } from "../trainer/open-archive.js";
import { syncSession } from "./sync-session.js";
import { SyncProgress } from "./sync-progress.js";
import { resultLines, summaryLine, type SyncResult } from "./sync-result.js";
import { EXIT, type ExitCode, type Terminal } from "./terminal.js";

/** Options as the command line gives them. */
export interface SyncOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
  /** For each journal. Default {@link DEFAULT_DEADLINE_SECONDS}. */
  readonly deadlineSeconds?: number;
  readonly callbackUrl?: string;
}

/** Default of {@link SyncOptions.deadlineSeconds}. */
export const DEFAULT_DEADLINE_SECONDS = 60;
/** Journals at the same time: an unreachable destination of one must not hold up the others. */
const CONCURRENCY = 4;

type SyncEnvironment = Readonly<Record<string, string | undefined>>;

/** One journal to deliver, wherever it lies. */
interface Task {
  readonly source: string;
  run(): Promise<SyncResult>;
}

/** Delivers; 0 when everything has arrived, 1 when something is pending, refused or could not be read. */
export async function runSync(
  places: readonly string[],
  options: SyncOptions,
  env: SyncEnvironment,
  terminal: Terminal,
): Promise<ExitCode> {
  const results = await keptUp(syncAll(places, options, env, terminal));
  const isComplete = results.every(isDone);
  if (options.json) terminal.out(`${JSON.stringify({ ok: isComplete, dryRun: options.dryRun ?? false, journals: results })}\n`);
  else terminal.out(`${summaryLine(results, options.dryRun ?? false)}\n`);
  return isComplete ? EXIT.ok : EXIT.failed;
}

async function syncAll(
  places: readonly string[],
  options: SyncOptions,
  given: SyncEnvironment,
  terminal: Terminal,
): Promise<readonly SyncResult[]> {
  const env = withConfEnvironment(given);
  const progress = new SyncProgress(terminal, options.json === true);
  const results: SyncResult[] = [];
  const opened: ArchivePlace[] = [];
  const logger = loggerOn(progress);
  const tell = (result: SyncResult): void => {
    results.push(result);
    progress.finished(result);
    if (!options.json) for (const line of resultLines(result)) progress.line(line);
  };
  try {
    const tasks: Task[] = [];
    const seen = new Set<string>();
    for (const place of places) {
      try {
        for (const found of await findJournals(place)) {
          const name = found.kind === "journal" ? found.directory : found.kind === "session" ? found.path : found.uri;
          if (seen.has(name)) continue;
          seen.add(name);
          if (found.kind === "journal") tasks.push(folderTask(found.directory, options, env, { terminal, logger, progress }));
          else if (found.kind === "session") tasks.push(sessionTask(found.path, options, given, terminal.stop));
          else {
            const archives = await openArchives(found.uri, env, logger, terminal.stop);
            opened.push(archives);
            if (archives.done > 0) progress.note(`${found.uri}: ${String(archives.done)} hand-overs were delivered before`);
            if (archives.archives.length === 0 && archives.done === 0) throw new Error("there is no hand-over in it");
            tasks.push(...archives.archives.map((archive) => archiveTask(archive, options, env, { terminal, logger, progress })));
          }
        }
      } catch (error) {
        tell(failed(place, error));
      }
    }
    progress.begin(tasks.length);
    const next = tasks.values();
    const work = async (): Promise<void> => {
      for (const task of next)
        tell(terminal.stop.aborted ? failed(task.source, new Error("stopped before its turn came")) : await task.run());
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, tasks.length) }, work));
    return results;
  } finally {
    progress.end();
    await Promise.all(opened.map((place) => place.close()));
  }
}

interface Surroundings {
  readonly terminal: Terminal;
  readonly logger: Logger;
  readonly progress: SyncProgress;
}

function folderTask(directory: string, options: SyncOptions, env: SyncEnvironment, around: Surroundings): Task {
  const run = async (): Promise<SyncResult> => {
    const result = await deliver(directory, drainOptions(directory, options, env, around), options, around);
    if (options.dryRun || !isDone(result)) return result;
    return { ...result, ...(await marked(() => retireArchivesOf(directory, env, around.logger, around.terminal.stop))) };
  };
  return { source: directory, run };
}

function sessionTask(file: string, options: SyncOptions, env: SyncEnvironment, signal: AbortSignal): Task {
  return {
    source: file,
    run: () => syncSession(file, { dryRun: options.dryRun ?? false, signal }, env).catch((error: unknown) => failed(file, error)),
  };
}

function archiveTask(archive: Archive, options: SyncOptions, env: SyncEnvironment, around: Surroundings): Task {
  const signal = around.terminal.stop;
  const run = async (): Promise<SyncResult> => {
    try {
      around.progress.note(`${archive.uri}: fetching ${String(archive.sizeBytes)} bytes`);
      const unpacked = await archive.unpack(signal);
      try {
        const result = await deliver(
          archive.uri,
          { ...drainOptions(unpacked.directory, options, env, around), moved: unpacked.moved },
          options,
          around,
        );
        if (options.dryRun || !isDone(result)) return result;
        const facts = { run_id: result.runId ?? null, job_id: result.jobId ?? null, delivered_at: new Date().toISOString() };
        return { ...result, ...(await marked(() => archive.markDone(facts, signal))) };
      } finally {
        await unpacked.remove();
      }
    } catch (error) {
      return failed(archive.uri, error);
    }
  };
  return { source: archive.uri, run };
}

function isDone({ status }: SyncResult): boolean {
  return status === "delivered" || status === "nothing-pending";
}

/** Not fatal: the next sync delivers it once more, which changes nothing at the destinations. */
async function marked(mark: () => Promise<void>): Promise<{ readonly note?: string }> {
  try {
    await mark();
    return {};
  } catch (error) {
    return { note: `the hand-over could not be marked as delivered, so the next sync will send it again: ${describeError(error)}` };
  }
}

function drainOptions(directory: string, options: SyncOptions, env: SyncEnvironment, { terminal, logger }: Surroundings): DrainOptions {
  return {
    directory,
    env,
    callbackUrl: options.callbackUrl,
    deadlineMs: (options.deadlineSeconds ?? DEFAULT_DEADLINE_SECONDS) * 1000,
    signal: terminal.stop,
    logger,
  };
}

async function deliver(source: string, drain: DrainOptions, options: SyncOptions, { progress }: Surroundings): Promise<SyncResult> {
  try {
    if (options.dryRun) return planned(source, await planDrain(drain));
    const report = await drainJournal({
      ...drain,
      onStart: (stats) => {
        progress.started(source, stats);
      },
    });
    const { receipt, lastErrors, unreachable, complete, losses } = report;
    const common = facts(source, report);
    if (report.survey.runId === undefined) return { ...common, status: "failed", error: "there is no journal in it" };
    if (!receipt) return { ...common, status: "nothing-pending" };
    const left = { ...unreachable, ...lastErrors };
    const rejected = losses ? Object.entries(losses).filter(([reason, count]) => count > 0 && reason !== "superseded") : [];
    return {
      ...common,
      status: complete ? "delivered" : receipt.complete && Object.keys(unreachable).length === 0 ? "rejected" : "pending",
      sinks: receipt.sinks,
      ...(Object.keys(left).length > 0 ? { reasons: left } : {}),
      ...(rejected.length > 0 ? { losses: Object.fromEntries(rejected) } : {}),
    };
  } catch (error) {
    if (JournalError.isInstance(error) && error.code === "JOURNAL_LOCKED")
      return { source, status: "locked", error: "a trainer holds it and delivers it itself" };
    return failed(source, error);
  }
}

function planned(source: string, plan: DrainPlan): SyncResult {
  const sinks = Object.fromEntries(
    Object.entries(plan.survey.pending).map(([name, pending]) => [name, { delivered: 0, pending, rejected: 0 }]),
  );
  const isNothing = isSettled(plan.survey);
  return {
    ...facts(source, plan),
    status: isNothing ? "nothing-pending" : "pending",
    sinks,
    ...(Object.keys(plan.unreachable).length > 0 ? { reasons: plan.unreachable } : {}),
  };
}

function facts(source: string, { survey, job }: DrainPlan): Pick<SyncResult, "source" | "runId" | "jobId" | "uploads"> {
  return {
    source,
    ...(survey.runId === undefined ? {} : { runId: survey.runId }),
    ...(job === undefined ? {} : { jobId: job.jobId }),
    uploads: survey.pendingUploads,
  };
}

function failed(source: string, error: unknown): SyncResult {
  return { source, status: "failed", error: describeError(error) };
}

/** What the SDK says by itself is for whoever watches, below the results. */
function loggerOn(progress: SyncProgress): Logger {
  const say = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    const words = [fields?.["reason"], fields?.["detail"]].filter((word) => typeof word === "string");
    progress.note([message, words.join(": ")].join(" ").trim());
  };
  return { debug: () => undefined, info: () => undefined, warn: say, error: say };
}
