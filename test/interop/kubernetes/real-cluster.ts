/** A namespace of a real control plane with one node of ours, and a worker's account that has the rights of the guide and no others. */
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { loadAllYaml } from "@kubernetes/client-node";
import { kubeconfigOf, withStatus } from "../../support/kubernetes/fake-cluster.js";
import { Kubelet, type NodePort } from "../../support/kubernetes/kubelet.js";
import type { Deletion, Thing } from "../../support/kubernetes/object-store.js";
import { QUEUE_LABEL, type DeletingDisruption, type TestCluster } from "../../support/kubernetes/test-cluster.js";
import { selfSigned } from "../../support/self-signed.js";
import { until } from "../../support/until.js";
import { CallError, type ControlPlane } from "./control-plane.js";

const GUIDE = new URL("../../../docs/how-to/run-trainings-as-kubernetes-jobs.md", import.meta.url);
const MERGE = "application/merge-patch+json";
const QUEUES = "/apis/admissionregistration.k8s.io/v1beta1";

export class RealCluster implements TestCluster {
  readonly kubeconfig: string;
  readonly node: Kubelet;
  readonly #plane: ControlPlane;
  readonly #namespace: string;
  readonly #over = new AbortController();
  readonly #logs: Server;
  #watching: Promise<void> = Promise.resolve();

  private constructor(plane: ControlPlane, folder: string, namespace: string) {
    this.#plane = plane;
    this.#namespace = namespace;
    this.kubeconfig = path.join(folder, "kubeconfig");
    this.node = new Kubelet(`${namespace}-node`, folder, this.#nodePort());
    this.#logs = createServer(selfSigned(), (request, response) => {
      const url = new URL(request.url ?? "/", "https://node");
      const [, , , pod = ""] = url.pathname.split("/");
      const number = (name: string): number | undefined => (url.searchParams.has(name) ? Number(url.searchParams.get(name)) : undefined);
      this.#plane.call("GET", `${this.#pods()}/${pod}`).then(
        (object: Thing) => {
          const { code, text } = this.node.log(object, number("tailLines"), number("limitBytes"));
          response.writeHead(code, { "content-type": "text/plain" }).end(text);
        },
        () => response.writeHead(404).end(),
      );
    });
  }

  /** @param folder For the kubeconfig and the logs of pods. @param namespace New, and known to nobody else. */
  static async start(plane: ControlPlane, folder: string, namespace: string): Promise<RealCluster> {
    const cluster = new RealCluster(plane, folder, namespace);
    await plane.call("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
    const token = await cluster.#account();
    await writeFile(cluster.kubeconfig, JSON.stringify(kubeconfigOf(plane.server, token, namespace)));
    await cluster.#queue();
    cluster.#logs.listen(0, "127.0.0.1");
    await once(cluster.#logs, "listening");
    await cluster.#register();
    cluster.#watching = plane.watch(cluster.#pods(), (pod) => cluster.node.sees(pod), cluster.#over.signal);
    return cluster;
  }

  async jobs(): Promise<readonly Thing[]> {
    return (await this.#plane.call("GET", this.#jobs())).items;
  }

  async pods(): Promise<readonly Thing[]> {
    return (await this.#plane.call("GET", this.#pods())).items;
  }

  async addJob(job: Thing): Promise<void> {
    await this.#plane.call("POST", this.#jobs(), job);
  }

  async removeJob(name: string, deletion: Deletion): Promise<void> {
    await this.#plane.call("DELETE", `${this.#jobs()}/${name}`, deletion);
  }

  async suspend(name: string, suspend: boolean): Promise<void> {
    await this.#plane.call("PATCH", `${this.#jobs()}/${name}`, { spec: { suspend } }, MERGE);
  }

  async disrupt(pod: Thing, reason: DeletingDisruption, message: string): Promise<void> {
    const lastTransitionTime = new Date().toISOString();
    await this.#setStatus(pod, { conditions: [{ type: "DisruptionTarget", status: "True", reason, message, lastTransitionTime }] });
    await this.#plane.call("DELETE", `${this.#pods()}/${String(pod.metadata.name)}`, { gracePeriodSeconds: 5 });
  }

  async loseNode(): Promise<void> {
    this.node.crash();
    await this.#plane.call("DELETE", `/api/v1/nodes/${this.node.name}`);
  }

  async addNode(): Promise<void> {
    this.node.replace();
    await this.#register();
  }

  /** How much there may be of what. */
  async limit(hard: Readonly<Record<string, string>>): Promise<void> {
    const quotas = `/api/v1/namespaces/${this.#namespace}/resourcequotas`;
    const body = { metadata: { name: "limits" }, spec: { hard } };
    await this.#plane.call("POST", quotas, body).catch(isThere);
    await this.#plane.call("PATCH", `${quotas}/limits`, body, MERGE);
    // The controller that would measure is not there.
    await this.#plane.call(
      "PATCH",
      `${quotas}/limits/status`,
      { status: { hard, used: Object.fromEntries(Object.keys(hard).map((name) => [name, "0"])) } },
      MERGE,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#watching;
    await this.node[Symbol.asyncDispose]();
    this.#logs.closeAllConnections();
    this.#logs.close();
  }

  #jobs(): string {
    return `/apis/batch/v1/namespaces/${this.#namespace}/jobs`;
  }

  #pods(): string {
    return `/api/v1/namespaces/${this.#namespace}/pods`;
  }

  /** What the guide says, for this namespace. @returns a token of the worker's account. */
  async #account(): Promise<string> {
    const page = await readFile(GUIDE, "utf8");
    const manifest = /```yaml\n([\s\S]*?)```/.exec(page)?.[1]?.replaceAll("namespace: trainings", `namespace: ${this.#namespace}`);
    const rights = `/apis/rbac.authorization.k8s.io/v1/namespaces/${this.#namespace}`;
    for (const object of loadAllYaml(manifest ?? "")) {
      const plural = object.kind === "Role" ? "roles" : "rolebindings";
      await this.#plane.call("POST", `${rights}/${plural}`, object);
    }
    await this.#plane.call("POST", "/api/v1/namespaces", { metadata: { name: "workers" } }).catch(isThere);
    const accounts = "/api/v1/namespaces/workers/serviceaccounts";
    await this.#plane.call("POST", accounts, { metadata: { name: "worker" } }).catch(isThere);
    return (await this.#plane.call("POST", `${accounts}/worker/token`, { spec: { expirationSeconds: 3600 } })).status.token;
  }

  /** Jobs of a queue are created suspended, by the API server itself. */
  async #queue(): Promise<void> {
    const metadata = { name: "queues" };
    await this.#plane
      .call("POST", `${QUEUES}/mutatingadmissionpolicies`, {
        metadata,
        spec: {
          failurePolicy: "Fail",
          reinvocationPolicy: "Never",
          matchConstraints: {
            resourceRules: [{ apiGroups: ["batch"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["jobs"] }],
            objectSelector: { matchExpressions: [{ key: QUEUE_LABEL, operator: "Exists" }] },
          },
          mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: "Object{spec: Object.spec{suspend: true}}" } }],
        },
      })
      .catch(isThere);
    await this.#plane
      .call("POST", `${QUEUES}/mutatingadmissionpolicybindings`, { metadata, spec: { policyName: "queues" } })
      .catch(isThere);
    const containers = [{ name: "trainer", image: "trainer:1" }];
    const trial = {
      metadata: { name: "trial", labels: { [QUEUE_LABEL]: "gpus" } },
      spec: { template: { spec: { containers, restartPolicy: "Never" } } },
    };
    // The API server takes a while to hear of it.
    await until(async () => (await this.#plane.call("POST", `${this.#jobs()}?dryRun=All`, trial)).spec.suspend === true);
  }

  async #register(): Promise<void> {
    const { port } = this.#logs.address() as AddressInfo;
    await this.#plane.call("POST", "/api/v1/nodes", { metadata: { name: this.node.name } });
    const status = { addresses: [{ type: "InternalIP", address: "127.0.0.1" }], daemonEndpoints: { kubeletEndpoint: { Port: port } } };
    await this.#plane.call("PATCH", `/api/v1/nodes/${this.node.name}/status`, { status }, MERGE);
  }

  #nodePort(): NodePort {
    return {
      bind: async (pod, nodeName) => {
        const { name, uid } = pod.metadata;
        const target = { apiVersion: "v1", kind: "Node", name: nodeName };
        await this.#plane.call("POST", `${this.#pods()}/${String(name)}/binding`, { metadata: { name, uid }, target });
      },
      setStatus: (pod, status) => this.#setStatus(pod, status),
      release: async (pod) => {
        const now = await this.#again(pod);
        if (now?.metadata.deletionTimestamp === undefined) return;
        const deletion = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
        await this.#plane.call("DELETE", `${this.#pods()}/${String(pod.metadata.name)}`, deletion).catch(isGone);
      },
    };
  }

  async #setStatus(pod: Thing, status: Thing): Promise<void> {
    const now = await this.#again(pod);
    if (now === undefined) return;
    const body = { metadata: { uid: pod.metadata.uid }, status: withStatus(now.status, status) };
    await this.#plane.call("PATCH", `${this.#pods()}/${String(pod.metadata.name)}/status`, body, MERGE).catch(isGone);
  }

  async #again({ metadata }: Thing): Promise<Thing> {
    const now: Thing = await this.#plane.call("GET", `${this.#pods()}/${String(metadata.name)}`).catch(isGone);
    return now?.metadata.uid === metadata.uid ? now : undefined;
  }
}

function isThere(error: unknown): undefined {
  if (!(error instanceof CallError) || error.code !== 409) throw error;
}

function isGone(error: unknown): undefined {
  if (!(error instanceof CallError) || error.code !== 404) throw error;
}
