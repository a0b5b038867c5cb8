/** A cluster as tests see it, the fake one or a real one: what is in it, and what can be done to it. */
import type { Kubelet } from "./kubelet.js";
import type { Deletion, Thing } from "./object-store.js";

/** Who deletes a pod for a reason says it on the pod first: the eviction API, the scheduler, the taint manager. */
export type DeletingDisruption = "EvictionByEvictionAPI" | "PreemptionByScheduler" | "DeletionByTaintManager";

/** Jobs that bear it are created suspended, as Kueue has it. */
export const QUEUE_LABEL = "kueue.x-k8s.io/queue-name";

export interface TestCluster extends AsyncDisposable {
  /** For a worker with the rights of the guide. */
  readonly kubeconfig: string;
  readonly node: Kubelet;
  jobs(): Promise<readonly Thing[]>;
  pods(): Promise<readonly Thing[]>;
  addJob(job: Thing): Promise<void>;
  /** As a person with kubectl does it. */
  removeJob(name: string, deletion: Deletion): Promise<void>;
  /** As Kueue does it, for whoever is more important. */
  suspend(name: string, suspend: boolean): Promise<void>;
  disrupt(pod: Thing, reason: DeletingDisruption, message: string): Promise<void>;
  /** The machine dies, and the cluster is told that it is gone. */
  loseNode(): Promise<void>;
  /** Another machine takes its place. */
  addNode(): Promise<void>;
}

/** The node ends the pod by itself: short of memory or disk, over a limit, or about to shut down. It stays, as failed. */
export function evict({ node }: TestCluster, pod: Thing, reason: string, message: string): void {
  const conditions = [{ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message }];
  node.terminate(pod, 5, { reason, message, conditions });
}
