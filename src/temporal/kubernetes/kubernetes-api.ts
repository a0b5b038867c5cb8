/**
 * The few calls to the API server that trainers need, each with a deadline and an abort. Loads the client at the first one.
 * Follows no log: the client's own stream ends the process when a connection drops.
 */
import type { KubeConfig, RequestContext, V1Job, V1Pod } from "@kubernetes/client-node";
import { ConfigError, describeError } from "../../base/errors.js";
import { isOutageStatus } from "../../base/retry.js";
import { lastBytes } from "../last-bytes.js";
import { TRAINING_FAILURES } from "../failure-types.js";
import { OutageError } from "../outage-patience.js";
import { ManagerError } from "../training-manager.js";

export interface ClusterOptions {
  /** A kubeconfig file. Default: as kubectl finds it (`KUBECONFIG`, `~/.kube/config`), else the pod's own service account. */
  readonly kubeconfig?: string;
  /** Of the kubeconfig. Default: its current one. */
  readonly context?: string;
  /** Where Jobs run. Default: the context's namespace, else `default`. */
  readonly namespace?: string;
  /** One call's longest time. Default 30 s. */
  readonly callTimeoutMs?: number;
}

type Client = typeof import("@kubernetes/client-node");
/** A call's error, as far as anybody decides by it. */
interface Refusal {
  readonly code: number;
  readonly message: string;
}

/** Of a log that is asked for again with fewer lines when it does not fit. */
const MAX_LOG_BYTES = 4_194_304;

/** A list, and the version from which a watch goes on. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly version: string | undefined;
}

export class KubernetesApi {
  readonly #options: ClusterOptions;
  #loading: Promise<Loaded> | undefined;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** The Job of a name; undefined when there is none. */
  job(name: string, signal: AbortSignal): Promise<V1Job | undefined> {
    return this.#call(
      `read Job ${name}`,
      signal,
      ({ batch, namespace }, options) => batch.readNamespacedJob({ name, namespace }, options),
      [404],
    );
  }

  async jobs(selector: { readonly labelSelector?: string; readonly fieldSelector?: string }, signal: AbortSignal): Promise<Listed<V1Job>> {
    const list = await this.#call("list Jobs", signal, ({ batch, namespace }, options) =>
      batch.listNamespacedJob({ namespace, ...selector }, options),
    );
    return { items: list?.items ?? [], version: list?.metadata?.resourceVersion };
  }

  async pods(labelSelector: string, signal: AbortSignal): Promise<Listed<V1Pod>> {
    const list = await this.#call("list Pods", signal, ({ core, namespace }, options) =>
      core.listNamespacedPod({ namespace, labelSelector }, options),
    );
    return { items: list?.items ?? [], version: list?.metadata?.resourceVersion };
  }

  /** False when there is one of that name. */
  async createJob(body: Record<string, unknown>, signal: AbortSignal): Promise<boolean> {
    const made = await this.#call(
      "create a Job",
      signal,
      ({ batch, namespace }, options) => batch.createNamespacedJob({ namespace, body: body }, options),
      [409],
    );
    return made !== undefined;
  }

  /** False when it is gone, or another one has its name. */
  async patchJob(job: V1Job, patch: { annotations: Record<string, string>; spec?: object }, signal: AbortSignal): Promise<boolean> {
    const name = job.metadata?.name ?? "";
    const body = { metadata: { uid: job.metadata?.uid, annotations: patch.annotations }, ...(patch.spec ? { spec: patch.spec } : {}) };
    const patched = await this.#call(
      `patch Job ${name}`,
      signal,
      ({ batch, namespace }, options) => batch.patchNamespacedJob({ name, namespace, body }, options),
      [404, 409],
      "application/merge-patch+json",
    );
    return patched !== undefined;
  }

  /** With its pods, which are gone before it is. */
  async deleteJob(job: V1Job, signal: AbortSignal): Promise<void> {
    const name = job.metadata?.name ?? "";
    await this.#call(
      `delete Job ${name}`,
      signal,
      (loaded, options) =>
        loaded.batch.deleteNamespacedJob(
          { name, namespace: loaded.namespace, body: deletionOf(loaded, job, { propagationPolicy: "Foreground" }) },
          options,
        ),
      [404, 409],
    );
  }

  async deletePod(pod: V1Pod, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const name = pod.metadata?.name ?? "";
    await this.#call(
      `delete Pod ${name}`,
      signal,
      (loaded, options) =>
        loaded.core.deleteNamespacedPod(
          { name, namespace: loaded.namespace, body: deletionOf(loaded, pod, { gracePeriodSeconds: graceSeconds }) },
          options,
        ),
      [404, 409],
    );
  }

  /** The last of what a container printed; empty when nothing can be had. What is read stays below a few MiB. */
  async logTail(pod: string, container: string, maxBytes: number, signal: AbortSignal): Promise<string> {
    for (let tailLines = Math.max(1, Math.min(maxBytes, 8_192)); ; tailLines = Math.floor(tailLines / 8)) {
      const text = await this.#call(
        `read the log of Pod ${pod}`,
        signal,
        ({ core, namespace }, options) =>
          core.readNamespacedPodLog({ name: pod, namespace, container, tailLines, limitBytes: MAX_LOG_BYTES }, options),
        [400, 404],
      );
      const bytes = Buffer.from(text ?? "");
      // The limit counts from the first of these lines: what was cut off is the end.
      if (bytes.length >= MAX_LOG_BYTES && tailLines >= 8) continue;
      return lastBytes(bytes, maxBytes);
    }
  }

  /**
   * Tells of changes until the connection ends, for whatever reason; then `onEnd`. Never a truth: a watch may be silent.
   *
   * @returns ends it.
   */
  async watch(
    kind: "jobs" | "pods",
    query: { readonly labelSelector?: string; readonly fieldSelector?: string; readonly resourceVersion: string },
    onEvent: (type: string, object: V1Job & V1Pod) => void,
    onEnd: () => void,
  ): Promise<() => void> {
    const { client, config, namespace } = await this.#load();
    const root = kind === "jobs" ? "/apis/batch/v1" : "/api/v1";
    const place = `${root}/namespaces/${encodeURIComponent(namespace)}/${kind}`;
    const controller = await new client.Watch(config).watch(place, { ...query, allowWatchBookmarks: true }, onEvent, onEnd);
    return () => {
      controller.abort();
    };
  }

  async #call<T>(
    what: string,
    signal: AbortSignal,
    call: (loaded: Loaded, options: CallOptions) => Promise<T>,
    expected: readonly number[] = [],
    contentType?: string,
  ): Promise<T | undefined> {
    signal.throwIfAborted();
    const loaded = await this.#load();
    const { Observable } = loaded.client;
    const deadline = AbortSignal.timeout(this.#options.callTimeoutMs ?? 30_000);
    const pre = (context: RequestContext) => {
      context.setSignal(AbortSignal.any([signal, deadline]));
      if (contentType !== undefined) context.setHeaderParam("Content-Type", contentType);
      return new Observable<RequestContext>(Promise.resolve(context));
    };
    const middleware: CallOptions["middleware"] = [{ pre, post: (response) => new Observable(Promise.resolve(response)) }];
    try {
      return await call(loaded, { middleware, middlewareMergeStrategy: "append" });
    } catch (error) {
      signal.throwIfAborted();
      const refusal = refusalOf(error);
      if (refusal !== undefined && expected.includes(refusal.code)) return undefined;
      throw managerError(what, loaded.namespace, error, refusal);
    }
  }

  #load(): Promise<Loaded> {
    this.#loading ??= load(this.#options).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }
}

/** Of this very object, not of a later one that has its name. */
function deletionOf({ client }: Loaded, { metadata }: V1Job | V1Pod, how: { propagationPolicy: string } | { gracePeriodSeconds: number }) {
  const preconditions = metadata?.uid === undefined ? {} : { preconditions: { uid: metadata.uid } };
  return Object.assign(new client.V1DeleteOptions(), how, preconditions);
}

type CallOptions = NonNullable<Parameters<InstanceType<Client["BatchV1Api"]>["readNamespacedJob"]>[1]>;

interface Loaded {
  readonly client: Client;
  readonly config: KubeConfig;
  readonly namespace: string;
  readonly batch: InstanceType<Client["BatchV1Api"]>;
  readonly core: InstanceType<Client["CoreV1Api"]>;
}

async function load({ kubeconfig, context, namespace }: ClusterOptions): Promise<Loaded> {
  const client = await import("@kubernetes/client-node").catch((error: unknown) => {
    throw new ConfigError(
      `Trainings as Kubernetes Jobs need @kubernetes/client-node 2.0.1 or later beside trainer-sdk: ${describeError(error)}`,
      [{ path: "@kubernetes/client-node", message: "is not installed" }],
    );
  });
  const config = new client.KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  return {
    client,
    config,
    namespace: namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
    batch: config.makeApiClient(client.BatchV1Api),
    core: config.makeApiClient(client.CoreV1Api),
  };
}

/** By the code and the server's message: a body is now an object, now its text. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number") return undefined;
  const body: unknown = "body" in error ? error.body : undefined;
  let status: unknown = body;
  if (typeof body === "string") {
    try {
      status = JSON.parse(body);
    } catch {
      status = { message: body };
    }
  }
  const message = typeof status === "object" && status !== null && "message" in status ? status.message : undefined;
  return { code: error.code, message: typeof message === "string" ? message.slice(0, 500) : "no reason was given" };
}

function managerError(what: string, namespace: string, error: unknown, refusal: Refusal | undefined): ManagerError {
  const place = `in namespace ${namespace}`;
  if (refusal === undefined)
    return new OutageError(`the API server could not be reached to ${what} ${place}: ${describeError(error)}`, error);
  const { code, message } = refusal;
  const isOurs = code === 400 || code === 422;
  const hint = code === 401 || code === 403 ? " The worker's Role must allow it, and a quota must have room." : "";
  const sentence = `the API server refused to ${what} ${place} (${String(code)}): ${message}.${hint}`;
  // A 500 is often a webhook that fails, and stays so until a person has read of it.
  if (isOutageStatus(code)) return new OutageError(sentence, error);
  return new ManagerError(isOurs ? TRAINING_FAILURES.invalidSpec : TRAINING_FAILURES.backendUnavailable, sentence);
}
