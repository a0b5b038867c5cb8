/** A worker as a platform runs one, in a process of its own, from the published entries. Ends in order on SIGTERM. */
import { fileURLToPath } from "node:url";
import { NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { createTrainingActivities, kubernetesManager, subprocessManager, type KubernetesManagerOptions } from "trainer-sdk/temporal";

/** What the test says. */
export interface WorkerSettings {
  readonly address: string;
  readonly taskQueue: string;
  /** Where trainers run. */
  readonly place: WorkerPlace;
  readonly journals: string;
  readonly store: string;
  readonly shutdownGraceMs: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Processes, with the registry of this worker's host, or Jobs of a cluster. */
export type WorkerPlace =
  | { readonly kind: "subprocess"; readonly registry: string; readonly memoryEventsFile: string }
  | { readonly kind: "kubernetes"; readonly options: KubernetesManagerOptions };

const settings = JSON.parse(process.argv[2] ?? "{}") as WorkerSettings;
const { env, place } = settings;
Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error } });
const connection = await NativeConnection.connect({ address: settings.address });
const { CLEARML_API_ACCESS_KEY = "", CLEARML_API_SECRET_KEY = "" } = env;
const worker = await Worker.create({
  connection,
  taskQueue: settings.taskQueue,
  workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
  activities: {
    ...createTrainingActivities({
      manager:
        place.kind === "kubernetes"
          ? kubernetesManager(place.options)
          : subprocessManager({ directory: place.registry, pollIntervalMs: 50, memoryEventsFile: place.memoryEventsFile }),
      env: { ...env, CHECKPOINT_URI: settings.store },
      journal: { directory: settings.journals, workerDirectory: settings.journals },
      // A Job takes its keys from a Secret of the cluster.
      ...(place.kind === "subprocess" ? { trainerSecrets: () => ({ CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY }) } : {}),
      pollIntervalMs: 200,
      drainMs: 5_000,
    }),
  },
  shutdownGraceTime: settings.shutdownGraceMs,
  maxHeartbeatThrottleInterval: 500,
  defaultHeartbeatThrottleInterval: 500,
});
console.log("ready");
await worker.run();
await connection.close();
