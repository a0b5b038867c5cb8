/** MLflow as a second destination: only where it was asked for by name. Opens nothing. */
import type { Readable } from "node:stream";
import { DownloadError, type Issue } from "../base/errors.js";
import { undiciTransport } from "../base/http.js";
import { readNetwork } from "../base/network.js";
import type { Sink } from "../outbox/sink.js";
import { taskExternalKey } from "../records/external-key.js";
import type { Fence } from "../sinks/fence.js";
import { issuesOf, type Collaborators, type SinkIdentity } from "./destinations.js";
import type { DownloadSources } from "./download-sources.js";
import type { GivenOptions, ResolvedTrainerOptions } from "./options.js";

/** Makes the sink over a server that is known by address. */
export interface MlflowDestination {
  createSink(identity: SinkIdentity, shared: { readonly fence: Fence | undefined; readonly taskId: () => string | undefined }): Sink;
}

/** True when the job is to be written to MLflow too: never without being asked for. */
export function wantsMlflow({ sinks }: Pick<ResolvedTrainerOptions, "sinks">): boolean {
  return sinks?.includes("mlflow") ?? false;
}

/** The destination, when it is asked for and can be reached. Loads its code. */
export async function mlflowDestination(
  given: GivenOptions,
  resolved: ResolvedTrainerOptions,
  collaborators: Collaborators,
  isWanted = wantsMlflow(resolved),
): Promise<{ readonly destination: MlflowDestination | undefined; readonly issues: readonly Issue[] }> {
  if (!isWanted) return { destination: undefined, issues: [] };
  const {
    createMlflowSink,
    DownloadSources: Sources,
    mlflowArtifactStore,
    MlflowWire,
    MlflowWriter,
    resolveMlflowConnection,
  } = await import("./mlflow-parts.js");
  const { env } = resolved;
  let connection: ReturnType<typeof resolveMlflowConnection>;
  try {
    connection = resolveMlflowConnection(given.mlflow ?? {}, env);
  } catch (error) {
    return { destination: undefined, issues: issuesOf(error, "MLFLOW_TRACKING_URI") };
  }
  const { clock, logger, transport: shared } = collaborators;
  const { verifyCertificates, certificateFile } = connection;
  // The shared transport trusts what the whole process trusts; what MLflow alone is said to be trusted by needs one of its own.
  const needsOwn = (!verifyCertificates || certificateFile !== undefined) && given.dispatcher === undefined && given.fetch === undefined;
  const own = needsOwn ? undiciTransport({ background: true, verifyCertificates, network: readNetwork(env, certificateFile) }) : undefined;
  const writer = new MlflowWriter(new MlflowWire({ connection, transport: own ?? shared, clock }));
  let sources: DownloadSources | undefined;
  const openFile = async ({ uri }: { readonly uri: string }, signal: AbortSignal): Promise<Readable> => {
    sources ??= new Sources({ env, transport: shared, credentials: given.storageCredentials, clearml: given.clearml ?? {} });
    const [file] = await sources.source("mlflow", uri, "object").list(signal);
    const answer = file === undefined ? "gone" : await file.open(0, file.version, signal);
    if (typeof answer !== "string") return answer.body;
    throw new DownloadError(`${uri} is ${answer} since it was stored; MLflow cannot have its bytes.`, { uri, retryable: false });
  };
  return {
    destination: {
      createSink: ({ runId, jobId, mode }, { fence, taskId }) =>
        createMlflowSink({
          ...resolved.mlflowRun,
          writer,
          journalId: runId,
          runName: resolved.clearmlTask.taskName ?? `${resolved.operation} ${jobId.slice(0, 12)}`,
          externalKey: taskExternalKey({ operation: resolved.operation, jobId, projectId: resolved.projectId }),
          userName: [env["LOGNAME"], env["USER"], env["USERNAME"]].find((name) => name !== undefined && name !== "") ?? "unknown",
          taskId,
          openFile,
          openStore: (artifactUri) => mlflowArtifactStore(artifactUri, { env, logger }),
          fence,
          mode,
          clock,
          logger,
          onClose: async () => {
            await sources?.[Symbol.asyncDispose]();
            await own?.close();
          },
        }),
    },
    issues: [],
  };
}
