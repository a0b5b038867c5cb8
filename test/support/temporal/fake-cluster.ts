/**
 * A Kubernetes API server for tests: Jobs, Pods, logs and watches over real HTTP, a Job controller, and a kubelet that runs
 * each pod's container as a process of this machine. Behaves as the real one where the manager looks, and nowhere else.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

/** The API's objects, as loose as they come. */
type Thing = any;
interface Change {
  readonly kind: string;
  readonly version: number;
  readonly type: string;
  readonly object: Thing;
}
interface Watcher {
  readonly kind: string;
  readonly url: URL;
  readonly response: ServerResponse;
}

export class FakeCluster implements AsyncDisposable {
  readonly folder: string;
  /** `verb resource`, as a Role names them. */
  readonly seen = new Set<string>();
  /** What new pods suffer, in the place of a start. */
  podTrouble: "none" | "unschedulable" | "image" = "none";
  /** Every call is answered with 503. */
  isDown = false;
  /** Every watch is answered with an event of code 410. */
  watchesAreGone = false;
  readonly #server: Server;
  readonly #objects = { jobs: new Map<string, Thing>(), pods: new Map<string, Thing>() };
  readonly #changes: Change[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #processes = new Map<string, ChildProcess>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #version = 100;

  private constructor(folder: string, server: Server) {
    this.folder = folder;
    this.#server = server;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response));
  }

  static async start(folder: string): Promise<FakeCluster> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const cluster = new FakeCluster(folder, server);
    writeFileSync(cluster.kubeconfig, JSON.stringify(cluster.#kubeconfig()));
    return cluster;
  }

  get kubeconfig(): string {
    return path.join(this.folder, "kubeconfig");
  }

  get jobs(): readonly Thing[] {
    return [...this.#objects.jobs.values()];
  }

  get pods(): readonly Thing[] {
    return [...this.#objects.pods.values()];
  }

  dropWatches(): void {
    for (const { response } of this.#watchers) response.destroy();
  }

  get watches(): number {
    return this.#watchers.size;
  }

  addJob(job: Thing): void {
    this.#create("jobs", job);
  }

  removeJob(name: string): void {
    this.#remove("jobs", this.#objects.jobs.get(name));
  }

  /** As eviction, preemption and taints do: a reason on the pod, then the end of its containers. */
  disrupt(pod: Thing, reason: string, message: string): void {
    pod.status.conditions = [{ type: "DisruptionTarget", status: "True", reason, message }];
    this.#changed("pods", pod);
    this.#terminate(pod, 5);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#objects.jobs.clear();
    const exits = [...this.#processes.values()].map((child) => once(child, "exit"));
    for (const child of this.#processes.values()) killGroup(child);
    await Promise.all(exits);
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #kubeconfig(): object {
    const { port } = this.#server.address() as AddressInfo;
    return {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "fake", cluster: { server: `http://127.0.0.1:${String(port)}`, "insecure-skip-tls-verify": true } }],
      users: [{ name: "worker", user: { token: "of-the-worker" } }],
      contexts: [{ name: "fake", context: { cluster: "fake", user: "worker", namespace: "trainings" } }],
      "current-context": "fake",
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body: Thing = text === "" ? {} : JSON.parse(text);
    const url = new URL(request.url ?? "/", "http://fake");
    const match = /^\/(?:apis\/batch\/v1|api\/v1)\/namespaces\/trainings\/(jobs|pods)(?:\/([^/]+))?(\/log)?$/.exec(url.pathname);
    const send = (code: number, object: Thing): void => {
      response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(object));
    };
    const refuse = (code: number, reason: string, message: string): void => {
      send(code, { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message });
    };
    if (this.isDown) return refuse(503, "ServiceUnavailable", "the server is currently unable to handle the request");
    if (request.headers.authorization !== "Bearer of-the-worker") return refuse(401, "Unauthorized", "Unauthorized");
    if (!match) return refuse(404, "NotFound", `no such path: ${url.pathname}`);
    const [, kind, name, isLog] = match as unknown as [string, "jobs" | "pods", string | undefined, string | undefined];
    const isWatch = url.searchParams.get("watch") === "true";
    this.seen.add(isLog ? "get pods/log" : `${verbOf(request.method, name, isWatch)} ${kind}`);
    if (isWatch) return this.#watch(kind, url, response);
    if (request.method === "POST") {
      if (this.#objects[kind].has(body.metadata.name))
        return refuse(409, "AlreadyExists", `jobs "${String(body.metadata.name)}" already exists`);
      return send(201, this.#create(kind, body));
    }
    if (name === undefined) {
      const items = [...this.#objects[kind].values()].filter((object) => isSelected(object, url));
      return send(200, { kind: kind === "jobs" ? "JobList" : "PodList", metadata: { resourceVersion: String(this.#version) }, items });
    }
    const object = this.#objects[kind].get(name);
    if (object === undefined) return refuse(404, "NotFound", `${kind} "${name}" not found`);
    if (isLog) {
      if (object.logFile === undefined) return refuse(400, "BadRequest", `container "trainer" in pod "${name}" is waiting to start`);
      const lines = readFileSync(object.logFile, "utf8").split(/(?<=\n)/);
      response.writeHead(200, { "content-type": "text/plain" });
      response.end(
        lines
          .slice(-Number(url.searchParams.get("tailLines")))
          .join("")
          .slice(0, Number(url.searchParams.get("limitBytes"))),
      );
      return;
    }
    const uid = body.preconditions?.uid ?? body.metadata?.uid;
    if (uid !== undefined && uid !== object.metadata.uid) return refuse(409, "Conflict", "the UID in the precondition does not match");
    if (request.method === "PATCH") {
      Object.assign(object.metadata.annotations, body.metadata?.annotations);
      Object.assign(object.spec, body.spec);
      this.#changed(kind, object);
    }
    if (request.method === "DELETE") {
      object.metadata.deletionTimestamp ??= new Date().toISOString();
      this.#changed(kind, object);
      if (kind === "pods") this.#terminate(object, body.gracePeriodSeconds ?? 30);
      else if (body.propagationPolicy !== "Foreground") this.#remove("jobs", object);
    }
    send(200, object);
    this.#control();
  }

  #watch(kind: string, url: URL, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    if (this.watchesAreGone) {
      response.end(`${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } })}\n`);
      return;
    }
    response.flushHeaders();
    const watcher = { kind, url, response };
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
    for (const change of this.#changes) if (change.version > Number(url.searchParams.get("resourceVersion"))) tell(watcher, change);
  }

  #create(kind: "jobs" | "pods", object: Thing): Thing {
    object.metadata = {
      annotations: {},
      ...object.metadata,
      namespace: "trainings",
      uid: randomUUID(),
      creationTimestamp: new Date().toISOString(),
    };
    object.status ??= {};
    this.#objects[kind].set(object.metadata.name, object);
    this.#changed(kind, object, "ADDED");
    setImmediate(() => {
      this.#control();
    });
    return object;
  }

  #remove(kind: "jobs" | "pods", object: Thing): void {
    this.#objects[kind].delete(object.metadata.name);
    this.#changed(kind, object, "DELETED");
    this.#control();
  }

  #changed(kind: string, object: Thing, type = "MODIFIED"): void {
    object.metadata.resourceVersion = String(++this.#version);
    const change = { kind, version: this.#version, type, object: structuredClone(object) };
    this.#changes.push(change);
    for (const watcher of this.#watchers) tell(watcher, change);
  }

  /** The Job controller, as far as one pod goes. */
  #control(): void {
    for (const job of this.#objects.jobs.values()) {
      if (job.spec?.template === undefined) continue;
      const pods = this.pods.filter((pod) => pod.metadata.labels["batch.kubernetes.io/job-name"] === job.metadata.name);
      if (job.metadata.deletionTimestamp !== undefined) {
        for (const pod of pods) this.#delete(pod);
        if (pods.length === 0) this.#remove("jobs", job);
        continue;
      }
      if (isFinished(job)) continue;
      const ended = pods.find(({ status }) => status.phase === "Succeeded" || status.phase === "Failed");
      if (job.spec.suspend === true) {
        for (const pod of pods) this.#delete(pod);
        this.#condition(job, "Suspended", "JobSuspended");
      } else if (ended?.status.phase === "Succeeded") this.#condition(job, "Complete", "CompletionsReached");
      else if (ended !== undefined || (pods.length === 0 && job.status.made === true))
        this.#condition(job, "Failed", "BackoffLimitExceeded");
      else if (pods.length === 0) {
        job.status.made = true;
        this.#makePod(job);
      }
    }
  }

  #condition(job: Thing, type: string, reason: string): void {
    const conditions: Thing[] = (job.status.conditions ??= []);
    if (conditions.some((entry) => entry.type === type)) return;
    conditions.push({ type, status: "True", reason });
    this.#changed("jobs", job);
  }

  #makePod(job: Thing): void {
    const { metadata, spec } = structuredClone(job.spec.template);
    const pod = this.#create("pods", {
      metadata: {
        name: `${String(job.metadata.name)}-${randomUUID().slice(0, 5)}`,
        labels: { ...metadata.labels, "batch.kubernetes.io/job-name": job.metadata.name },
      },
      spec,
      status: { phase: "Pending", conditions: [], containerStatuses: [] },
    });
    const [container] = spec.containers;
    if (this.podTrouble === "unschedulable")
      pod.status.conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes are available" }];
    else if (this.podTrouble === "image")
      pod.status.containerStatuses = [
        { name: container.name, image: container.image, state: { waiting: { reason: "ImagePullBackOff", message: "not found" } } },
      ];
    else return this.#run(pod, container);
    this.#changed("pods", pod);
  }

  /** The kubelet. */
  #run(pod: Thing, container: Thing): void {
    const env = Object.fromEntries(container.env.map(({ name, value }: { name: string; value: string }) => [name, value]));
    pod.logFile = path.join(this.folder, `${String(pod.metadata.name)}.log`);
    const log = openSync(pod.logFile, "a");
    const [program, ...args] = container.command as [string, ...string[]];
    const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log], env, cwd: container.workingDir });
    closeSync(log);
    const oomKills = memoryKills(env["MEMORY_EVENTS"]);
    child.on("error", (error) => {
      this.#ended(pod, container, { exitCode: 128, reason: "StartError", message: error.message });
    });
    child.on("spawn", () => {
      this.#processes.set(pod.metadata.uid, child);
      pod.status.phase = "Running";
      pod.status.containerStatuses = [{ name: container.name, state: { running: {} } }];
      this.#changed("pods", pod);
    });
    child.on("exit", (code, signal) => {
      killGroup(child);
      this.#processes.delete(pod.metadata.uid);
      const exitCode = code ?? 128 + SIGNAL_NUMBERS[signal ?? "SIGKILL"]!;
      const reason = memoryKills(env["MEMORY_EVENTS"]) > oomKills ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
      this.#ended(pod, container, { exitCode, reason });
    });
  }

  #ended(pod: Thing, container: Thing, terminated: { exitCode: number; reason: string; message?: string }): void {
    pod.status.phase = terminated.exitCode === 0 ? "Succeeded" : "Failed";
    pod.status.containerStatuses = [{ name: container.name, state: { terminated } }];
    this.#changed("pods", pod);
    if (pod.metadata.deletionTimestamp !== undefined) this.#remove("pods", pod);
    else this.#control();
  }

  #delete(pod: Thing): void {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    pod.metadata.deletionTimestamp = new Date().toISOString();
    this.#changed("pods", pod);
    this.#terminate(pod, pod.spec.terminationGracePeriodSeconds ?? 30);
  }

  #terminate(pod: Thing, graceSeconds: number): void {
    const child = this.#processes.get(pod.metadata.uid);
    if (child === undefined) {
      if (pod.metadata.deletionTimestamp !== undefined && this.#objects.pods.has(pod.metadata.name)) this.#remove("pods", pod);
      return;
    }
    // The container's first process alone hears it.
    child.kill("SIGTERM");
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      killGroup(child);
    }, graceSeconds * 1000);
    this.#timers.add(timer);
    child.once("exit", () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    });
  }
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

function verbOf(method: string | undefined, name: string | undefined, isWatch: boolean): string {
  if (isWatch) return "watch";
  if (method === "GET") return name === undefined ? "list" : "get";
  return { POST: "create", PATCH: "patch", DELETE: "delete" }[method ?? ""] ?? "";
}

function isFinished(job: Thing): boolean {
  return (job.status.conditions ?? []).some(({ type }: { type: string }) => type === "Complete" || type === "Failed");
}

function isSelected(object: Thing, url: URL): boolean {
  const name = /^metadata\.name=(.*)$/.exec(url.searchParams.get("fieldSelector") ?? "")?.[1];
  const labels = (url.searchParams.get("labelSelector") ?? "").split(",").filter((part) => part !== "");
  return (
    (name === undefined || object.metadata.name === name) &&
    labels.every((part) => object.metadata.labels?.[part.slice(0, part.indexOf("="))] === part.slice(part.indexOf("=") + 1))
  );
}

function tell({ kind, url, response }: Watcher, change: Change): void {
  if (change.kind === kind && isSelected(change.object, url))
    response.write(`${JSON.stringify({ type: change.type, object: change.object })}\n`);
}

function memoryKills(file: string | undefined): number {
  return file === undefined ? 0 : Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? 0);
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // Gone meanwhile.
  }
}
