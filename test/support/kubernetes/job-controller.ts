/**
 * The Job controller, for Jobs of one completion that are not indexed. Follows Kubernetes 1.35, `pkg/controller/job/job_controller.go`
 * (syncJob, manageJob, trackJobStatusAndRemoveFinalizers, enactJobFinished): pods are counted by their finalizer, an end is
 * first announced (`FailureTarget`, `SuccessCriteriaMet`) and becomes one (`Failed`, `Complete`) when no pod is under way any
 * more, a suspended Job's pods are deleted and count no more.
 */
import { randomUUID } from "node:crypto";
import { timestamp, type ObjectStore, type Thing } from "./object-store.js";

export const TRACKING = "batch.kubernetes.io/job-tracking";

export function isFinished({ status }: Thing): boolean {
  return isTrue(status, "Complete") || isTrue(status, "Failed");
}

export function podsOf(store: ObjectStore, { metadata }: Thing): Thing[] {
  return store.list("pods").filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === metadata.uid);
}

/** One look at a Job. @returns the milliseconds after which it must be looked at again, if it must. */
export function syncJob(store: ObjectStore, job: Thing): number | undefined {
  if (isFinished(job) || job.spec.template === undefined) return undefined;
  const pods = podsOf(store, job);
  const isOver = ({ status }: Thing): boolean => status.phase === "Succeeded" || status.phase === "Failed";
  const active = pods.filter((pod) => !isOver(pod) && pod.metadata.deletionTimestamp === undefined);
  let terminating = pods.filter((pod) => !isOver(pod) && pod.metadata.deletionTimestamp !== undefined).length;
  const uncounted = pods.filter((pod) => (pod.metadata.finalizers ?? []).includes(TRACKING));
  const succeeded = Number(job.status.succeeded ?? 0) + uncounted.filter(({ status }) => status.phase === "Succeeded").length;
  const failed = Number(job.status.failed ?? 0) + uncounted.filter((pod) => isFailed(pod, job)).length;
  const { suspend = false, backoffLimit = 6, activeDeadlineSeconds, completions = 1, parallelism = 1 } = job.spec;
  const isDeleted = job.metadata.deletionTimestamp !== undefined;
  const status = structuredClone(job.status);
  if (!suspend) status.startTime ??= timestamp(Date.now());
  const deadlineMs =
    activeDeadlineSeconds === undefined || suspend ? undefined : Date.parse(status.startTime) + activeDeadlineSeconds * 1000 - Date.now();

  let announced: Thing = (status.conditions ?? []).find(({ type }: Thing) => type === "FailureTarget" || type === "SuccessCriteriaMet");
  if (announced === undefined && failed > backoffLimit)
    announced = condition("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
  else if (announced === undefined && deadlineMs !== undefined && deadlineMs <= 0)
    announced = condition("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline");
  let remaining = active.length;
  const deleteActive = (): void => {
    for (const pod of active) store.delete("pods", pod);
    terminating += active.length;
    remaining = 0;
  };
  if (announced !== undefined) deleteActive();
  else if (!isDeleted) {
    const wanted = Math.min(completions - succeeded, parallelism);
    if (suspend || active.length > wanted) {
      // However these end, they count no more.
      for (const pod of active) release(store, pod);
      deleteActive();
    } else if (wanted - terminating - active.length > 0) {
      makePod(store, job);
      remaining = 1;
    }
    if (succeeded >= completions && remaining === 0)
      announced = condition("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods");
    else if (suspend) setCondition(status, condition("Suspended", "JobSuspended", "Job suspended"));
    else if (isTrue(status, "Suspended")) {
      setCondition(status, { ...condition("Suspended", "JobResumed", "Job resumed"), status: "False" });
      status.startTime = timestamp(Date.now());
    }
  }
  if (announced !== undefined) setCondition(status, announced);
  const ready = remaining === 0 ? 0 : active.filter((pod) => isTrue(pod.status, "Ready")).length;
  write(store, job, { ...status, active: remaining, ready, terminating });

  const counted = uncounted.filter((pod) => isDeleted || announced !== undefined || isFailed(pod, job) || pod.status.phase === "Succeeded");
  for (const pod of counted) release(store, pod);
  const isFailure = announced?.type === "FailureTarget";
  const lost = isFailure ? counted.filter((pod) => pod.status.phase !== "Succeeded" && !isFailed(pod, job)).length : 0;
  const last = { ...status, active: remaining, ready, terminating, succeeded, failed: failed + lost };
  if (announced !== undefined && terminating === 0) {
    setCondition(last, condition(isFailure ? "Failed" : "Complete", announced.reason, announced.message));
    if (!isFailure) last.completionTime = timestamp(Date.now());
  }
  write(store, job, last);
  return deadlineMs !== undefined && deadlineMs > 0 ? deadlineMs : undefined;
}

/** A deleted pod is a failed one at once, unless the Job waits for its real end. */
function isFailed({ metadata, status }: Thing, job: Thing): boolean {
  if (status.phase === "Failed") return true;
  return job.spec.podReplacementPolicy !== "Failed" && metadata.deletionTimestamp !== undefined && status.phase !== "Succeeded";
}

/** The Job controller is done with it: it may go. */
function release(store: ObjectStore, pod: Thing): void {
  store.change("pods", pod, ({ metadata }) => {
    metadata.finalizers = metadata.finalizers.filter((finalizer: string) => finalizer !== TRACKING);
  });
}

function makePod(store: ObjectStore, job: Thing): void {
  const { metadata = {}, spec } = structuredClone(job.spec.template);
  const { name, uid } = job.metadata;
  store.create("pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${String(name)}-${randomUUID().slice(0, 5)}`,
      labels: { ...metadata.labels, "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name },
      annotations: { ...metadata.annotations },
      finalizers: [TRACKING],
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec,
    status: { phase: "Pending" },
  });
}

function write(store: ObjectStore, job: Thing, status: Thing): void {
  store.change("jobs", job, (kept) => {
    kept.status = structuredClone(status);
  });
}

function condition(type: string, reason: string, message: string): Thing {
  return { type, status: "True", reason, message, lastTransitionTime: timestamp(Date.now()) };
}

function setCondition(status: Thing, wanted: Thing): void {
  const others = (status.conditions ?? []).filter(({ type }: Thing) => type !== wanted.type);
  const known = (status.conditions ?? []).find(({ type }: Thing) => type === wanted.type);
  if (known?.status !== wanted.status) status.conditions = [...others, wanted];
}

function isTrue(status: Thing, type: string): boolean {
  return (status?.conditions ?? []).some((entry: Thing) => entry.type === type && entry.status === "True");
}
