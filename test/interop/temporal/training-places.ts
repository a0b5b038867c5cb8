/** Where the trainers of a bench run: processes of hosts that cannot see each other, or Jobs of one cluster. */
import path from "node:path";
import type { DevServer } from "../../../src/devserver/index.js";
import { subprocessManager } from "../../../src/temporal/index.js";
import { FakeCluster } from "../../support/kubernetes/fake-cluster.js";
import type { WorkerPlace } from "./training-worker.js";

export interface TrainingPlace extends AsyncDisposable {
  /** Every worker sees every trainer and every journal. */
  readonly isShared: boolean;
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
