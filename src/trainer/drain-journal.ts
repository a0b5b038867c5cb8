/**
 * Delivers what a journal holds, for a job that is not running here: another process's folder, or a hand-over that was
 * unpacked. Says nothing new: no record is added, no status is touched but the end that the journal holds.
 */
import { readNetwork } from "../base/network.js";
import { clearmlCertificates } from "../clearml/options.js";
import { systemClock, type Clock } from "../base/clock.js";
import { describeError, type Issue } from "../base/errors.js";
import { undiciTransport } from "../base/http.js";
import { silentLogger, type Logger } from "../base/logger.js";
import { Outbox } from "../outbox/outbox.js";
import type { DeliveryReceipt, LossReason, OutboxStats } from "../outbox/receipts.js";
import type { Sink, Uploader } from "../outbox/sink.js";
import { surveyJournal, type JournalSurvey } from "../outbox/survey-journal.js";
import { PLATFORM_SINK_NAME } from "../sinks/platform/platform-sink.js";
import { PLATFORM_LOG_SINK_NAME } from "../sinks/platform/v2/platform-log-sink.js";
import type { ObjectStore } from "../storage/object-store.js";
import { attachmentUploader } from "./attachment-uploader.js";
import { checkpointStore } from "./checkpoint-store.js";
import { clearmlDestination, createSinks, type Collaborators } from "./destinations.js";
import type { Environment, SinkName } from "./environment.js";
import { readJob, type JobIdentity } from "./job-identity.js";
import { mlflowDestination, wantsMlflow } from "./mlflow-destination.js";
import { present } from "./present.js";
import { resolveTrainerOptions, type GivenOptions, type ResolvedTrainerOptions } from "./options.js";

export interface DrainOptions {
  readonly directory: string;
  /** Addresses and credentials of the destinations; whose journal it is comes from the journal. */
  readonly env: Environment;
  /** Where callbacks go, in the place of what the journal says; `{jobId}` stands for the job. */
  readonly callbackUrl?: string | undefined;
  readonly deadlineMs: number;
  /** Ends the delivering as if the deadline had passed. */
  readonly signal: AbortSignal;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Where files are now that were no pinned copies, by the path that their records name. */
  readonly moved?: Readonly<Record<string, string>> | undefined;
  /** For tests that hook into `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Called once with a view of how it goes. */
  readonly onStart?: (stats: () => OutboxStats) => void;
}

/** What a journal holds that is not delivered, and whom it could go to from here. */
export interface DrainPlan {
  readonly survey: JournalSurvey;
  readonly job: JobIdentity | undefined;
  /** Sinks that are owed something and that this environment does not lead to, with the reason. */
  readonly unreachable: Readonly<Record<string, string>>;
}

export interface DrainReport extends DrainPlan {
  /** Undefined when nothing was pending: the folder was then not even opened. */
  readonly receipt: DeliveryReceipt | undefined;
  /** What was given up on the way, by reason. */
  readonly losses: OutboxStats["losses"] | undefined;
  /** What stood in the way at the end, by sink. */
  readonly lastErrors: Readonly<Record<string, string>>;
  /** True when nothing is pending and nothing was refused. */
  readonly complete: boolean;
}

/** Losses after which something is left for a person: a superseded checkpoint or a damaged line is not among them. */
const REFUSALS = ["refused", "budget-spent", "shed", "upload-failed", "after-final"] as const satisfies readonly LossReason[];

/** True when a journal holds nothing that anybody waits for. */
export function isSettled({ pending, pendingUploads }: JournalSurvey): boolean {
  return pendingUploads === 0 && Object.values(pending).every((count) => count === 0);
}

/**
 * Looks, and says what a drain would do. Changes nothing.
 *
 * @throws JournalError `JOURNAL_VERSION`; Node's own error when the folder cannot be read.
 */
export async function planDrain(options: DrainOptions): Promise<DrainPlan> {
  const survey = await surveyJournal(options.directory);
  const job = readJob(survey);
  const destinations = await destinationsFor(options, survey, job);
  await destinations.close();
  return { survey, job, unreachable: destinations.unreachable };
}

/**
 * Delivers until nothing is pending or the deadline has passed.
 *
 * @throws JournalError `JOURNAL_LOCKED` while its trainer lives, `JOURNAL_UNWRITABLE`, `JOURNAL_VERSION`.
 */
export async function drainJournal(options: DrainOptions): Promise<DrainReport> {
  const { directory, deadlineMs, signal, logger = silentLogger, clock = systemClock } = options;
  const survey = await surveyJournal(directory);
  const job = readJob(survey);
  if (survey.runId === undefined || isSettled(survey))
    return { survey, job, unreachable: {}, receipt: undefined, losses: undefined, lastErrors: {}, complete: true };
  const destinations = await destinationsFor(options, survey, job);
  try {
    const { sinks, uploader, unreachable } = destinations;
    const outbox = await Outbox.open({ directory, sinks, uploader, strict: true, clock, logger });
    options.onStart?.(() => outbox.stats());
    const receipt = await outbox.close({ deadlineMs, signal });
    const stats = outbox.stats();
    const lastErrors = Object.fromEntries(
      Object.entries(stats.sinks).flatMap(([name, { lastError, pending }]) =>
        lastError !== undefined && pending > 0 ? [[name, lastError]] : [],
      ),
    );
    const isRefused = REFUSALS.some((reason) => stats.losses[reason] > 0);
    const complete = receipt.complete && !isRefused && Object.keys(unreachable).length === 0;
    return { survey, job, unreachable, receipt, losses: stats.losses, lastErrors, complete };
  } finally {
    await destinations.close();
  }
}

interface Destinations {
  readonly sinks: readonly Sink[];
  readonly uploader: Uploader;
  readonly unreachable: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Only sinks that the journal has met: a new one would be owed all that is still there, which nobody meant. */
async function destinationsFor(options: DrainOptions, survey: JournalSurvey, job: JobIdentity | undefined): Promise<Destinations> {
  const { logger = silentLogger, clock = systemClock } = options;
  const given = givenOptions(options, job);
  const resolved = resolveTrainerOptions(given, destinationsAlone(options.env, job), process.cwd());
  const collaborators: Collaborators = {
    transport: undiciTransport({ background: true, network: readNetwork(options.env, clearmlCertificates(options.env)) }),
    clock,
    random: Math.random,
    logger,
  };
  const { destination, issues: clearmlIssues } = await clearmlDestination(given, resolved, collaborators);
  const mlflow = await mlflowDestination(given, resolved, collaborators, isMlflowDue(resolved, survey));
  const storage = checkpointStore(given, resolved, destination?.clearml, collaborators);
  let taskId: string | undefined = job?.taskId;
  const runId = survey.runId ?? "";
  const created = createSinks(
    given,
    resolved,
    { clearml: destination, mlflow: mlflow.destination },
    { runId, jobId: job?.jobId ?? resolved.jobId ?? runId, outputUri: storage.store?.uriOf("").replace(/\/+$/, ""), mode: "drain" },
    {
      taskId: () => taskId,
      onBound: ({ id }) => {
        taskId = id;
      },
      onStop: () => undefined,
      onRefused: () => undefined,
    },
    collaborators,
  );
  const issues = [...clearmlIssues, ...mlflow.issues, ...created.issues];
  const sinks = created.sinks.filter(({ name }) => name in survey.pending && !(isPlatform(name) && job?.knownDialect === false));
  const unreachable: Record<string, string> = {};
  for (const [name, pending] of Object.entries(survey.pending)) {
    if (pending > 0 && !sinks.some((sink) => sink.name === name)) unreachable[name] = whyNot(name, issues, job);
  }
  if (survey.pendingUploads > 0 && storage.store === undefined)
    unreachable["upload"] =
      storage.issues.map(({ path, message }) => `${path} ${message}`).join("; ") || "no store is configured: set CHECKPOINT_URI";
  return {
    sinks,
    uploader: uploaderFor(storage.store, options),
    unreachable,
    close: async () => {
      await storage.store?.close();
      await destination?.clearml.close();
      await collaborators.transport.close();
    },
  };
}

function givenOptions(options: DrainOptions, job: JobIdentity | undefined): GivenOptions {
  const { env, callbackUrl, fetch } = options;
  if (job === undefined) return { env, ...(fetch ? { fetch } : {}) };
  const { jobId, projectId, operation, taskOwner, taskId, projectName, taskName, storage, mlflow } = job;
  const url = callbackUrl?.replaceAll("{jobId}", encodeURIComponent(jobId)) ?? job.callbackUrl;
  return {
    env,
    jobId,
    operation,
    taskOwner,
    ...(mlflow === undefined ? {} : { mlflow: present(mlflow) }),
    clearml: { projectName, ...(taskName === undefined ? {} : { taskName }), ...(taskId === undefined ? {} : { taskId }) },
    ...(projectId === undefined ? {} : { projectId }),
    callback: { dialect: job.dialect ?? "plan", ...(url === undefined ? {} : { url }) },
    ...(storage === undefined ? {} : { storage }),
    ...(fetch ? { fetch } : {}),
  };
}

/** The sink's name in the journal. Not from its own file, which is loaded when it is needed. */
const MLFLOW: SinkName = "mlflow";

/** Says who the process is and what it may reach, or whose job it is: the journal knows better. */
const ABOUT_THE_PROCESS = ["CLEARML_OFFLINE_MODE", "RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"];
const ABOUT_THE_JOB = [
  "JOB_ID",
  "PROJECT_ID",
  "OPERATION_TYPE",
  "CLEARML_TASK_ID",
  "CLEARML_PROJECT",
  "CLEARML_TASK_NAME",
  "TRAINER_TASK_OWNER",
  "CALLBACK_DIALECT",
  "MLFLOW_EXPERIMENT_NAME",
  "MLFLOW_EXPERIMENT_ID",
  "MLFLOW_RUN_ID",
  "MLFLOW_WORKSPACE",
  "TRAINER_MLFLOW_FILES",
  "INFERENCE_JOB_ID",
  "TEST_RUN_ID",
  "EXPORT_JOB_ID",
];

function destinationsAlone(env: Environment, job: JobIdentity | undefined): Environment {
  const left = new Set([...ABOUT_THE_PROCESS, ...(job ? ABOUT_THE_JOB : [])]);
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !left.has(name))), ...job?.platformEnv };
}

/** MLflow is delivered to where it is owed something, unless this environment names its sinks and leaves it out. */
function isMlflowDue(resolved: ResolvedTrainerOptions, { pending }: JournalSurvey): boolean {
  return (resolved.sinks === undefined || wantsMlflow(resolved)) && (pending[MLFLOW] ?? 0) > 0;
}

function isPlatform(name: string): boolean {
  return name === PLATFORM_SINK_NAME || name === PLATFORM_LOG_SINK_NAME;
}

function whyNot(name: string, issues: readonly Issue[], job: JobIdentity | undefined): string {
  if (isPlatform(name) && job?.knownDialect === false)
    return "its callbacks were in a dialect of the trainer's own; only that trainer can send them";
  if (isPlatform(name)) return "no backend is configured: set CALLBACK_URL or --callback-url";
  const said = (prefix: string): string =>
    issues
      .filter(({ path }) => path.startsWith(prefix))
      .map(({ path, message }) => `${path} ${message}`)
      .join("; ");
  if (name === MLFLOW) return said("MLFLOW") || "MLflow is left out here: name it in TRAINER_SINKS, or leave that variable out";
  if (name === "clearml")
    return said("CLEARML") || "no ClearML is configured: set CLEARML_API_HOST, CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY";
  return "it is a destination of the trainer's own; only that trainer can deliver to it";
}

/** Never gives bytes up for want of a place: what cannot be stored from here waits for somebody who can. */
function uploaderFor(store: ObjectStore | undefined, { clock = systemClock, moved = {} }: DrainOptions): Uploader {
  if (store === undefined)
    return { upload: () => Promise.resolve({ status: "retry", cause: "unreachable", reason: "no store is configured here" }) };
  const uploader = attachmentUploader({ store, clock, onProgress: () => undefined });
  return {
    upload: async (record, context) => {
      const { fact, traits } = record;
      // The address stands in the record: bytes elsewhere would never be found.
      if ("file" in fact && store.uriOf(fact.file.key) !== fact.file.uri)
        return { status: "retry", cause: "unreachable", reason: `it belongs at ${fact.file.uri}, which is not in the ${store.describe()}` };
      const path = moved[traits.attachment?.path ?? ""];
      if (traits.attachment === undefined || path === undefined) return uploader.upload(record, context);
      return uploader.upload({ ...record, traits: { ...traits, attachment: { ...traits.attachment, path } } }, context);
    },
    ...(uploader.tidy ? { tidy: uploader.tidy.bind(uploader) } : {}),
    close: async () => {
      try {
        await uploader.close?.();
      } catch (error) {
        throw new Error(`the store could not be closed: ${describeError(error)}`, { cause: error });
      }
    },
  };
}
