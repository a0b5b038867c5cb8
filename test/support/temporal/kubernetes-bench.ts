/** The Kubernetes backend over a cluster of its own, with the ledger program in its pods. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { machineProcessTable } from "../../../src/base/folder-lock.js";
import { kubernetesManager, type KubernetesManagerOptions } from "../../../src/temporal/kubernetes/kubernetes-manager.js";
import type { ManagerBench } from "../../contract/training-manager-contract.js";
import { FakeCluster } from "./fake-cluster.js";
import { LEDGER_PROGRAM } from "./subprocess-bench.js";

export interface KubernetesBench extends ManagerBench {
  readonly cluster: FakeCluster;
  /** With other options. */
  with(given: KubernetesManagerOptions): ReturnType<ManagerBench["worker"]>;
}

export async function kubernetesBench(): Promise<KubernetesBench> {
  const folder = await mkdtemp(path.join(tmpdir(), "trainer-jobs-"));
  const ledgerFile = path.join(folder, "ledger");
  const memoryEventsFile = path.join(folder, "memory.events");
  await writeFile(ledgerFile, "");
  await writeFile(memoryEventsFile, "low 0\noom 0\noom_kill 0\n");
  const cluster = await FakeCluster.start(folder);
  const withOptions = (given: KubernetesManagerOptions) =>
    kubernetesManager({ kubeconfig: cluster.kubeconfig, image: "trainer:1", pollIntervalMs: 50, terminationGraceMs: 20_000, ...given });
  return {
    cluster,
    with: withOptions,
    passesSecrets: false,
    worker: () => withOptions({}),
    request: (mode, { fence = 1, ...others } = {}) => ({
      key: "default/training-7/train",
      fence,
      spec: {
        command: [process.execPath, LEDGER_PROGRAM],
        env: { MODE: mode, LEDGER: ledgerFile, MEMORY_EVENTS: memoryEventsFile, TRAINER_FENCE: String(fence) },
      },
      secretEnv: {},
      labels: { workflow: "w" },
      ...others,
    }),
    missing: () => ({
      key: "default/training-7/train",
      fence: 1,
      spec: { command: ["/nowhere/trainer"], env: {} },
      secretEnv: {},
      labels: {},
    }),
    ledger: async () =>
      (await readFile(ledgerFile, "utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [fence = "", word = "", pid] = line.split(" ");
          return [fence, word, Number(pid)] as const;
        }),
    isAlive: (pid) => machineProcessTable().startedAt(pid) !== undefined,
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
