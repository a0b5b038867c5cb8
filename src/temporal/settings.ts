/**
 * What a worker's activities share: addresses, credentials and the places of trainers and journals. Resolved once, when
 * the activities are made, so that what is missing shows at the worker's start and not in the middle of a training.
 */
import path from "node:path";
import { systemClock, type Clock } from "../base/clock.js";
import { ConfigError, type Issue } from "../base/errors.js";
import { undiciTransport, type HttpTransport } from "../base/http.js";
import { silentLogger, type Logger } from "../base/logger.js";
import { readNetwork } from "../base/network.js";
import { resolveClearMLOptions, type ClearMLConnection, type ResolvedClearMLConnection } from "../clearml/options.js";
import { clientPort, type ClearMLPort } from "../sinks/clearml/clearml-port.js";
import type { Environment } from "../trainer/environment.js";
import { folderName } from "../trainer/options.js";
import { clearmlClient } from "./clearml-client.js";
import type { TrainingJob } from "./contract.js";
import type { TrainingManager } from "./training-manager.js";

/** Where the journals of jobs lie. `{jobId}` stands for the job. */
export interface JournalFolder {
  /** As the trainer sees it. */
  readonly directory: string;
  /** The same folder as the worker sees it. Default: the same path where trainers are processes of this host, else none. */
  readonly workerDirectory?: string | undefined;
}

/** What `createTrainingActivities` needs. */
export interface TrainingActivityDependencies {
  /** Where trainers run. */
  readonly manager: TrainingManager;
  /** `CLEARML_*`, `CALLBACK_URL`, `CALLBACK_TOKEN`, `CHECKPOINT_URI`, credentials of the storage. Default `process.env`. */
  readonly env?: Environment;
  /** ClearML, in the place of the environment's. */
  readonly clearml?: ClearMLConnection;
  /** The backend; `{jobId}` in the URL stands for the job. Default `CALLBACK_URL` and `CALLBACK_TOKEN`. */
  readonly platform?: { readonly url: string; readonly token?: string | undefined } | undefined;
  /** `CHECKPOINT_URI` of trainers, in the place of the environment's. */
  readonly storage?: string | undefined;
  /** A volume that outlives trainers. This, or `handoverUri`, must be given. */
  readonly journal?: JournalFolder | undefined;
  /** `TRAINER_HANDOVER_URI` of trainers. */
  readonly handoverUri?: string | undefined;
  /** Where the ends of trainers' logs are kept: `s3://bucket/prefix` or `file:///folder`. Default: with the backend alone. */
  readonly logUri?: string | undefined;
  /** More variables for a job's trainer. No secret. */
  readonly trainerEnv?: (job: TrainingJob) => Readonly<Record<string, string>>;
  /** Secrets for a job's trainer, which are kept nowhere: keys of ClearML, a token. A backend that would have to keep them refuses. */
  readonly trainerSecrets?: (job: TrainingJob) => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  /** How often ClearML is asked for progress and for wishes to stop. Default 10 s. */
  readonly pollIntervalMs?: number | undefined;
  /** How long one activity attempt delivers what a trainer left. Default 60 s. */
  readonly drainMs?: number | undefined;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** The same, settled. */
export interface Settings {
  readonly manager: TrainingManager;
  /** For whoever delivers journals. Holds secrets. */
  readonly env: Environment;
  readonly clearml: ResolvedClearMLConnection;
  readonly port: ClearMLPort;
  readonly transport: HttpTransport;
  readonly storage: string | undefined;
  readonly handoverUri: string | undefined;
  readonly logUri: string | undefined;
  readonly trainerEnv: (job: TrainingJob) => Readonly<Record<string, string>>;
  readonly trainerSecrets: NonNullable<TrainingActivityDependencies["trainerSecrets"]>;
  readonly pollIntervalMs: number;
  readonly drainMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Of a job; undefined without a backend. */
  callback(job: TrainingJob): { readonly url: string; readonly token: string | undefined } | undefined;
  /** Of a job; undefined without a volume. */
  journal(job: TrainingJob): { readonly trainer: string; readonly worker: string | undefined } | undefined;
}

/** @throws ConfigError with everything that is wrong or missing. */
export function resolveSettings(given: TrainingActivityDependencies): Settings {
  const { manager, env = process.env, logger = silentLogger, clock = systemClock } = given;
  const clearml = resolveClearMLOptions(given.clearml ?? {}, env);
  const issues: Issue[] = clearml.options === undefined ? [...clearml.issues] : [];
  if (given.journal === undefined && given.handoverUri === undefined)
    issues.push({
      path: "journal",
      message: "or handoverUri must be given: without a volume or a hand-over, what a trainer could not deliver dies with its disk",
    });
  for (const [name, folder] of Object.entries(given.journal ?? {}) as [string, string][]) {
    if (!path.isAbsolute(folder) || !folder.includes("{jobId}"))
      issues.push({ path: `journal.${name}`, message: `must be an absolute path with {jobId} in it, not ${JSON.stringify(folder)}` });
  }
  const url = given.platform?.url ?? env["CALLBACK_URL"];
  if (url !== undefined && url !== "" && !URL.canParse(forJob(url, { jobId: "1" })))
    issues.push({ path: given.platform ? "platform.url" : "CALLBACK_URL", message: "must be an http or https URL" });
  if (issues.length > 0 || clearml.options === undefined)
    throw new ConfigError(`createTrainingActivities: ${issues.map(({ path: name, message }) => `${name} ${message}`).join("; ")}`, issues);
  const token = given.platform ? given.platform.token : env["CALLBACK_TOKEN"];
  const storage = given.storage ?? env["CHECKPOINT_URI"];
  const client = clearmlClient(clearml.options, env, { clock, logger });
  const { journal } = given;
  return {
    manager,
    env: { ...env, ...clearmlEnv(clearml.options), ...present({ CALLBACK_TOKEN: token, CHECKPOINT_URI: storage }) },
    clearml: clearml.options,
    port: clientPort(client),
    transport: undiciTransport({ network: readNetwork(env) }),
    storage,
    handoverUri: given.handoverUri,
    logUri: given.logUri,
    trainerEnv: given.trainerEnv ?? (() => ({})),
    trainerSecrets: given.trainerSecrets ?? (() => ({})),
    pollIntervalMs: given.pollIntervalMs ?? 10_000,
    drainMs: given.drainMs ?? 60_000,
    logger,
    clock,
    callback: (job) => (url === undefined || url === "" ? undefined : { url: forJob(url, job), token }),
    journal: (job) => {
      if (journal === undefined) return undefined;
      const worker = journal.workerDirectory ?? (manager.hostBound ? journal.directory : undefined);
      return { trainer: inFolder(journal.directory, job), worker: worker && inFolder(worker, job) };
    },
  };
}

/** The hosts alone: no secret. */
export function clearmlHosts({ apiHost, webHost, filesHost }: ResolvedClearMLConnection): Record<string, string> {
  return present({ CLEARML_API_HOST: apiHost, CLEARML_WEB_HOST: webHost, CLEARML_FILES_HOST: filesHost });
}

function clearmlEnv(connection: ResolvedClearMLConnection): Record<string, string> {
  const { accessKey, secretKey, token } = connection;
  const keys = { CLEARML_API_ACCESS_KEY: accessKey, CLEARML_API_SECRET_KEY: secretKey, CLEARML_AUTH_TOKEN: token };
  return {
    ...clearmlHosts(connection),
    ...present(keys),
    ...(connection.verifyCertificates ? {} : { CLEARML_API_HOST_VERIFY_CERT: "0" }),
  };
}

function forJob(template: string, { jobId }: Pick<TrainingJob, "jobId">): string {
  return template.replaceAll("{jobId}", encodeURIComponent(jobId));
}

function inFolder(template: string, { jobId, operation = "training" }: TrainingJob): string {
  return template.replaceAll("{jobId}", `${operation === "training" ? "" : `${operation}-`}${folderName(jobId)}`);
}

/** The fields that are there. */
export function present<T>(fields: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, T] => entry[1] !== undefined && entry[1] !== ""));
}
