/**
 * What a Job and its pod say about a trainer. Pure. The Job's conditions come first, then the pod; a code of 137 alone is
 * no want of memory, and a count of failures no failure.
 */
import type { V1Job, V1Pod } from "@kubernetes/client-node";
import * as z from "zod";
import { readExit } from "../exit-reading.js";
import { TRAINING_FAILURES, type TrainingFailureType } from "../failure-types.js";
import type { TrainingEnd, TrainingState } from "../training-manager.js";
import { CONTAINER, MARKS } from "./job-manifest.js";

/** Why somebody asked for the end. With a failure: because it could not have gone on. */
const stopSchema = z.object({ reason: z.string(), failure: z.enum(TRAINING_FAILURES).optional() });
const endSchema = z.object({
  outcome: z.enum(["completed", "stopped", "failed"]),
  failure: z.enum(TRAINING_FAILURES).optional(),
  message: z.string(),
  exitCode: z.number().optional(),
  signal: z.string().optional(),
});

export type StopMark = z.output<typeof stopSchema>;

/** A state, and whether the trainer can never begin by itself. */
export interface JobReading {
  readonly state: TrainingState;
  /** What is wrong, while it may still come right; `atOnce` when it may not. */
  readonly stuck?: { readonly failure: TrainingFailureType; readonly message: string; readonly atOnce: boolean };
}

/** Of a pod's condition `DisruptionTarget`. */
const NODE_GONE: ReadonlySet<string> = new Set(["DeletionByTaintManager", "DeletionByPodGC"]);
const IMAGE_TROUBLE: ReadonlySet<string> = new Set(["ImagePullBackOff", "ErrImagePull", "ImageInspectError", "ErrImageNeverPull"]);
const NEVER_RIGHT: ReadonlySet<string> = new Set(["InvalidImageName"]);
const CONFIG_TROUBLE: ReadonlySet<string> = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);
/** Nobody saw how it ended: the kubelet's word after a restart of the machine, and containerd's. The codes beside them mean nothing. */
const UNSEEN: ReadonlySet<string> = new Set(["ContainerStatusUnknown", "Unknown"]);
/** The runtime could not start the program: containerd's word, and Docker's. */
const NOT_STARTED: ReadonlySet<string> = new Set(["StartError", "ContainerCannotRun"]);

export function stopMark(job: V1Job): StopMark | undefined {
  return mark(job, MARKS.stop, stopSchema);
}

/** @param pod The newest of the Job's pods, as it was seen last: it may be gone from the server meanwhile. */
export function readJob(job: V1Job, pod: V1Pod | undefined, isPodThere: boolean): JobReading {
  const kept = mark(job, MARKS.end, endSchema);
  if (kept) return { state: { phase: "ended", end: kept } };
  const stop = stopMark(job);
  const failed = condition(job.status?.conditions, "Failed");
  const ended = (end: TrainingEnd): JobReading => ({ state: { phase: "ended", end } });
  if (condition(job.status?.conditions, "Complete"))
    return ended(readExit({ exitCode: 0, signal: undefined, stopRequested: stop !== undefined, outOfMemory: false }));
  if (failed?.reason === "DeadlineExceeded" && stop === undefined)
    return ended({
      outcome: "failed",
      failure: TRAINING_FAILURES.deadlineExceeded,
      message: "the Job ran longer than its activeDeadlineSeconds",
    });
  if (failed) return ended(endOf(pod, stop));
  const isSuspended = condition(job.status?.conditions, "Suspended") !== undefined;
  const isLiving = isPodThere && pod?.status?.phase !== "Succeeded" && pod?.status?.phase !== "Failed";
  if (stop && isSuspended && !isLiving && (job.status?.active ?? 0) === 0) return ended(endOf(pod, stop));
  if (isSuspended && stop === undefined) return { state: { phase: "queued", message: "the Job is suspended" } };
  if (pod === undefined || !isPodThere) return { state: { phase: "starting" } };
  return readLivingPod(pod);
}

function readLivingPod(pod: V1Pod): JobReading {
  if (pod.status?.phase !== "Pending") return { state: { phase: "running" } };
  const unscheduled = pod.status.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (unscheduled) {
    const message = `no node takes the pod: ${unscheduled.message ?? unscheduled.reason ?? "no reason was given"}`;
    return { state: { phase: "queued", message }, stuck: { failure: TRAINING_FAILURES.backendUnavailable, message, atOnce: false } };
  }
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  for (const { name, image, state } of statuses) {
    const reason = state?.waiting?.reason ?? "";
    const isImage = IMAGE_TROUBLE.has(reason) || NEVER_RIGHT.has(reason);
    if (!isImage && !CONFIG_TROUBLE.has(reason)) continue;
    const what = isImage ? `image ${image} of container ${name}` : `container ${name}`;
    const message = `${what} cannot be had: ${reason}: ${state?.waiting?.message ?? ""}`;
    return {
      state: { phase: "starting", message },
      stuck: { failure: TRAINING_FAILURES.imageUnavailable, message, atOnce: NEVER_RIGHT.has(reason) },
    };
  }
  return { state: { phase: "starting" } };
}

/** Of a pod that its node was not heard to end. */
export function endWithoutNode(pod: V1Pod | undefined, stop: StopMark | undefined): TrainingEnd {
  const message = `node ${pod?.spec?.nodeName ?? ""} did not answer when the trainer's pod was to go, and was not waited for any longer`;
  if (stop?.failure !== undefined) return { outcome: "failed", failure: stop.failure, message: stop.reason };
  return stop ? { outcome: "stopped", message } : { outcome: "failed", failure: TRAINING_FAILURES.nodeLost, message };
}

function endOf(pod: V1Pod | undefined, stop: StopMark | undefined): TrainingEnd {
  if (stop?.failure !== undefined) return { outcome: "failed", failure: stop.failure, message: stop.reason };
  const container = pod?.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  const terminated = container?.state?.terminated ?? container?.lastState?.terminated;
  const exitCode = terminated?.exitCode;
  const outOfMemory = terminated?.reason === "OOMKilled";
  if (stop === undefined && terminated && NOT_STARTED.has(terminated.reason ?? ""))
    return {
      outcome: "failed",
      failure: TRAINING_FAILURES.imageUnavailable,
      message: `the trainer could not be started: ${terminated.message ?? terminated.reason ?? ""}`,
    };
  const disruption = stop === undefined && !outOfMemory && exitCode !== 0 ? disruptionOf(pod) : undefined;
  if (disruption) return { outcome: "failed", ...disruption, ...(exitCode === undefined ? {} : { exitCode }) };
  if (stop === undefined && terminated && UNSEEN.has(terminated.reason ?? ""))
    return {
      outcome: "failed",
      failure: TRAINING_FAILURES.nodeLost,
      message: `nobody saw how the trainer ended (${terminated.reason ?? ""}): its node was restarted`,
    };
  if (exitCode !== undefined) return readExit({ exitCode, signal: undefined, stopRequested: stop !== undefined, outOfMemory });
  if (stop) return { outcome: "stopped", message: "the trainer was stopped" };
  if (pod?.status?.phase === "Failed" && pod.status.reason !== undefined) return refusalOf(pod.status.reason, pod.status.message);
  return {
    outcome: "failed",
    failure: TRAINING_FAILURES.jobVanished,
    message: "the trainer's pod is gone without a word of how it ended",
  };
}

/** The node ended the pod, or never took it: it was out of something, or about to restart. Another one may do better. */
function refusalOf(reason: string, message = ""): TrainingEnd {
  if (reason === "DeadlineExceeded")
    return { outcome: "failed", failure: TRAINING_FAILURES.deadlineExceeded, message: "the pod ran longer than its activeDeadlineSeconds" };
  return {
    outcome: "failed",
    failure: TRAINING_FAILURES.backendUnavailable,
    message: `the node did not take the trainer's pod (${reason}): ${message}`,
  };
}

function disruptionOf(pod: V1Pod | undefined): { failure: TrainingFailureType; message: string } | undefined {
  const target = condition(pod?.status?.conditions, "DisruptionTarget");
  const isEvicted = pod?.status?.reason === "Evicted";
  const words = target?.message ?? pod?.status?.message ?? "";
  // Its own limit of disk: on another node the same would happen.
  if (isEvicted && /exceed/.test(pod.status?.message ?? ""))
    return { failure: TRAINING_FAILURES.trainerError, message: `the trainer's pod was evicted: ${pod.status?.message ?? ""}` };
  if (target && NODE_GONE.has(target.reason ?? ""))
    return { failure: TRAINING_FAILURES.nodeLost, message: `the trainer's node is gone (${target.reason ?? ""}): ${words}` };
  if (pod?.status?.reason === "NodeLost") return { failure: TRAINING_FAILURES.nodeLost, message: "the trainer's node is gone" };
  if (target === undefined && !isEvicted) return undefined;
  return { failure: TRAINING_FAILURES.preempted, message: `the trainer's pod had to go (${target?.reason ?? "Evicted"}): ${words}` };
}

function condition<T extends { type: string; status: string }>(conditions: readonly T[] | undefined, type: string): T | undefined {
  return conditions?.find((entry) => entry.type === type && entry.status === "True");
}

function mark<T>(job: V1Job, name: string, schema: z.ZodType<T>): T | undefined {
  const text = job.metadata?.annotations?.[name];
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
