/**
 * Wakes whoever follows a Job as soon as it or its pod changes, and remembers the pod's last words, which die with it. The
 * truth is what its user reads by itself: a watch that is silent, refused or too old (410) costs time and nothing else.
 */
import type { V1Pod } from "@kubernetes/client-node";
import type { Clock } from "../../base/clock.js";
import type { KubernetesApi } from "./kubernetes-api.js";

/** Of a watch that ends at once, again and again. */
const FIRST_PAUSE_MS = 1_000;

export class JobWatch implements Disposable {
  readonly #api: KubernetesApi;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #open = new Map<string, { readonly end: () => void }>();
  readonly #restAfter = new Map<string, { atMs: number; pauseMs: number }>();
  #ring = new AbortController();
  #lastPod: V1Pod | undefined;

  constructor(api: KubernetesApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** The newest pod that was seen, as it was seen last. */
  get lastPod(): V1Pod | undefined {
    return this.#lastPod;
  }

  sees(pod: V1Pod): void {
    const known = this.#lastPod?.metadata;
    const isSame = known?.uid === pod.metadata?.uid;
    if (this.#lastPod === undefined || isSame || createdAt(this.#lastPod) <= createdAt(pod)) this.#lastPod = pod;
  }

  /** Watches from a list's version on, unless it does so already. */
  follow(
    kind: "jobs" | "pods",
    query: { readonly labelSelector?: string; readonly fieldSelector?: string },
    resourceVersion: string | undefined,
  ): void {
    const rest = this.#restAfter.get(kind);
    if (resourceVersion === undefined || this.#open.has(kind) || this.#closing.signal.aborted) return;
    if (rest && this.#clock.monotonic() < rest.atMs) return;
    let end: (() => void) | undefined;
    let isOver = false;
    let hasSpoken = false;
    const entry = {
      end: () => {
        isOver = true;
        end?.();
      },
    };
    const over = (): void => {
      if (this.#open.get(kind) !== entry) return;
      this.#open.delete(kind);
      const pauseMs = hasSpoken || rest === undefined ? FIRST_PAUSE_MS : Math.min(rest.pauseMs * 2, 60_000);
      this.#restAfter.set(kind, { atMs: this.#clock.monotonic() + pauseMs, pauseMs });
    };
    this.#open.set(kind, entry);
    this.#api
      .watch(
        kind,
        { ...query, resourceVersion },
        (type, object) => {
          if (type === "BOOKMARK") return;
          if (type === "ERROR") {
            // Most likely 410: the next list gives a version from which it can go on.
            entry.end();
            over();
          } else {
            hasSpoken = true;
            if (kind === "pods") this.sees(object);
          }
          this.#ring.abort();
        },
        over,
      )
      .then((ended) => {
        end = ended;
        if (isOver) ended();
      }, over);
  }

  /** Resolves at the next change, or after so long. @throws the signal's reason. */
  async change(ms: number, signal: AbortSignal): Promise<void> {
    const { signal: rung } = this.#ring;
    const both = AbortSignal.any([signal, rung]);
    await this.#clock.sleep(ms, { signal: both, keepAlive: true }).catch(() => undefined);
    signal.throwIfAborted();
    if (rung.aborted) this.#ring = new AbortController();
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    for (const { end } of this.#open.values()) end();
    this.#open.clear();
  }
}

/** A list's dates are dates, a watch's are text. */
export function createdAt({ metadata }: V1Pod): number {
  return metadata?.creationTimestamp === undefined ? 0 : new Date(metadata.creationTimestamp).getTime();
}
