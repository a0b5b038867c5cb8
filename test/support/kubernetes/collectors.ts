/**
 * What clears away in a cluster. Follows Kubernetes 1.35: `pkg/controller/garbagecollector` (foreground, orphans, dependents of
 * who is gone), `pkg/controller/podgc` (pods that wait for no node any more, pods of nodes that are gone),
 * `pkg/controller/ttlafterfinished` (ended Jobs), `job_controller.go` (syncOrphanPod).
 */
import { isFinished, podsOf, TRACKING } from "./job-controller.js";
import type { ObjectStore, Thing } from "./object-store.js";

/** Dependents go first, then who owns them; an orphan loses its owner; who lost its owner without that goes. */
export function collectGarbage(store: ObjectStore): void {
  for (const job of store.list("jobs")) {
    const finalizers: string[] = job.metadata.finalizers ?? [];
    const pods = podsOf(store, job);
    if (finalizers.includes("foregroundDeletion")) {
      for (const pod of pods) if (pod.metadata.deletionTimestamp === undefined) store.delete("pods", pod);
      if (pods.length === 0) dropFinalizer(store, "jobs", job, "foregroundDeletion");
    } else if (finalizers.includes("orphan")) {
      for (const pod of pods)
        store.change("pods", pod, ({ metadata }) => {
          metadata.ownerReferences = [];
        });
      dropFinalizer(store, "jobs", job, "orphan");
    }
  }
  const jobs = new Set(store.list("jobs").map(({ metadata }) => String(metadata.uid)));
  for (const pod of store.list("pods")) {
    const [owner] = pod.metadata.ownerReferences ?? [];
    if (owner !== undefined && jobs.has(String(owner.uid))) continue;
    dropFinalizer(store, "pods", pod, TRACKING);
    if (owner !== undefined && pod.metadata.deletionTimestamp === undefined) store.delete("pods", pod);
  }
}

/** Nobody else would ever say of these that they have failed. */
export function collectPods(store: ObjectStore, nodes: ReadonlySet<string>): void {
  for (const pod of store.list("pods")) {
    const node: string = pod.spec.nodeName ?? "";
    const isUnscheduled = node === "" && pod.metadata.deletionTimestamp !== undefined;
    if (!isUnscheduled && (node === "" || nodes.has(node))) continue;
    store.change("pods", pod, ({ status }) => {
      if (status.phase === "Succeeded" || status.phase === "Failed") return;
      status.phase = "Failed";
      if (isUnscheduled) return;
      const message = "PodGC: node no longer exists";
      status.conditions = [...(status.conditions ?? []), { type: "DisruptionTarget", status: "True", reason: "DeletionByPodGC", message }];
    });
    const failed = store.again("pods", pod);
    if (failed !== undefined) store.delete("pods", failed, { gracePeriodSeconds: 0 });
  }
}

/** @returns when the next one is due, milliseconds from now. */
export function collectEnded(store: ObjectStore): number | undefined {
  const dueMs: number[] = [];
  for (const job of store.list("jobs")) {
    const ttlSeconds: unknown = job.spec.ttlSecondsAfterFinished;
    if (typeof ttlSeconds !== "number" || !isFinished(job) || job.metadata.deletionTimestamp !== undefined) continue;
    const end: Thing = job.status.conditions.find(({ type }: Thing) => type === "Complete" || type === "Failed");
    const remainingMs = Date.parse(end.lastTransitionTime) + ttlSeconds * 1000 - Date.now();
    if (remainingMs > 0) dueMs.push(remainingMs);
    else store.delete("jobs", job, { propagationPolicy: "Foreground" });
  }
  return dueMs.length === 0 ? undefined : Math.min(...dueMs);
}

function dropFinalizer(store: ObjectStore, kind: "jobs" | "pods", object: Thing, name: string): void {
  store.change(kind, object, ({ metadata }) => {
    if (metadata.finalizers !== undefined) metadata.finalizers = metadata.finalizers.filter((finalizer: string) => finalizer !== name);
  });
}
