/**
 * A Kubernetes cluster for tests: an API server over real HTTP, the controllers that Jobs live by, and a node that runs each
 * pod as a process of this machine. Its parts say which of Kubernetes' sources each follows; `test/interop/kubernetes` asks the
 * same of a real API server with its real controllers.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { ApiServer, TOKEN } from "./api-server.js";
import { collectEnded, collectGarbage, collectPods } from "./collectors.js";
import { syncJob } from "./job-controller.js";
import { Kubelet, type NodePort } from "./kubelet.js";
import { ObjectStore, type Deletion, type Thing } from "./object-store.js";

/** Who deletes a pod for a reason says it on the pod first: the eviction API, the scheduler, the taint manager. */
export type DeletingDisruption = "EvictionByEvictionAPI" | "PreemptionByScheduler" | "DeletionByTaintManager";

export class FakeCluster implements AsyncDisposable {
  readonly kubeconfig: string;
  readonly store = new ObjectStore();
  readonly node: Kubelet;
  readonly api: ApiServer;
  readonly #nodes: Set<string>;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  #isOver = false;

  private constructor(folder: string) {
    this.kubeconfig = path.join(folder, "kubeconfig");
    this.node = new Kubelet(folder, this.#nodePort());
    this.#nodes = new Set([this.node.name]);
    this.api = new ApiServer(this.store, this.node);
    this.store.onChange(({ kind, object, type }) => {
      this.#reconcileSoon();
      if (kind === "pods" && type !== "DELETED") this.node.sees(object);
    });
  }

  static async start(folder: string): Promise<FakeCluster> {
    const cluster = new FakeCluster(folder);
    writeFileSync(cluster.kubeconfig, JSON.stringify(kubeconfigOf(await cluster.api.listen(), TOKEN)));
    return cluster;
  }

  get jobs(): readonly Thing[] {
    return this.store.list("jobs");
  }

  get pods(): readonly Thing[] {
    return this.store.list("pods");
  }

  addJob(job: Thing): void {
    this.store.create("jobs", job);
  }

  /** As a person with kubectl does it. */
  removeJob(name: string, deletion: Deletion = { propagationPolicy: "Background" }): void {
    this.store.delete("jobs", this.store.get("jobs", name), deletion);
  }

  /** As Kueue does it, for whoever is more important. */
  suspend(name: string, suspend: boolean): void {
    this.store.change("jobs", this.store.get("jobs", name), ({ spec }) => {
      spec.suspend = suspend;
    });
  }

  disrupt(pod: Thing, reason: DeletingDisruption, message: string): void {
    this.store.change("pods", pod, ({ status }) => {
      status.conditions = [...(status.conditions ?? []), { type: "DisruptionTarget", status: "True", reason, message }];
    });
    this.store.delete("pods", this.store.again("pods", pod), { gracePeriodSeconds: 5 });
  }

  /** The node ends the pod by itself: short of memory or disk, over a limit, or about to shut down. It stays, as failed. */
  evict(pod: Thing, reason: string, message: string): void {
    const conditions = [{ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message }];
    this.node.terminate(pod, 5, { reason, message, conditions });
  }

  /** The machine dies, and the cluster is told that it is gone. */
  loseNode(): void {
    this.node.crash();
    this.#nodes.delete(this.node.name);
    this.#reconcileSoon();
  }

  /** Another machine takes its place. */
  addNode(): void {
    this.node.restart();
    this.#nodes.add(this.node.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.node[Symbol.asyncDispose]();
    await this.api[Symbol.asyncDispose]();
  }

  #reconcileSoon(): void {
    if (this.#isDue || this.#isOver) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isOver) this.#reconcile();
    });
  }

  #reconcile(): void {
    const { store } = this;
    const due = store.list("jobs").map((job) => syncJob(store, job));
    collectGarbage(store);
    collectPods(store, this.#nodes);
    due.push(collectEnded(store));
    const ms = due.filter((entry) => entry !== undefined);
    clearTimeout(this.#timer);
    if (ms.length > 0) this.#timer = setTimeout(() => this.#reconcileSoon(), Math.min(...ms, 2 ** 31 - 1));
  }

  #nodePort(): NodePort {
    const { store } = this;
    return {
      bind: async (pod, nodeName) => {
        store.change("pods", pod, ({ spec }) => {
          spec.nodeName = nodeName;
        });
      },
      setStatus: async (pod, status) => {
        store.change("pods", pod, (kept) => {
          kept.status = withStatus(kept.status, status);
        });
      },
      release: async (pod) => {
        const now = store.again("pods", pod);
        if (now?.metadata.deletionTimestamp !== undefined) store.delete("pods", now, { gracePeriodSeconds: 0 });
      },
    };
  }
}

/** A kubelet leaves the conditions that are not its own. */
export function withStatus(before: Thing, news: Thing): Thing {
  const types = new Set((news.conditions ?? []).map(({ type }: Thing) => type));
  const kept = (before.conditions ?? []).filter(({ type }: Thing) => !types.has(type));
  return { ...before, ...news, conditions: [...kept, ...(news.conditions ?? [])] };
}

export function kubeconfigOf(server: string, token: string): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "worker", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "worker", namespace: "trainings" } }],
    "current-context": "test",
  };
}
