/** A worker as a platform runs one, in a process of its own, from the published entries. Ends in order on SIGTERM. */
import { NativeConnection, Runtime, Worker } from "@temporalio/worker";
import {
  clearmlQueueManager,
  createTrainingActivities,
  kubernetesManager,
  subprocessManager,
  type ClearMLQueueManagerOptions,
  type KubernetesManagerOptions,
  type TrainingManager,
} from "trainer-sdk/temporal";

/** What the test says. */
export interface WorkerSettings {
  readonly address: string;
  readonly taskQueue: string;
  /** The bundle's file. */
  readonly workflows: string;
  /** Where trainers run. */
  readonly place: WorkerPlace;
  readonly journals: string;
  readonly store: string;
  readonly shutdownGraceMs: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Processes, with the registry of this worker's host, Jobs of a cluster, or tasks of a ClearML queue. */
export type WorkerPlace =
  | { readonly kind: "subprocess"; readonly registry: string; readonly memoryEventsFile: string }
  | { readonly kind: "kubernetes"; readonly options: KubernetesManagerOptions }
  | { readonly kind: "clearml-queue"; readonly options: ClearMLQueueManagerOptions };

function managerOf(place: WorkerPlace): TrainingManager {
  if (place.kind === "kubernetes") return kubernetesManager(place.options);
  if (place.kind === "clearml-queue") return clearmlQueueManager(place.options);
  return subprocessManager({ directory: place.registry, pollIntervalMs: 50, memoryEventsFile: place.memoryEventsFile });
}

const settings = JSON.parse(process.argv[2] ?? "{}") as WorkerSettings;
const { env, place } = settings;
Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error } });
const connection = await NativeConnection.connect({ address: settings.address });
const { CLEARML_API_ACCESS_KEY = "", CLEARML_API_SECRET_KEY = "" } = env;
const worker = await Worker.create({
  connection,
  taskQueue: settings.taskQueue,
  workflowBundle: { codePath: settings.workflows },
  activities: {
    ...createTrainingActivities({
      manager: managerOf(place),
      env: { ...env, CHECKPOINT_URI: settings.store },
      journal: { directory: settings.journals, workerDirectory: settings.journals },
      // A Job takes its keys from a Secret of the cluster, a task of a queue from its agent.
      ...(place.kind === "subprocess" ? { trainerSecrets: () => ({ CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY }) } : {}),
      pollIntervalMs: 200,
      drainMs: 5_000,
    }),
  },
  // So long a workflow waits for its last worker before another one may have it. Temporal's own is 10 s.
  stickyQueueScheduleToStartTimeout: 1_000,
  shutdownGraceTime: settings.shutdownGraceMs,
  maxHeartbeatThrottleInterval: 500,
  defaultHeartbeatThrottleInterval: 500,
});
console.log("ready");
await worker.run();
await connection.close();
