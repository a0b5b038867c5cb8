/** Where the trainers of a bench run: processes of hosts that cannot see each other, Jobs of one cluster, or a ClearML queue. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { DevServer } from "../../../src/devserver/index.js";
import { createClearML } from "../../../src/clearml/index.js";
import { clearmlQueueManager, subprocessManager, type ClearMLQueueManagerOptions } from "../../../src/temporal/index.js";
import { FakeCluster } from "../../support/kubernetes/fake-cluster.js";
import { startQueueAgent } from "../../support/temporal/start-queue-agent.js";
import type { WorkerPlace } from "./training-worker.js";

export interface TrainingPlace extends AsyncDisposable {
  /** Every worker sees every trainer and every journal. */
  readonly isShared: boolean;
  /** How a trainer ended is heard through ClearML alone. */
  readonly endsThroughClearML?: boolean;
  /** What a worker of a host is told. */
  of(host: string): WorkerPlace;
}

export async function processes(folder: string): Promise<TrainingPlace> {
  const registryOf = (host: string): string => path.join(folder, `registry-${host}`);
  return {
    isShared: false,
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

export interface JobsPlace extends TrainingPlace {
  readonly cluster: FakeCluster;
}

export async function jobs(folder: string, { env }: DevServer): Promise<JobsPlace> {
  const cluster = await FakeCluster.start(folder);
  const { CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY } = env;
  cluster.node.secrets.set("clearml", { CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY });
  return {
    isShared: true,
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
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
    },
  };
}

export interface QueuePlace extends TrainingPlace {
  /** Starts one more. The first is there from the start. */
  agent(): Promise<ChildProcess>;
  readonly agents: readonly ChildProcess[];
}

/**
 * Served by the agent of our tests: what it does is what ClearML's own does, which `clearml-agent.test.ts` holds it to, and
 * of what the workflow sees of an agent there is no more.
 */
export async function queue(folder: string, server: DevServer): Promise<QueuePlace> {
  const reader = createClearML({}, { ...server.env });
  const { id } = await reader.queues.create({ name: "gpu trainers" });
  await reader.close();
  const options: ClearMLQueueManagerOptions = {
    queue: "gpu trainers",
    env: { ...server.env },
    pollIntervalMs: 200,
    launcherPollIntervalMs: 200,
    terminationGraceMs: 20_000,
    agentTimeoutMs: 20_000,
    memoryEventsFile: path.join(folder, "memory.events"),
  };
  const agents: ChildProcess[] = [];
  const agent = async (): Promise<ChildProcess> => {
    const { apiUrl, accessKey, secretKey } = server;
    const name = `agent-${String(agents.length)}`;
    const child = await startQueueAgent({ apiUrl, accessKey, secretKey, queue: id, name, folder: path.join(folder, name), pollMs: 100 });
    agents.push(child);
    return child;
  };
  await agent();
  return {
    isShared: true,
    endsThroughClearML: true,
    agents,
    agent,
    of: () => ({ kind: "clearml-queue", options }),
    async [Symbol.asyncDispose]() {
      const { signal } = new AbortController();
      const manager = clearmlQueueManager({ ...options, agentTimeoutMs: 1_000 });
      for await (const { handle, state } of manager.list({ signal }))
        if (state.phase !== "ended") await manager.stop(handle, { signal, graceMs: 0, reason: "the test is over" });
      for (const child of agents) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }
    },
  };
}
