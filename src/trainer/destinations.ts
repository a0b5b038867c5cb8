/**
 * Which destinations a job has, from what was configured: the ClearML client, the sinks over it and over the backend,
 * and the store for bytes. What cannot be used is left out and said; nothing here opens a connection.
 */
import type { Clock } from "../base/clock.js";
import { ConfigError, describeError, type Issue, type StopSource } from "../base/errors.js";
import type { StreamingHttpTransport } from "../base/http.js";
import type { Random } from "../base/ids.js";
import type { Logger } from "../base/logger.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { CONF_VARIABLES } from "../base/clearml-conf.js";
import { resolveClearMLOptions } from "../clearml/options.js";
import type { Sink } from "../outbox/sink.js";
import { taskExternalKey } from "../records/external-key.js";
import type { createClearMLSink } from "../sinks/clearml/clearml-sink.js";
import { Fence } from "../sinks/fence.js";
import { createPlatformSink } from "../sinks/platform/platform-sink.js";
import { numericJobId, type PlatformV2Job } from "../sinks/platform/v2/platform-v2-job.js";
import { createPlatformV2Sinks } from "../sinks/platform/v2/platform-v2-sink.js";
import type { BoundTask } from "./events.js";
import type { MlflowDestination } from "./mlflow-destination.js";
import { offlineSink } from "./offline.js";
import type { GivenOptions, ResolvedTrainerOptions } from "./options.js";

/** What destinations share. */
export interface Collaborators {
  readonly transport: StreamingHttpTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface SinkHooks {
  readonly taskId: () => string | undefined;
  readonly onBound: (task: BoundTask) => void;
  readonly onStop: (source: StopSource, reason: string) => void;
  /** ClearML refused for good: there will be no task. */
  readonly onRefused: () => void;
}

/** A client for ClearML, and what makes the sink over it. */
export interface ClearMLDestination {
  readonly clearml: ClearML;
  readonly createSink: typeof createClearMLSink;
}

/** The ClearML client, when there is enough to reach one. Loads its code; opens nothing. */
export async function clearmlDestination(
  given: GivenOptions,
  resolved: ResolvedTrainerOptions,
  collaborators: Collaborators,
): Promise<{ destination: ClearMLDestination | undefined; issues: readonly Issue[] }> {
  const { sinks, env } = resolved;
  const wanted = sinks?.includes("clearml");
  if (resolved.offline) return { destination: undefined, issues: [] };
  if (wanted === false && resolved.storage !== "clearml") return { destination: undefined, issues: [] };
  const { options, issues, configured } = resolveClearMLOptions({ ...given.clearml }, env);
  // Not asked for and not configured: there is simply no ClearML. Asked for or half configured: say what is missing.
  if (options === undefined) return { destination: undefined, issues: configured || wanted === true ? issues : [] };
  const { transport, ...others } = collaborators;
  // A session that must not check certificates needs a transport of its own; the shared one checks.
  const ownTransport = !options.verifyCertificates && given.dispatcher === undefined && given.fetch === undefined;
  // What clearml.conf says is in the options by now, and what is wrong with it among the issues.
  const rest = { ...env, ...Object.fromEntries(CONF_VARIABLES.map((name) => [name, undefined])) };
  const { createClearML, createClearMLSink } = await import("./clearml-parts.js");
  const clearml = createClearML({ ...options, ...others, ...(ownTransport ? {} : { transport }) }, rest);
  return { destination: { clearml, createSink: createClearMLSink }, issues };
}

/** Whose records the sinks deliver. */
export interface SinkIdentity {
  /** The journal's run. */
  readonly runId: string;
  readonly jobId: string;
  /** Where the job's files go. */
  readonly outputUri: string | undefined;
  readonly mode: "live" | "drain";
}

/** The sinks in the order in which they are listed everywhere. */
export function createSinks(
  given: GivenOptions,
  resolved: ResolvedTrainerOptions,
  { clearml: destination, mlflow }: { readonly clearml: ClearMLDestination | undefined; readonly mlflow: MlflowDestination | undefined },
  identity: SinkIdentity,
  hooks: SinkHooks,
  collaborators: Collaborators,
): { sinks: readonly Sink[]; issues: readonly Issue[] } {
  const { clock, logger, transport } = collaborators;
  const wanted = (name: "platform" | "clearml"): boolean => resolved.sinks?.includes(name) ?? true;
  const issues: Issue[] = [];
  const sinks: Sink[] = [];
  const fence =
    resolved.fence === undefined
      ? undefined
      : new Fence(resolved.fence, (reason) => {
          hooks.onStop("platform", reason);
        });
  if (resolved.callback && wanted("platform")) {
    try {
      const { url, token, dialect } = resolved.callback;
      const common = {
        url,
        token,
        taskId: hooks.taskId,
        fence,
        onStopRequest: (reason: string) => {
          hooks.onStop("platform", reason);
        },
        transport,
        clock,
        logger,
        requestTimeoutMs: given.callback?.timeoutMs,
      };
      if (dialect === "platform-v2") {
        const { random } = collaborators;
        sinks.push(
          ...createPlatformV2Sinks({
            ...common,
            random,
            job: platformV2Job(resolved),
            mode: identity.mode,
            pollIntervalMs: given.stopPollIntervalMs,
          }),
        );
      } else {
        const own = dialect === "plan" ? undefined : dialect;
        sinks.push(createPlatformSink({ ...common, dialect: own, job: { operation: resolved.operation, jobId: identity.jobId } }));
      }
    } catch (error) {
      issues.push(...issuesOf(error, "CALLBACK_URL"));
    }
  }
  if (destination && wanted("clearml")) {
    const { taskId, projectName, taskName } = resolved.clearmlTask;
    const sink = destination.createSink({
      clearml: destination.clearml,
      job: { operation: resolved.operation },
      runId: identity.runId,
      outputUri: identity.outputUri,
      taskId,
      projectName,
      taskName: taskName ?? `${resolved.operation} ${identity.jobId.slice(0, 12)}`,
      externalKey: taskExternalKey({ operation: resolved.operation, jobId: identity.jobId, projectId: resolved.projectId }),
      owner: resolved.taskOwner,
      fence,
      mode: identity.mode,
      metricAddress: given.metricAddress,
      nonFinite: given.nonFinite,
      pollIntervalMs: given.stopPollIntervalMs,
      onBound: hooks.onBound,
      onStopRequest: (reason) => {
        hooks.onStop("clearml", reason);
      },
      clock,
      logger,
    });
    sinks.push(withRefusal(sink, hooks.onRefused));
  }
  if (resolved.offline && wanted("clearml")) sinks.push(offlineSink());
  if (mlflow) sinks.push(mlflow.createSink(identity, { fence, taskId: hooks.taskId }));
  sinks.push(...(given.extraSinks ?? []));
  if (sinks.length === 0)
    issues.push({
      path: "TRAINER_SINKS",
      message:
        "no destination is configured: set CALLBACK_URL, or CLEARML_API_HOST with CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY. Everything is kept in the journal alone, and is owed to nobody. To deliver it later, start with CLEARML_OFFLINE_MODE=1",
    });
  return { sinks, issues };
}

/** @throws ConfigError when the job's id is not one of the existing platform's. */
function platformV2Job({ operation, jobId, platform, config }: ResolvedTrainerOptions): PlatformV2Job {
  const { primary_metric: primaryMetric, epochs } = config;
  return {
    operation,
    jobId: numericJobId(jobId),
    taskType: platform?.taskType ?? "detection",
    primaryMetric: typeof primaryMetric === "string" && primaryMetric !== "" ? primaryMetric : undefined,
    totalEpochs: typeof epochs === "number" && Number.isInteger(epochs) && epochs > 0 ? epochs : undefined,
  };
}

/** The sink, with its refusal to open told to whoever waits for the task. */
function withRefusal(sink: Sink, onRefused: () => void): Sink {
  const open = sink.open?.bind(sink);
  if (!open) return sink;
  sink.open = async (context) => {
    const delivery = await open(context);
    if (delivery.status === "rejected") onRefused();
    return delivery;
  };
  return sink;
}

/** The issues of whatever a constructor threw. */
export function issuesOf(error: unknown, path: string): readonly Issue[] {
  return error instanceof ConfigError ? error.issues : [{ path, message: describeError(error) }];
}
