/**
 * One node with its scheduler: gives each pod a place and runs its first container as a process of this machine. Follows
 * Kubernetes 1.35: `pkg/kubelet` (a pod that is deleted is told SIGTERM, killed after its grace, shown as ended and only then
 * taken away; a container that never began is `ContainerStatusUnknown`), `pkg/kubelet/eviction` and `nodeshutdown` (a pod that
 * fails and stays), `kubelet_pods.go` (logs). Knows no API server: the fake's and a real one give it the same port.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Thing } from "./object-store.js";

/** What a kubelet asks of an API server. Calls for one pod come one after another. */
export interface NodePort {
  bind(pod: Thing, nodeName: string): Promise<void>;
  setStatus(pod: Thing, status: Thing): Promise<void>;
  /** Deletes one that goes, without a grace: it has ended. Leaves another one. */
  release(pod: Thing): Promise<void>;
}

/** What new pods suffer in the place of a start: no node, a waiting container's reason, or a node that refuses them. */
export type PodTrouble = "none" | "unschedulable" | { readonly waiting: string } | { readonly refused: string };

interface Run {
  readonly child: ChildProcess;
  /** Said of the pod when its process has ended, in the place of nothing. */
  status: Thing;
  unseen?: Thing;
  kill?: { readonly timer: NodeJS.Timeout; readonly seconds: number };
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

export class Kubelet implements AsyncDisposable {
  trouble: PodTrouble = "none";
  /** A node that is cut off says nothing and hears nothing; what runs on it runs. */
  isCutOff = false;
  /** Of the node. */
  name: string;
  /** Entries of the namespace's Secrets, by name. */
  readonly secrets = new Map<string, Readonly<Record<string, string>>>();
  readonly #prefix: string;
  #count = 1;
  readonly #folder: string;
  readonly #port: NodePort;
  readonly #runs = new Map<string, Run>();
  readonly #begun = new Set<string>();
  readonly #work = new Map<string, Promise<void>>();
  #isOver = false;

  /** @param prefix Of the names of its machines. */
  constructor(prefix: string, folder: string, port: NodePort) {
    this.#prefix = prefix;
    this.name = `${prefix}-1`;
    this.#folder = folder;
    this.#port = port;
  }

  /** Called with each state of each pod. */
  sees(pod: Thing): void {
    const { uid, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if (this.#isOver || this.isCutOff) return;
    const isEnded = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
    if (deletionTimestamp === undefined && !isEnded && !this.#begun.has(uid)) {
      this.#begun.add(uid);
      this.#do(pod, () => this.#begin(pod));
    } else if (deletionTimestamp !== undefined && (pod.spec.nodeName ?? "") !== "") {
      const run = this.#runs.get(uid);
      if (run) this.terminate(pod, deletionGracePeriodSeconds ?? 0);
      else if (!isEnded) this.#do(pod, () => this.#endUnbegun(pod));
      else this.#do(pod, () => this.#port.release(pod));
    }
  }

  /** SIGTERM to the container's first process, and after the grace the end of all. A grace can only become shorter. */
  terminate({ metadata }: Thing, graceSeconds: number, status: Thing = {}): void {
    const run = this.#runs.get(metadata.uid);
    if (run === undefined) return;
    Object.assign(run.status, status);
    if (run.kill !== undefined && run.kill.seconds <= graceSeconds) return;
    if (run.kill === undefined) run.child.kill("SIGTERM");
    else clearTimeout(run.kill.timer);
    run.kill = { seconds: graceSeconds, timer: setTimeout(() => killGroup(run.child), graceSeconds * 1000) };
  }

  /** The machine is dead: its processes end, and nobody says so. */
  crash(): void {
    this.isCutOff = true;
    for (const { child } of this.#runs.values()) killGroup(child);
  }

  /** Another machine, that knows nothing of the first one's pods. */
  replace(): void {
    this.name = `${this.#prefix}-${String(++this.#count)}`;
    this.isCutOff = false;
  }

  /** The machine starts anew and finds its containers gone: it has a reason to give, and codes that mean nothing. */
  reboot(unseen: "ContainerStatusUnknown" | "Unknown"): void {
    for (const run of this.#runs.values()) {
      run.unseen = { reason: unseen, exitCode: unseen === "Unknown" ? 255 : 137 };
      killGroup(run.child);
    }
  }

  /** What kept it from beginning is over: the image is there, the secret was made. */
  recover(pod: Thing): void {
    this.#do(pod, () => this.#run(pod));
  }

  /** As the kubelet answers for a container's log. */
  log(pod: Thing, tailLines: number | undefined, limitBytes: number | undefined): { readonly code: number; readonly text: string } {
    const [status] = pod.status.containerStatuses ?? [];
    if (status === undefined || status.state.waiting !== undefined)
      return {
        code: 400,
        text: `container "trainer" in pod "${String(pod.metadata.name)}" is waiting to start: ${status?.state.waiting.reason ?? "ContainerCreating"}`,
      };
    try {
      const lines = readFileSync(this.#logFile(pod), "utf8").split(/(?<=\n)/);
      const tail = Buffer.from((tailLines === undefined ? lines : lines.slice(-tailLines)).join(""));
      return { code: 200, text: tail.subarray(0, limitBytes ?? tail.length).toString("utf8") };
    } catch {
      return { code: 200, text: "unable to retrieve container logs for containerd://gone" };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    const exits = [...this.#runs.values()].map(({ child }) => once(child, "exit"));
    for (const { child, kill } of this.#runs.values()) {
      clearTimeout(kill?.timer);
      killGroup(child);
    }
    await Promise.all(exits);
    await Promise.all(this.#work.values());
  }

  async #begin(pod: Thing): Promise<void> {
    const scheduled = { type: "PodScheduled", status: "True" };
    const { trouble } = this;
    if (trouble === "unschedulable") {
      const refused = {
        ...scheduled,
        status: "False",
        reason: "Unschedulable",
        message: "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
      };
      // A scheduler tries again.
      this.#begun.delete(pod.metadata.uid);
      return this.#port.setStatus(pod, { phase: "Pending", conditions: [refused] });
    }
    await this.#port.bind(pod, this.name);
    if (trouble === "none") return this.#run(pod);
    if ("refused" in trouble) {
      const message = `Pod was rejected: Node didn't have enough resource, which is unexpected`;
      return this.#port.setStatus(pod, { phase: "Failed", reason: trouble.refused, message, conditions: [scheduled] });
    }
    await this.#wait(pod, trouble.waiting, `the reason is ${trouble.waiting}`);
  }

  async #wait(pod: Thing, reason: string, message: string): Promise<void> {
    const [{ name, image }] = pod.spec.containers;
    const conditions = [{ type: "PodScheduled", status: "True" }];
    await this.#port.setStatus(pod, {
      phase: "Pending",
      conditions,
      containerStatuses: [containerStatus(name, image, { waiting: { reason, message } })],
    });
  }

  async #run(pod: Thing): Promise<void> {
    const [container] = pod.spec.containers;
    const { name, image } = container;
    const own = (container.env ?? []).map((entry: { name: string; value?: string }) => [entry.name, entry.value ?? ""]);
    const named = (container.envFrom ?? []).map(({ secretRef }: Thing): string => secretRef.name);
    const missing = named.find((secret: string) => !this.secrets.has(secret));
    if (missing !== undefined) return this.#wait(pod, "CreateContainerConfigError", `secret "${String(missing)}" not found`);
    const env: Record<string, string> = Object.assign(
      {},
      ...named.map((secret: string) => this.secrets.get(secret)),
      Object.fromEntries(own),
    );
    const log = openSync(this.#logFile(pod), "a");
    const [program, ...args] = container.command as [string, ...string[]];
    const oomKills = memoryKills(env["MEMORY_EVENTS"]);
    const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log], env, cwd: container.workingDir });
    closeSync(log);
    const run: Run = { child, status: {} };
    const ended = (terminated: Thing): void => {
      clearTimeout(run.kill?.timer);
      this.#runs.delete(pod.metadata.uid);
      if (this.isCutOff || this.#isOver) return;
      const phase = terminated.exitCode === 0 ? "Succeeded" : "Failed";
      const containerStatuses = [containerStatus(name, image, { terminated })];
      this.#do(pod, async () => {
        await this.#port.setStatus(pod, { phase, ...run.status, containerStatuses });
        await this.#port.release(pod);
      });
    };
    child.on("error", (error) => {
      ended({ exitCode: 128, reason: "StartError", message: error.message });
    });
    child.on("exit", (code, signal) => {
      killGroup(child);
      const exitCode = code ?? 128 + (SIGNAL_NUMBERS[signal ?? "SIGKILL"] ?? 9);
      const reason = memoryKills(env["MEMORY_EVENTS"]) > oomKills ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
      ended(run.unseen ?? { exitCode, reason });
    });
    if (child.pid === undefined) return;
    this.#runs.set(pod.metadata.uid, run);
    const conditions = [
      { type: "PodScheduled", status: "True" },
      { type: "Ready", status: "True" },
    ];
    await this.#port.setStatus(pod, { phase: "Running", conditions, containerStatuses: [containerStatus(name, image, { running: {} })] });
  }

  async #endUnbegun(pod: Thing): Promise<void> {
    // It had begun all the same, while this was waiting for its turn.
    if (this.#runs.has(pod.metadata.uid)) return this.terminate(pod, pod.metadata.deletionGracePeriodSeconds);
    const [{ name, image }] = pod.spec.containers;
    const terminated = {
      exitCode: 137,
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when the pod was terminated",
    };
    await this.#port.setStatus(pod, { phase: "Failed", containerStatuses: [containerStatus(name, image, { terminated })] });
    await this.#port.release(pod);
  }

  #do(pod: Thing, work: () => Promise<void>): void {
    const { uid } = pod.metadata;
    const before = this.#work.get(uid) ?? Promise.resolve();
    this.#work.set(
      uid,
      before.then(work).catch((error: unknown) => {
        if (!this.#isOver) console.error(error);
      }),
    );
  }

  #logFile({ metadata }: Thing): string {
    return path.join(this.#folder, `${String(metadata.name)}.log`);
  }
}

function containerStatus(name: string, image: string, state: Thing): Thing {
  return { name, image, imageID: "", ready: state.running !== undefined, restartCount: 0, state };
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
