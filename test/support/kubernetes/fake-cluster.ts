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
import { QUEUE_LABEL, type DeletingDisruption, type TestCluster } from "./test-cluster.js";

export class FakeCluster implements TestCluster {
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
    this.node = new Kubelet("node", folder, this.#nodePort());
    this.#nodes = new Set([this.node.name]);
    this.api = new ApiServer(this.store, this.node);
    this.api.admit = (kind, { metadata, spec }) => {
      if (kind === "jobs" && metadata.labels?.[QUEUE_LABEL] !== undefined) spec.suspend = true;
    };
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

  async jobs(): Promise<readonly Thing[]> {
    return this.store.list("jobs");
  }

  async pods(): Promise<readonly Thing[]> {
    return this.store.list("pods");
  }

  async addJob(job: Thing): Promise<void> {
    this.store.create("jobs", job);
  }

  async removeJob(name: string, deletion: Deletion): Promise<void> {
    this.store.delete("jobs", this.store.get("jobs", name), deletion);
  }

  async suspend(name: string, suspend: boolean): Promise<void> {
    this.store.change("jobs", this.store.get("jobs", name), ({ spec }) => {
      spec.suspend = suspend;
    });
  }

  async disrupt(pod: Thing, reason: DeletingDisruption, message: string): Promise<void> {
    this.store.change("pods", pod, ({ status }) => {
      status.conditions = [...(status.conditions ?? []), { type: "DisruptionTarget", status: "True", reason, message }];
    });
    this.store.delete("pods", this.store.again("pods", pod), { gracePeriodSeconds: 5 });
  }

  async loseNode(): Promise<void> {
    this.node.crash();
    this.#nodes.delete(this.node.name);
    this.#reconcileSoon();
  }

  async addNode(): Promise<void> {
    this.node.replace();
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

export function kubeconfigOf(server: string, token: string, namespace = "trainings"): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "worker", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "worker", namespace } }],
    "current-context": "test",
  };
}
