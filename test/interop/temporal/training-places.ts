/** Where the trainers of a bench run: processes of hosts that cannot see each other, Jobs of one cluster, or tasks of one queue. */
import path from "node:path";
import { createClearML } from "../../../src/clearml/index.js";
import type { DevServer } from "../../../src/devserver/index.js";
import { clearmlQueueManager, subprocessManager, type ClearMLQueueManagerOptions } from "../../../src/temporal/index.js";
import { FakeCluster } from "../../support/kubernetes/fake-cluster.js";
import { ClearMLAgent } from "./clearml-agent.js";
import type { WorkerPlace } from "./training-worker.js";

export interface TrainingPlace extends AsyncDisposable {
  /** Every worker sees every trainer and every journal. */
  readonly isShared: boolean;
  /** Nobody knows that a trainer has ended while ClearML is away. */
  readonly tellsEndsByClearML: boolean;
  /** What a worker of a host is told. */
  of(host: string): WorkerPlace;
}

export async function processes(folder: string): Promise<TrainingPlace> {
  const registryOf = (host: string): string => path.join(folder, `registry-${host}`);
  return {
    isShared: false,
    tellsEndsByClearML: false,
    of: (host) => ({ kind: "subprocess", registry: registryOf(host), memoryEventsFile: path.join(folder, "memory.events") }),
    async [Symbol.asyncDispose]() {
      const { signal } = new AbortController();
      for (const host of ["one", "two"]) {
        const manager = subprocessManager({ directory: registryOf(host) });
        for await (const { handle } of manager.list({ signal }))
          await manager.stop(handle, { signal, graceMs: 0, reason: "the test is over" });
      }
    },
  };
}

/** A place that every worker sees, and what tests do to it and read of it. */
export interface SharedPlace extends TrainingPlace {
  readonly isShared: true;
  /** Of trainers that run, or still could. */
  living(): Promise<readonly string[]>;
  /** A worker has asked for the trainer's end. */
  isBeingStopped(): Promise<boolean>;
  /** What each trainer was given, the least first. */
  memoryBytes(): Promise<readonly number[]>;
  /** Nothing is started until `makeRoom`. */
  fill(): Promise<void>;
  makeRoom(): Promise<void>;
  /** The trainer is asked to end, not by a worker. The next one has a machine. */
  evict(): Promise<void>;
  /** The trainer's machine is gone, and the trainer with it, without a word. The next one has a machine. */
  loseMachine(): Promise<void>;
}

export interface JobsPlace extends SharedPlace {
  readonly cluster: FakeCluster;
}

export async function jobs(folder: string, { env }: DevServer): Promise<JobsPlace> {
  const cluster = await FakeCluster.start(folder);
  const { CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY } = env;
  cluster.node.secrets.set("clearml", { CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY });
  return {
    isShared: true,
    tellsEndsByClearML: false,
    cluster,
    of: () => ({
      kind: "kubernetes",
      options: {
        kubeconfig: cluster.kubeconfig,
        image: "trainer:1",
        envFrom: [{ secret: "clearml" }],
        journalVolume: { claimName: "journals", mountPath: path.join(folder, "journals-all") },
        pollIntervalMs: 200,
        imageGraceMs: 500,
        terminationGraceMs: 20_000,
      },
    }),
    async living() {
      const pods = await cluster.pods();
      return pods
        .filter(({ status }) => status.phase !== "Succeeded" && status.phase !== "Failed")
        .map(({ metadata }) => String(metadata.name));
    },
    isBeingStopped: async () => (await cluster.jobs())[0].spec.suspend === true,
    async memoryBytes() {
      return ascending((await cluster.jobs()).map(({ spec }) => Number(spec.template.spec.containers[0].resources.limits.memory)));
    },
    async fill() {
      cluster.node.trouble = "unschedulable";
    },
    async makeRoom() {
      cluster.node.trouble = "none";
      for (const pod of await cluster.pods()) cluster.node.sees(pod);
    },
    async evict() {
      const [pod] = await cluster.pods();
      await cluster.disrupt(pod, "PreemptionByScheduler", "somebody more important came");
    },
    async loseMachine() {
      await cluster.loseNode();
      await cluster.addNode();
    },
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
    },
  };
}

/** Served by ClearML's own agent, one at a time. */
export async function queues(folder: string, server: DevServer): Promise<SharedPlace> {
  const options: ClearMLQueueManagerOptions = {
    queue: "default",
    env: { ...server.env },
    // The agent runs no Docker, and so the command as it is.
    image: "trainer:1",
    pollIntervalMs: 200,
    launcherPollIntervalMs: 200,
    agentTimeoutMs: 20_000,
    memoryEventsFile: path.join(folder, "memory.events"),
  };
  const reader = createClearML({}, { ...server.env });
  let agents = 0;
  const startAgent = (): Promise<ClearMLAgent> => ClearMLAgent.start(server, `machine:${String(agents++)}`);
  let agent = await startAgent();
  const replaceAgent = async (by: NodeJS.Signals): Promise<void> => {
    await agent.end(by);
    await agent[Symbol.asyncDispose]();
    agent = await startAgent();
  };
  const runs = async () => {
    const only_fields = ["id", "status", "runtime", "container"];
    return (await reader.session.call("tasks.get_all", { system_tags: ["trainer-sdk-trainer"], only_fields })).tasks;
  };
  return {
    isShared: true,
    tellsEndsByClearML: true,
    of: () => ({ kind: "clearml-queue", options }),
    living: async () => (await runs()).filter(({ status }) => status === "queued" || status === "in_progress").map(({ id }) => id),
    isBeingStopped: async () => (await runs())[0]?.runtime?.["trainer_sdk_stop"] !== undefined,
    async memoryBytes() {
      return ascending((await runs()).map(({ container }) => Number(/--memory=(\d+)/.exec(JSON.stringify(container))?.[1])));
    },
    fill: () => agent.end("SIGTERM"),
    makeRoom: () => replaceAgent("SIGTERM"),
    // Its launcher sees that it is gone, and asks the trainer to end.
    evict: () => replaceAgent("SIGKILL"),
    // It kills what it runs before it ends.
    loseMachine: () => replaceAgent("SIGTERM"),
    async [Symbol.asyncDispose]() {
      const { signal } = new AbortController();
      const manager = clearmlQueueManager(options);
      for await (const { handle, state } of manager.list({ signal }))
        if (state.phase !== "ended") await manager.stop(handle, { signal, graceMs: 0, reason: "the test is over" });
      await agent[Symbol.asyncDispose]();
      await reader.close();
    },
  };
}

function ascending(numbers: readonly number[]): readonly number[] {
  return [...numbers].sort((one, other) => one - other);
}
