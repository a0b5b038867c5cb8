/** The Kubernetes backend over a cluster of its own, with the ledger program in its pods. */
import { systemClock } from "../../../src/base/clock.js";
import { kubernetesManager, type KubernetesManagerOptions } from "../../../src/temporal/kubernetes/kubernetes-manager.js";
import type { JobBench } from "../../contract/job-troubles-contract.js";
import { FakeCluster } from "../kubernetes/fake-cluster.js";
import type { TestCluster } from "../kubernetes/test-cluster.js";
import { ledgerBench } from "./ledger-bench.js";

export interface KubernetesBench extends JobBench {
  readonly cluster: FakeCluster;
}

export function kubernetesBench(): Promise<KubernetesBench> {
  return benchOver((folder) => FakeCluster.start(folder));
}

/** The same over any cluster that runs pods in a folder. */
export async function benchOver<T extends TestCluster>(start: (folder: string) => Promise<T>): Promise<JobBench & { readonly cluster: T }> {
  const bench = await ledgerBench();
  const cluster = await start(bench.folder);
  const withOptions = (given: KubernetesManagerOptions) =>
    kubernetesManager({ kubeconfig: cluster.kubeconfig, image: "trainer:1", pollIntervalMs: 50, terminationGraceMs: 20_000, ...given });
  return {
    ...bench,
    cluster,
    clock: systemClock,
    with: withOptions,
    passesSecrets: false,
    worker: () => withOptions({}),
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await bench.remove();
    },
  };
}
