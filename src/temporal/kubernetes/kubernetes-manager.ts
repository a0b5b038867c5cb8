/** Trainers as Kubernetes Jobs: what a worker's code names. The manager itself is loaded at the first call. */
import type { Clock } from "../../base/clock.js";
import { lazyManager } from "../lazy-manager.js";
import { BACKENDS, type TrainingManager } from "../training-manager.js";
import type { JobTemplate } from "./job-manifest.js";
import type { ClusterOptions } from "./kubernetes-api.js";

/** Where Jobs run and what they look like. */
export interface KubernetesManagerOptions extends ClusterOptions, JobTemplate {
  /** How often a Job is read, watch or no watch. Default 30 s. */
  readonly pollIntervalMs?: number;
  /** How long an image, a secret or a volume may be missing before the training fails as `ImageUnavailable`. Default 5 minutes. */
  readonly imageGraceMs?: number;
  /** How long a pod may wait for a node before the training fails as `BackendUnavailable`. Default: for ever. */
  readonly queueLimitMs?: number;
  /**
   * How long after its grace a pod may go on going away: its node answers no more, and Kubernetes itself waits for it for ever.
   * Then it is deleted without its node, and the training fails as `NodeLost`; should its trainer still run there, its writes are
   * refused. Default: for ever.
   */
  readonly lostNodeMs?: number;
  /** How long each call bears an API server that does not answer; a trainer that runs goes on meanwhile. 0: not at all. Default 10 minutes. */
  readonly outageMs?: number;
  readonly clock?: Clock;
}

/** How long a pod's node and the Job's controller may take, beyond the grace, to say that it has ended. */
const POD_END_MS = 60_000;

/** Trainers as Kubernetes Jobs. Needs @kubernetes/client-node beside it, which is loaded at the first call. */
export function kubernetesManager(options: KubernetesManagerOptions = {}): TrainingManager {
  const { outageMs = 600_000, lostNodeMs = Infinity } = options;
  // A node that is waited for without end is none that a stop can wait for.
  const nodeMs = Number.isFinite(lostNodeMs) ? lostNodeMs : POD_END_MS;
  return lazyManager({ backend: BACKENDS.job, hostBound: false, leaseMs: 0, stopMarginMs: nodeMs + outageMs }, async () => {
    const { JobManager } = await import("./job-manager.js");
    return new JobManager({ ...options, outageMs, lostNodeMs });
  });
}
