/** What `TrainerSDK.init` takes, and what becomes of it: given, then environment, then default. Pure; opens nothing. */
import path from "node:path";
import type { Dispatcher } from "undici";
import type { Clock } from "../base/clock.js";
import type { Issue } from "../base/errors.js";
import type { Random } from "../base/ids.js";
import type { Logger } from "../base/logger.js";
import type { ConsoleCaptureOptions } from "../observe/console-capture.js";
import type { ResourceMonitorOptions } from "../observe/resource-monitor.js";
import type { OutboxOptions } from "../outbox/outbox-options.js";
import type { Sink } from "../outbox/sink.js";
import type { OperationType } from "../records/facts.js";
import type { MetricAddress } from "../records/metric-address.js";
import type { CallbackDialect, CallbackDialectFunction } from "../sinks/platform/dialect.js";
import type { ObjectStore } from "../storage/object-store.js";
import { readEnvironment, SINK_NAMES, type Environment, type SinkName } from "./environment.js";
import { readPlatformEnvironment, type PlatformEnvironment } from "./platform-environment.js";
import { readRank, type Rank } from "./rank.js";
import { unknownOptions } from "./unknown-options.js";

/** Dialects that come with the package. */
export type DialectName = "plan" | "platform-v2";

/** Where the platform's backend listens. */
export interface CallbackOptions {
  /** `CALLBACK_URL`. Paths such as `/progress` are appended. */
  readonly url?: string;
  /** `CALLBACK_TOKEN`. Sent as bearer token. */
  readonly token?: string;
  /**
   * `CALLBACK_DIALECT`: `plan` (default), `platform-v2` for the backend of the existing platform, whose environment is then
   * read too; or a way of speaking of the caller's own.
   */
  readonly dialect?: DialectName | CallbackDialect | CallbackDialectFunction;
  /** From a request's start to the end of its answer. Default 30,000 ms; 75,000 ms in `platform-v2`. */
  readonly timeoutMs?: number;
}

/** Which ClearML, which task. Each field has the environment variable that Python's client reads, in brackets. */
export interface TrainerClearMLOptions {
  /** `CLEARML_API_HOST`. */
  readonly apiHost?: string;
  /** `CLEARML_WEB_HOST`. Default: derived from the API host. */
  readonly webHost?: string;
  /** `CLEARML_FILES_HOST`. Default: derived from the API host. */
  readonly filesHost?: string;
  /** `CLEARML_API_ACCESS_KEY`. */
  readonly accessKey?: string;
  /** `CLEARML_API_SECRET_KEY`. */
  readonly secretKey?: string;
  /** `CLEARML_TASK_ID`. Report to this task instead of finding or creating the job's own. */
  readonly taskId?: string;
  /** `CLEARML_PROJECT`. Default `Project {PROJECT_ID}`, else `Trainer SDK`. */
  readonly projectName?: string;
  /** `CLEARML_TASK_NAME`. Default `Training Job {JOB_ID}` (or `Inference Job`, `Evaluation Job`, `Export Job`). */
  readonly taskName?: string;
}

/** Which MLflow, which run, where `sinks` name it. Each field has the environment variable that MLflow's own client reads, in brackets. */
export interface TrainerMlflowOptions {
  /** `MLFLOW_TRACKING_URI`. The http or https address of the server. */
  readonly trackingUri?: string;
  /** `MLFLOW_TRACKING_USERNAME`. Goes with `password`. */
  readonly username?: string;
  /** `MLFLOW_TRACKING_PASSWORD`. */
  readonly password?: string;
  /** `MLFLOW_TRACKING_TOKEN`. Sent as a bearer token; user and password win over it. */
  readonly token?: string;
  /** `MLFLOW_EXPERIMENT_NAME`. Made where it is missing. Default: the name of the project in ClearML. */
  readonly experimentName?: string;
  /** `MLFLOW_EXPERIMENT_ID`. Wins over the name. */
  readonly experimentId?: string;
  /** `MLFLOW_RUN_ID`. Report to this run instead of finding or creating the job's own. Once it was deleted, a successor in its experiment. */
  readonly runId?: string;
  /** `MLFLOW_WORKSPACE`. The workspace to write to (MLflow 3.10 and later). Default: the server's default one. */
  readonly workspace?: string;
  /**
   * `TRAINER_MLFLOW_FILES`. What becomes of checkpoints, models and artifacts: `auto` (default) sends their bytes to MLflow too,
   * but for those larger than 16 MiB in a bucket, whose address is noted; `upload` sends them all; `link` notes addresses alone.
   */
  readonly files?: "auto" | "upload" | "link";
}

/** Credentials of an S3 endpoint. Without them the AWS chain is asked (environment, profile, instance role). */
export interface StorageCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Turns what the job was given into what the caller works with: a zod schema, or anything with a `parse`. */
export interface ConfigSchema<TConfig> {
  parse(value: unknown): TConfig;
}

/** Everything is optional: in a container that the platform started, `TrainerSDK.init()` is enough. */
export interface TrainerOptions<TConfig extends object = Record<string, unknown>> {
  /** Default `process.env`. */
  readonly env?: Environment;
  /** `JOB_ID`. Without one each start is a run of its own. */
  readonly jobId?: string;
  /** `PROJECT_ID`. */
  readonly projectId?: string;
  /** `OPERATION_TYPE`. Default `training`. */
  readonly operation?: OperationType;
  /** The job's configuration; `CONFIG` (JSON) or `TRAINER_CONFIG_FILE`. Default `{}`. */
  readonly config?: object;
  /** Checks and types `sdk.config`. What it refuses is an issue like any other; `sdk.config` is then the unchecked value. */
  readonly configSchema?: ConfigSchema<TConfig>;
  readonly callback?: CallbackOptions;
  readonly clearml?: TrainerClearMLOptions;
  /** Without effect unless `sinks` name `mlflow`. */
  readonly mlflow?: TrainerMlflowOptions;
  /** `TRAINER_SINKS`. Default: `platform` and `clearml`, where they are configured. `mlflow` is written to only when it is named. */
  readonly sinks?: readonly SinkName[];
  /** Destinations of the caller's own, beside those. */
  readonly extraSinks?: readonly Sink[];
  /** `CHECKPOINT_URI`: `s3://bucket/prefix`, `s3://host:port/bucket/prefix`, `file:///dir`, `clearml`; or a store of the caller's own. */
  readonly storage?: string | ObjectStore;
  readonly storageCredentials?: StorageCredentials;
  /** Template of a checkpoint's key. Default `checkpoints/{jobId}/{type}-{epoch}-{digest8}{ext}`. */
  readonly checkpointKey?: string;
  /**
   * Template of a second key under which the newest checkpoint of a type is found, overwritten each time and never announced.
   * Default in the dialect `platform-v2`: `checkpoints/{jobId}/{type}.pt`; else none. `false`: none.
   */
  readonly checkpointAlias?: string | false;
  /** `TRAINER_JOURNAL_DIR`. Default `.trainer-sdk/<job id>` in the working directory. */
  readonly journalDir?: string;
  /**
   * `TRAINER_HANDOVER_URI`: where `close` leaves the journal when records are pending at its end, for `trainer-sdk sync`:
   * `s3://bucket/prefix`, `s3://host:port/bucket/prefix` or `file:///dir`. Credentials as for `storage`.
   */
  readonly handover?: string;
  /** Throw a ConfigError or JournalError where the default is to start with less and say so. Default false. */
  readonly strict?: boolean;
  /** Who speaks in a distributed training: rank 0 (`primary`, default) or every rank, each with a journal of its own (`all`). */
  readonly rankScope?: "primary" | "all";
  /** Chart and line of a metric. Default: the rule of `metricAddress`. */
  readonly metricAddress?: (name: string) => MetricAddress;
  /** What stands for NaN and infinities in ClearML: a `nonfinite` companion series (default), or nothing. */
  readonly nonFinite?: "companion" | "omit";
  /**
   * What this process prints goes to the task's console too, until the job's end. Lines are not sent to the backend's
   * callbacks. Default false.
   */
  readonly captureConsole?: boolean | Omit<ConsoleCaptureOptions, "clock">;
  /**
   * The machine's load goes to ClearML, as its own client has it: processor, memory, disk, network, and graphics processors
   * where there is `nvidia-smi`. Nothing of it goes to the backend's callbacks. Default false.
   */
  readonly resourceMonitor?: boolean | Omit<ResourceMonitorOptions, "clock" | "logger">;
  /** `TRAINER_TASK_OWNER`. Who announces the end in ClearML: this process (default) or the platform's worker. */
  readonly taskOwner?: "trainer" | "worker";
  /**
   * `TRAINER_FENCE`. The number of this attempt, given by the platform's worker: 1 or more, higher for a later trainer of
   * the same job. Once a higher one reports, this process writes nothing more, and `signal` aborts.
   */
  readonly fence?: number;
  /** Largest size of the journal on disk. Default 1 GiB. */
  readonly maxJournalBytes?: number;
  /** Largest size of checkpoints waiting on disk. Default 50 GiB. */
  readonly maxPinnedBytes?: number;
  /** How long a record may wait for company before its batch goes. Default 1000 ms. */
  readonly batchAgeMs?: number;
  /** How long the end waits for uploads that were called before it. Default 10 minutes. */
  readonly finalWaitMs?: number;
  /** How often ClearML, or the backend in `platform-v2`, is asked whether somebody wants the job to stop. Default 5000 ms. */
  readonly stopPollIntervalMs?: number;
  /** A wish to stop from the caller's side (a Temporal activity's, say): it aborts `sdk.signal` too. */
  readonly signal?: AbortSignal;
  /** What it throws is passed over. Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** An undici dispatcher (proxy, certificate authority); stays the caller's to close. */
  readonly dispatcher?: Dispatcher;
  /** Send requests through this function instead of undici, for tests or tracing that hook into `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** @internal For the chaos bench: the disk under the journal, and the size of its files. */
  readonly journal?: Pick<OutboxOptions, "disk" | "segmentBytes">;
}

/** What does not depend on the configuration's type. */
export type GivenOptions = Omit<TrainerOptions, "configSchema">;

/** The same, settled. */
export interface ResolvedTrainerOptions {
  readonly env: Environment;
  readonly jobId: string | undefined;
  readonly projectId: string | undefined;
  readonly operation: OperationType;
  readonly config: Readonly<Record<string, unknown>>;
  readonly callback:
    | {
        readonly url: string;
        readonly token: string | undefined;
        readonly dialect: DialectName | CallbackDialect | CallbackDialectFunction;
      }
    | undefined;
  /** The job as the existing platform describes it, in its dialect alone. */
  readonly platform: PlatformEnvironment | undefined;
  /** Template of a checkpoint's second key. */
  readonly checkpointAlias: string | undefined;
  readonly clearmlTask: { readonly taskId: string | undefined; readonly projectName: string; readonly taskName: string | undefined };
  /** The run in MLflow, should there be one. */
  readonly mlflowRun: {
    readonly experimentName: string;
    readonly experimentId: string | undefined;
    readonly runId: string | undefined;
    readonly workspace: string | undefined;
    readonly files: "auto" | "upload" | "link" | undefined;
  };
  /** `undefined`: not said, so whatever is configured, but not MLflow. */
  readonly sinks: readonly SinkName[] | undefined;
  /** Nothing is connected to ClearML; what it is owed waits in the journal. */
  readonly offline: boolean;
  readonly storage: string | ObjectStore | undefined;
  readonly handover: string | undefined;
  /** Where the journal may lie, in order of preference. */
  readonly journalDirectory: string | undefined;
  readonly rank: Rank;
  readonly silent: boolean;
  readonly taskOwner: "trainer" | "worker";
  readonly fence: number | undefined;
  /** What is wrong, all at once. */
  readonly issues: readonly Issue[];
}

/** Given, then environment, then default. */
export function resolveTrainerOptions(given: GivenOptions, env: Environment, workingDirectory: string): ResolvedTrainerOptions {
  const { values, issues: found } = readEnvironment(env);
  const issues: Issue[] = [...found, ...unknownOptions(given)];
  const dialect = given.callback?.dialect ?? values.CALLBACK_DIALECT ?? "plan";
  const platform =
    dialect === "platform-v2"
      ? readPlatformEnvironment(given.operation === undefined ? env : { ...env, OPERATION_TYPE: given.operation })
      : undefined;
  const operation = given.operation ?? values.OPERATION_TYPE ?? platform?.operation ?? "training";
  const jobId = given.jobId ?? platform?.jobId ?? values.JOB_ID;
  const projectId = given.projectId ?? values.PROJECT_ID;
  const rank = readRank(env);
  const silent = rank.value !== 0 && (given.rankScope ?? "primary") === "primary";

  const url = given.callback?.url ?? values.CALLBACK_URL;
  if (given.callback?.url !== undefined && !URL.canParse(given.callback.url))
    issues.push({ path: "callback.url", message: `must be an http or https URL, not ${JSON.stringify(given.callback.url)}` });
  const badDialect = env["CALLBACK_DIALECT"] && values.CALLBACK_DIALECT === undefined && given.callback?.dialect === undefined;

  const sinks = given.sinks ?? values.TRAINER_SINKS;
  for (const name of given.sinks ?? []) {
    if (!SINK_NAMES.includes(name))
      issues.push({ path: "sinks", message: `knows no sink ${JSON.stringify(name)}; there are ${SINK_NAMES.join(", ")}` });
  }
  if (sinks?.includes("platform") && url === undefined)
    issues.push({ path: "CALLBACK_URL", message: "is missing, but the platform sink was asked for (TRAINER_SINKS)" });

  if (given.fence !== undefined && !(Number.isSafeInteger(given.fence) && given.fence >= 1))
    issues.push({ path: "fence", message: `must be a whole number of 1 or more, not ${String(given.fence)}` });

  const folder = given.journalDir ?? values.TRAINER_JOURNAL_DIR;
  const jobFolder = jobId === undefined ? undefined : `${operation === "training" ? "" : `${operation}-`}${folderName(jobId)}`;
  const base =
    folder !== undefined
      ? path.resolve(workingDirectory, folder)
      : jobFolder !== undefined
        ? path.join(workingDirectory, ".trainer-sdk", jobFolder)
        : undefined;
  const projectName =
    given.clearml?.projectName ?? values.CLEARML_PROJECT ?? (projectId === undefined ? "Trainer SDK" : `Project ${projectId}`);
  const titles: Record<OperationType, string> = {
    training: "Training",
    inference: "Inference",
    evaluation: "Evaluation",
    export: "Export",
  };
  return Object.freeze({
    env,
    jobId,
    projectId,
    operation,
    config: (given.config ?? configOf(platform, values.CONFIG)) as Record<string, unknown>,
    // A dialect that is not known would send a backend bodies that it cannot read: rather nothing, loudly.
    callback:
      url === undefined || !URL.canParse(url) || badDialect
        ? undefined
        : {
            url: url.replace(/\/+$/, ""),
            token: given.callback?.token ?? values.CALLBACK_TOKEN,
            dialect,
          },
    platform,
    checkpointAlias: given.checkpointAlias === false ? undefined : (given.checkpointAlias ?? (platform && PLATFORM_ALIAS_TEMPLATE)),
    clearmlTask: {
      taskId: given.clearml?.taskId ?? values.CLEARML_TASK_ID,
      projectName,
      taskName:
        given.clearml?.taskName ?? values.CLEARML_TASK_NAME ?? (jobId === undefined ? undefined : `${titles[operation]} Job ${jobId}`),
    },
    mlflowRun: {
      experimentName: given.mlflow?.experimentName ?? values.MLFLOW_EXPERIMENT_NAME ?? projectName,
      experimentId: given.mlflow?.experimentId ?? values.MLFLOW_EXPERIMENT_ID,
      runId: given.mlflow?.runId ?? values.MLFLOW_RUN_ID,
      workspace: given.mlflow?.workspace ?? values.MLFLOW_WORKSPACE,
      files: given.mlflow?.files ?? values.TRAINER_MLFLOW_FILES,
    },
    sinks,
    offline: values.CLEARML_OFFLINE_MODE ?? false,
    storage: given.storage ?? values.CHECKPOINT_URI,
    handover: given.handover ?? values.TRAINER_HANDOVER_URI,
    journalDirectory: base !== undefined && rank.value !== 0 ? path.join(base, `rank-${String(rank.value)}`) : base,
    rank,
    silent,
    fence: Number.isSafeInteger(given.fence) && (given.fence ?? 0) >= 1 ? given.fence : values.TRAINER_FENCE,
    taskOwner: given.taskOwner ?? values.TRAINER_TASK_OWNER ?? "trainer",
    issues,
  });
}

/** The key that the existing platform's SDK gave a checkpoint, whatever kind of file it was. */
const PLATFORM_ALIAS_TEMPLATE = "checkpoints/{jobId}/{type}.pt";

/** A file's configuration (`TRAINER_CONFIG_FILE`) lies below the platform's variables, as `CONFIG` does. */
function configOf(platform: PlatformEnvironment | undefined, config: Readonly<Record<string, unknown>> | undefined): object {
  return platform === undefined ? (config ?? {}) : { ...config, ...platform.config };
}

/** A job id as one path part: no separator survives, and a name of dots alone would climb. */
export function folderName(jobId: string): string {
  return encodeURIComponent(jobId)
    .replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E"))
    .slice(0, 200);
}
