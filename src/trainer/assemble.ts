/** The composition root: options become clients, sinks, a store, an outbox and the run that the verbs speak to. */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { readClearMLConf } from "../base/clearml-conf.js";
import { systemClock } from "../base/clock.js";
import { withConfEnvironment } from "../base/conf-environment.js";
import { ConfigError, describeError, type Issue, type StopSource } from "../base/errors.js";
import { fetchTransport, undiciTransport, type StreamingHttpTransport } from "../base/http.js";
import { silentLogger, unfailing, type Logger } from "../base/logger.js";
import { checkNodeVersion } from "../base/node-version.js";
import { readNetwork, type NetworkSettings } from "../base/network.js";
import { clearmlCertificates } from "../clearml/options.js";
import type { Sink } from "../outbox/sink.js";
import type { ObjectStore } from "../storage/object-store.js";
import { objectKeyTemplateIssues } from "../storage/object-key.js";
import { attachmentUploader } from "./attachment-uploader.js";
import { captureInto, consoleCapture } from "./capture-into.js";
import { checkpointStore } from "./checkpoint-store.js";
import { connectConfig, parametersOf, readConfig } from "./connect-config.js";
import { clearmlDestination, createSinks, issuesOf, type Collaborators } from "./destinations.js";
import type { DownloadContext } from "./download-dataset.js";
import { TrainerEmitter, type BoundTask } from "./events.js";
import { handOverStore } from "./hand-over.js";
import { jobIdentity, rememberJob } from "./job-identity.js";
import { openOutbox } from "./journal-place.js";
import { mlflowDestination } from "./mlflow-destination.js";
import { resolveTrainerOptions, type GivenOptions, type ResolvedTrainerOptions, type TrainerOptions } from "./options.js";
import { ResumePoint, type ResumeToken } from "./resume-token.js";
import { Run } from "./run.js";
import { stopSwitch, type StopSwitch } from "./stop-switch.js";
import { Tally } from "./tally.js";
import { watchMachine } from "./watch-machine.js";

/** A run with what belongs to it. */
export interface Assembly<TConfig extends object> {
  readonly run: Run;
  readonly config: Readonly<TConfig>;
  readonly signal: AbortSignal;
  /** What an earlier process of this journal left. */
  readonly previous: ResumeToken | undefined;
  /** Where `close` leaves what is pending. */
  readonly handover: ObjectStore | undefined;
  /** What downloads are done with. */
  readonly downloads: DownloadContext;
  /** Aborts `signal`. */
  readonly requestStop: (source: StopSource, reason: string) => void;
  readonly issues: readonly Issue[];
  /** Frees what is not the outbox's. */
  release(): Promise<void>;
}

/**
 * Puts a run together. Touches the disk, never the network.
 *
 * @throws ConfigError or JournalError, only with `strict`; ConfigError on a Node that is too old.
 */
export async function assemble<TConfig extends object>(given: TrainerOptions<TConfig>): Promise<Assembly<TConfig>> {
  checkNodeVersion();
  const capture = consoleCapture(given);
  const logger = unfailing(capture?.unheard(given.logger ?? silentLogger) ?? given.logger ?? silentLogger);
  const env = withConfEnvironment(given.env ?? process.env);
  const network = readNetwork(env, clearmlCertificates(env));
  const transport = transportOf(given, network);
  const collaborators: Collaborators = {
    transport,
    clock: given.clock ?? systemClock,
    random: given.random ?? Math.random,
    logger,
  };
  const resolved = resolveTrainerOptions(given, env, process.cwd());
  if (readClearMLConf(env).hasFilesToWrite === true)
    logger.warn("clearml.conf has files to be written (sdk.apply_files), and this package writes none of them");
  const issues: Issue[] = [...resolved.issues, ...network.issues];
  const config = readConfig(given, resolved, issues);
  const parameters = parametersOf(config, issues);
  const tally = new Tally(logger);
  const emitter = new TrainerEmitter(logger);
  const stop = stopSwitch(given.signal, emitter);
  const binding = taskBinding(emitter);

  // The template is taken before the outbox is opened: a bad one must not cost the first checkpoint.
  const template = given.checkpointKey;
  const templateIssues = template === undefined ? [] : objectKeyTemplateIssues(template, "checkpointKey");
  const alias = resolved.checkpointAlias;
  const aliasIssues = alias === undefined ? [] : objectKeyTemplateIssues(alias, "checkpointAlias", { isAlias: true });
  issues.push(...templateIssues, ...aliasIssues);

  const opened = resolved.silent ? undefined : await open(given, resolved, collaborators, { issues, tally, emitter, stop, binding });
  if (given.strict === true && issues.length > 0) {
    await opened?.outbox.close({ deadlineMs: 0 });
    throw new ConfigError(`TrainerSDK.init: ${listed(issues)}`, issues);
  }
  if (issues.length > 0) logger.warn(`TrainerSDK started with less than was asked for: ${listed(issues)}`);
  if (opened === undefined || !opened.hasClearML) binding.none();

  const run = new Run({
    operation: resolved.operation,
    jobId: opened?.jobId ?? resolved.jobId ?? "",
    outbox: opened?.outbox,
    resume: opened?.resume,
    silentReason: `rank ${String(resolved.rank.value)} (${resolved.rank.source ?? ""}) is silent; rank 0 reports`,
    store: opened?.store,
    noStoreReason: "there is no storage for files: set CHECKPOINT_URI (s3://bucket/prefix, file:///folder or clearml)",
    pinDirectory: opened?.pinDirectory ?? "",
    checkpointKey: templateIssues.length > 0 ? undefined : template,
    checkpointAlias: aliasIssues.length > 0 || opened?.store?.kind === "presigned" ? undefined : alias,
    clock: collaborators.clock,
    logger,
    tally,
    emitter,
    boundTask: binding.task,
    whenBound: binding.whenBound,
  });
  connectConfig(run, parameters);
  if (capture) captureInto(run, capture);
  watchMachine(run, given.resourceMonitor ?? false);
  return {
    run,
    config,
    signal: stop.signal,
    previous: opened?.previous,
    handover: opened?.handover,
    requestStop: stop.request,
    downloads: {
      ...collaborators,
      transport,
      env: resolved.env,
      credentials: given.storageCredentials,
      clearml: given.clearml ?? {},
      signal: stop.signal,
      onProgress: (progress) => {
        emitter.emit("downloadProgress", progress);
      },
    },
    issues,
    release: async () => {
      binding.none();
      stop.release();
      await opened?.release();
      await opened?.handover?.close();
      await collaborators.transport.close();
    },
  };
}

interface Hooks {
  readonly issues: Issue[];
  readonly tally: Tally;
  readonly emitter: TrainerEmitter;
  readonly stop: StopSwitch;
  readonly binding: ReturnType<typeof taskBinding>;
}

async function open(given: GivenOptions, resolved: ResolvedTrainerOptions, collaborators: Collaborators, hooks: Hooks) {
  const { issues, tally, emitter, stop, binding } = hooks;
  const { clock, random, logger } = collaborators;
  const { destination, issues: clearmlIssues } = await clearmlDestination(given, resolved, collaborators);
  const mlflow = await mlflowDestination(given, resolved, collaborators);
  issues.push(...clearmlIssues, ...mlflow.issues);
  const storage = checkpointStore(given, resolved, destination?.clearml, collaborators);
  issues.push(...storage.issues);
  const handover = handOverPlace(given, resolved, collaborators);
  issues.push(...handover.issues);
  await prepareStore(storage.store, given.strict ?? false, issues, logger);
  let jobId = resolved.jobId ?? "";
  const sinkHooks = {
    taskId: () => binding.task()?.id,
    onBound: (task: BoundTask) => {
      binding.bound(task);
    },
    onStop: stop.request,
    onRefused: binding.none,
  };
  const createAll = (runId: string): readonly Sink[] => {
    jobId = resolved.jobId ?? runId;
    const { sinks, issues: found } = createSinks(
      given,
      resolved,
      { clearml: destination, mlflow: mlflow.destination },
      { runId, jobId, outputUri: storage.store?.uriOf("").replace(/\/+$/, ""), mode: "live" },
      sinkHooks,
      collaborators,
    );
    issues.push(...found);
    return sinks;
  };
  const place = await openOutbox({
    asked: resolved.journalDirectory,
    workingDirectory: process.cwd(),
    strict: given.strict ?? false,
    outbox: {
      sinks: createAll,
      ...(storage.store
        ? {
            uploader: attachmentUploader({
              store: storage.store,
              logger,
              onProgress: (progress) => {
                emitter.emit("uploadProgress", progress);
              },
            }),
          }
        : {}),
      clock,
      random,
      logger,
      ...given.journal,
      ...(given.batchAgeMs === undefined ? {} : { batchAgeMs: given.batchAgeMs }),
      ...(given.finalWaitMs === undefined ? {} : { barrierWaitMs: given.finalWaitMs }),
      ...(given.maxJournalBytes === undefined ? {} : { maxJournalBytes: given.maxJournalBytes }),
      ...(given.maxPinnedBytes === undefined ? {} : { maxPinnedBytes: given.maxPinnedBytes }),
      onLoss: ({ reason, sink, detail }) => {
        tally.loss();
        emitter.emit("loss", { reason, sink, detail });
      },
    },
  });
  issues.push(...place.issues);
  rememberJob(place.outbox, jobIdentity(resolved, jobId, storage.uri));
  const { point, previous } = await ResumePoint.begin({
    outbox: place.outbox,
    jobId,
    directory: place.directory,
    now: () => clock.now(),
    logger,
  });
  const temporary = path.join(tmpdir(), "trainer-sdk", place.outbox.runId);
  return {
    outbox: place.outbox,
    resume: point,
    previous,
    handover: handover.store,
    jobId,
    store: storage.store,
    pinDirectory: path.join(place.directory ?? temporary, "pins"),
    hasClearML: destination !== undefined && (resolved.sinks?.includes("clearml") ?? true),
    release: async () => {
      // Copies that no journal speaks of are of use to nobody.
      if (place.directory === undefined) await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
      await destination?.clearml.close();
    },
  };
}

/** The store for hand-overs, when one was asked for. */
function handOverPlace(given: GivenOptions, resolved: ResolvedTrainerOptions, { logger }: Collaborators): ReturnType<typeof handOverStore> {
  if (resolved.handover === undefined) return { store: undefined, issues: [] };
  try {
    return handOverStore(resolved.handover, { env: resolved.env, logger, credentials: given.storageCredentials });
  } catch (error) {
    return { store: undefined, issues: issuesOf(error, "TRAINER_HANDOVER_URI") };
  }
}

/** Packages that the store needs and that are not installed: known at the start, not at the first checkpoint's upload. */
async function prepareStore(store: ObjectStore | undefined, strict: boolean, issues: Issue[], logger: Logger): Promise<void> {
  const prepared = store?.prepare?.().catch((error: unknown) => {
    if (strict) issues.push(...issuesOf(error, "CHECKPOINT_URI"));
    else logger.warn(`The store for files cannot be used: ${describeError(error)}`);
  });
  // Loading holds the thread for some 0.2 s: now, and not in the middle of the first training step.
  await prepared;
}

function transportOf(given: GivenOptions, network: NetworkSettings): StreamingHttpTransport {
  if (given.fetch) return fetchTransport(given.fetch);
  return undiciTransport({ background: true, network, ...(given.dispatcher ? { dispatcher: given.dispatcher } : {}) });
}

/** The task, once it is known; or the certainty that there will be none. */
function taskBinding(emitter: TrainerEmitter) {
  const { promise, resolve } = Promise.withResolvers<BoundTask | undefined>();
  let known: BoundTask | undefined;
  return {
    whenBound: promise,
    task: () => known,
    bound: (task: BoundTask) => {
      const isNews = known?.id !== task.id;
      known = task;
      resolve(task);
      if (isNews) emitter.emit("bound", task);
    },
    none: () => {
      resolve(undefined);
    },
  };
}

function listed(issues: readonly Issue[]): string {
  return issues.map(({ path: name, message }) => `${name} ${message}`).join("; ");
}
