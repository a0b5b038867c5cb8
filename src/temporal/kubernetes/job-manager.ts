/**
 * The manager behind `kubernetesManager`: one Job for each key. The Job itself is the registry: its annotations say whose it is, that
 * somebody asked for its end, and how it ended. It never touches a Job that does not bear our marks.
 */
import type { V1Job, V1Pod } from "@kubernetes/client-node";
import { systemClock, type Clock } from "../../base/clock.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import type { TrainingCalls } from "../lazy-manager.js";
import { OutagePatience } from "../outage-patience.js";
import {
  BACKENDS,
  ManagerError,
  type ManagedTraining,
  type StartRequest,
  type StopOptions,
  type TrainingEnd,
  type TrainingHandle,
  type TrainingState,
  type WaitOptions,
} from "../training-manager.js";
import { CONTAINER, jobManifest, jobName, keyHash, MANAGER_NAME, MARKS } from "./job-manifest.js";
import { specHash } from "../spec-hash.js";
import { endWithoutNode, readJob, stopMark, type JobReading, type StopMark } from "./job-reading.js";
import { createdAt, JobWatch } from "./job-watch.js";
import { KubernetesApi } from "./kubernetes-api.js";
import type { KubernetesManagerOptions } from "./kubernetes-manager.js";

/** One look at a Job and its pods. */
interface Look extends JobReading {
  readonly job: V1Job;
  readonly pods: readonly V1Pod[];
}

/** An end that was given without a node, whatever cuts off the clearing away that goes with it. */
interface GivenUp {
  end: TrainingEnd | undefined;
}

/** With those times settled that others count on. */
interface JobManagerOptions extends KubernetesManagerOptions {
  readonly outageMs: number;
  readonly lostNodeMs: number;
}

export class JobManager implements TrainingCalls {
  readonly #options: JobManagerOptions;
  readonly #api: KubernetesApi;
  readonly #clock: Clock;
  readonly #pollMs: number;

  constructor(options: JobManagerOptions) {
    this.#options = options;
    this.#api = new KubernetesApi(options);
    this.#clock = options.clock ?? systemClock;
    this.#pollMs = options.pollIntervalMs ?? 30_000;
  }

  async find(key: string, { signal }: { readonly signal: AbortSignal }): Promise<ManagedTraining | undefined> {
    return this.#patience().borne(async () => {
      const job = await this.#api.job(jobName(key), signal);
      if (job === undefined) return undefined;
      assertOurs(job, key);
      return this.#managed(job, signal);
    }, signal);
  }

  async start(request: StartRequest, { signal }: { readonly signal: AbortSignal }): Promise<ManagedTraining> {
    const image = request.spec.image ?? this.#options.image;
    if (image === undefined)
      throw new ManagerError(
        TRAINING_FAILURES.invalidSpec,
        "a trainer in a Job needs an image: in the job's input, or `image` of the manager",
      );
    const names = Object.keys(request.secretEnv);
    if (names.length > 0)
      throw new ManagerError(
        TRAINING_FAILURES.invalidSpec,
        `a Job would keep ${names.join(", ")} in plain text: put them into a Secret and name it in envFrom of the manager`,
      );
    return this.#patience().borne(() => this.#startOrFind(request, image, signal), signal);
  }

  /** Repeated after an outage it finds the Job that it has made. */
  async #startOrFind(request: StartRequest, image: string, signal: AbortSignal): Promise<ManagedTraining> {
    const { key, fence, spec } = request;
    for (;;) {
      if (await this.#api.createJob(jobManifest(request, image, this.#options), signal)) {
        const made = await this.#api.job(jobName(key), signal);
        if (made !== undefined && fenceOf(made) === fence) return this.#managed(made, signal);
        continue;
      }
      const there = await this.#api.job(jobName(key), signal);
      if (there === undefined) continue;
      assertOurs(there, key);
      if (there.metadata?.deletionTimestamp !== undefined) {
        await this.#gone(there, signal);
        continue;
      }
      const known = fenceOf(there);
      if (known === fence && there.metadata?.annotations?.[MARKS.specHash] !== specHash(spec))
        throw new ManagerError(
          TRAINING_FAILURES.invalidSpec,
          `Job ${jobName(key)} was started as number ${String(fence)} from another specification`,
        );
      if (known >= fence) return this.#managed(there, signal);
      await this.#end(handleOf(there), { reason: `superseded by ${String(fence)}` }, undefined, signal);
      await this.#api.deleteJob(there, signal);
      await this.#gone(there, signal);
    }
  }

  async wait(handle: TrainingHandle, { signal, onState }: WaitOptions): Promise<TrainingEnd> {
    using watch = new JobWatch(this.#api, this.#clock);
    const { imageGraceMs = 300_000, queueLimitMs = Infinity } = this.#options;
    const patience = this.#patience();
    const givenUp: GivenUp = { end: undefined };
    let told = "";
    let stuckSince: number | undefined;
    let stuckAs: string | undefined;
    const follow = async (): Promise<TrainingEnd | undefined> => {
      const look = await this.#look(handle, watch, givenUp, signal);
      if (!("job" in look)) return look;
      if (look.state.phase === "ended") return look.state.end;
      const left = await this.#withoutNode(look, givenUp, signal);
      if (left) return left;
      if (look.state.phase !== told) onState?.(look.state);
      told = look.state.phase;
      const { stuck } = look;
      if (stuck?.failure !== stuckAs) stuckSince = this.#clock.monotonic();
      stuckAs = stuck?.failure;
      const limitMs = stuck?.failure === TRAINING_FAILURES.backendUnavailable ? queueLimitMs : imageGraceMs;
      if (stuck && (stuck.atOnce || this.#clock.monotonic() - (stuckSince ?? 0) >= limitMs))
        return this.#end(handle, { reason: stuck.message, failure: stuck.failure }, undefined, signal);
      return undefined;
    };
    for (;;) {
      const step = await patience.tried(follow, signal);
      if (step?.value !== undefined) return step.value;
      await watch.change(this.#pollMs, signal);
    }
  }

  async stop(handle: TrainingHandle, { signal, graceMs, reason }: StopOptions): Promise<TrainingEnd> {
    return this.#end(handle, { reason }, graceMs, signal);
  }

  async logTail(
    handle: TrainingHandle,
    { signal, maxBytes }: { readonly signal: AbortSignal; readonly maxBytes: number },
  ): Promise<string> {
    const { items } = await this.#api.pods(podsOf(handle.key, handle.fence), signal);
    const name = newest(items)?.metadata?.name;
    return name === undefined ? "" : this.#api.logTail(name, CONTAINER, maxBytes, signal);
  }

  async *list({
    signal,
  }: {
    readonly signal: AbortSignal;
  }): AsyncGenerator<ManagedTraining & { readonly labels: Readonly<Record<string, string>> }> {
    const labelSelector = `${MARKS.managedBy}=${MANAGER_NAME}`;
    const { items } = await this.#patience().borne(() => this.#api.jobs({ labelSelector }, signal), signal);
    for (const job of items) {
      const key = job.metadata?.annotations?.[MARKS.key];
      if (key === undefined || jobName(key) !== job.metadata?.name || job.metadata.deletionTimestamp !== undefined) continue;
      const managed = await this.#patience().borne(() => this.#managed(job, signal), signal);
      yield { ...managed, labels: labelsOf(job) };
    }
  }

  async forget(handle: TrainingHandle, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#patience().borne(async () => {
      const job = await this.#api.job(handle.id, signal);
      if (job === undefined || lostTo(job, handle)) return;
      if ((await this.#managed(job, signal)).state.phase !== "ended") return;
      await this.#api.deleteJob(job, signal);
      await this.#gone(job, signal);
    }, signal);
  }

  /**
   * Ends a Job that is ours and keeps it, with how it ended. It makes no more pods. Repeated by another worker, it goes on
   * where the first one was.
   */
  async #end(handle: TrainingHandle, mark: StopMark, graceMs: number | undefined, signal: AbortSignal): Promise<TrainingEnd> {
    using watch = new JobWatch(this.#api, this.#clock);
    const graceSeconds = graceMs === undefined ? undefined : Math.max(1, Math.ceil(graceMs / 1000));
    const patience = this.#patience();
    const givenUp: GivenUp = { end: undefined };
    const told = new Set<string>();
    const urge = async (): Promise<TrainingEnd | undefined> => {
      const look = await this.#look(handle, watch, givenUp, signal);
      if (!("job" in look)) return look;
      if (look.state.phase === "ended") {
        const { end } = look.state;
        if (stopMark(look.job)) await this.#api.patchJob(look.job, { annotations: { [MARKS.end]: JSON.stringify(end) } }, signal);
        return end;
      }
      const left = await this.#withoutNode(look, givenUp, signal);
      if (left) return left;
      if (stopMark(look.job) === undefined) {
        await this.#api.patchJob(look.job, { annotations: { [MARKS.stop]: JSON.stringify(mark) }, spec: NO_MORE_PODS }, signal);
        return urge();
      }
      if (look.job.spec?.suspend !== true) await this.#api.patchJob(look.job, { annotations: {}, spec: NO_MORE_PODS }, signal);
      for (const pod of look.pods) {
        const uid = pod.metadata?.uid ?? "";
        // A pod that goes already may be told to go sooner.
        if (graceSeconds === undefined || told.has(uid)) continue;
        await this.#api.deletePod(pod, graceSeconds, signal);
        told.add(uid);
      }
      return undefined;
    };
    for (;;) {
      const step = await patience.tried(urge, signal);
      if (step?.value !== undefined) return step.value;
      await watch.change(Math.min(this.#pollMs, 1_000), signal);
    }
  }

  /** The truth, and from there on the watch. An end in the place of a Job that is gone. */
  async #look(
    { key, fence, id, ...handle }: TrainingHandle,
    watch: JobWatch,
    givenUp: GivenUp,
    signal: AbortSignal,
  ): Promise<Look | TrainingEnd> {
    const fieldSelector = `metadata.name=${id}`;
    const labelSelector = podsOf(key, fence);
    const jobs = await this.#api.jobs({ fieldSelector }, signal);
    const pods = await this.#api.pods(labelSelector, signal);
    watch.follow("jobs", { fieldSelector }, jobs.version);
    watch.follow("pods", { labelSelector }, pods.version);
    const [job] = jobs.items;
    if (job === undefined) return givenUp.end ?? vanished({ ...handle, key, fence, id });
    const lost = lostTo(job, { ...handle, key, fence, id });
    if (lost) return lost;
    for (const pod of pods.items) watch.sees(pod);
    return { job, pods: pods.items, ...readJob(job, watch.lastPod, isThere(watch.lastPod, pods.items)) };
  }

  /** An end without its node, when that has not answered for too long. Its Job goes too: only so is the pod let go of. */
  async #withoutNode({ job, pods }: Look, givenUp: GivenUp, signal: AbortSignal): Promise<TrainingEnd | undefined> {
    const { lostNodeMs } = this.#options;
    const goesSince = ({ metadata }: V1Pod): number => new Date(metadata?.deletionTimestamp ?? 8.64e15).getTime();
    const lost = pods.filter((pod) => this.#clock.now() - goesSince(pod) >= lostNodeMs);
    if (lost.length === 0) return undefined;
    givenUp.end ??= endWithoutNode(lost[0], stopMark(job));
    await this.#api.deleteJob(job, signal);
    for (const pod of lost) await this.#api.deletePod(pod, 0, signal);
    return givenUp.end;
  }

  async #managed(job: V1Job, signal: AbortSignal): Promise<ManagedTraining> {
    const handle = handleOf(job);
    const { items } = await this.#api.pods(podsOf(handle.key, handle.fence), signal);
    const pod = newest(items);
    const state: TrainingState = readJob(job, pod, pod !== undefined).state;
    return { handle, state };
  }

  #patience(): OutagePatience {
    return new OutagePatience(this.#clock, { outageMs: this.#options.outageMs, pauseMs: Math.min(this.#pollMs, 1_000) });
  }

  async #gone(job: V1Job, signal: AbortSignal): Promise<void> {
    while ((await this.#api.job(job.metadata?.name ?? "", signal))?.metadata?.uid === job.metadata?.uid)
      await this.#clock.sleep(Math.min(this.#pollMs, 1_000), { signal, keepAlive: true });
  }
}

/** Suspended, as far as that is ours to say: who manages queues may resume a Job. Then it still makes no pod. */
const NO_MORE_PODS = { suspend: true, parallelism: 0 };

function podsOf(key: string, fence: number): string {
  return `${MARKS.keyHash}=${keyHash(key)},${MARKS.fence}=${String(fence)}`;
}

function newest(pods: readonly V1Pod[]): V1Pod | undefined {
  return [...pods].sort((one, other) => createdAt(other) - createdAt(one))[0];
}

function isThere(pod: V1Pod | undefined, pods: readonly V1Pod[]): boolean {
  return pod !== undefined && pods.some(({ metadata }) => metadata?.uid === pod.metadata?.uid);
}

function fenceOf(job: V1Job): number {
  return Number(job.metadata?.labels?.[MARKS.fence] ?? 0);
}

function handleOf(job: V1Job): TrainingHandle {
  const key = job.metadata?.annotations?.[MARKS.key] ?? "";
  return { v: 1, backend: BACKENDS.job, key, fence: fenceOf(job), id: job.metadata?.name ?? "" };
}

function isOurs(job: V1Job, key: string): boolean {
  const manager = job.metadata?.labels?.[MARKS.managedBy];
  return manager === MANAGER_NAME && job.metadata?.annotations?.[MARKS.key] === key && fenceOf(job) > 0;
}

function assertOurs(job: V1Job, key: string): void {
  if (!isOurs(job, key))
    throw new ManagerError(
      TRAINING_FAILURES.lostOwnership,
      `Job ${job.metadata?.name ?? ""} has the name of training ${key}, but was not made by trainer-sdk for it; it is left alone`,
    );
}

/** An end for whoever holds a handle of a Job that another one has replaced. */
function lostTo(job: V1Job, { key, fence, id, backend }: TrainingHandle): TrainingEnd | undefined {
  if (backend === BACKENDS.job && isOurs(job, key) && fenceOf(job) === fence) return undefined;
  const message =
    isOurs(job, key) && fenceOf(job) > fence
      ? "a later trainer of the job was started meanwhile"
      : `Job ${id} is not the one that was started`;
  return { outcome: "failed", failure: TRAINING_FAILURES.lostOwnership, message };
}

function vanished({ id }: TrainingHandle): TrainingEnd {
  return {
    outcome: "failed",
    failure: TRAINING_FAILURES.jobVanished,
    message: `Job ${id} is gone: somebody deleted it, or its time to be kept was over`,
  };
}

function labelsOf(job: V1Job): Readonly<Record<string, string>> {
  try {
    return JSON.parse(job.metadata?.annotations?.[MARKS.labels] ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}
