/**
 * Trainers as Jobs of Kubernetes' own API server and controllers: what the fake cluster is asked at every test is asked of them
 * too, by a worker that has the rights of the guide and no others.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeJobTroubles, type JobBench } from "../../contract/job-troubles-contract.js";
import { describeTrainingManager } from "../../contract/training-manager-contract.js";
import { benchOver } from "../../support/temporal/kubernetes-bench.js";
import { until } from "../../support/until.js";
import { Tally } from "../support/tally.js";
import { ControlPlane } from "./control-plane.js";
import { RealCluster } from "./real-cluster.js";

const { signal } = new AbortController();
let plane: ControlPlane;
let count = 0;
beforeAll(async () => {
  plane = await ControlPlane.start();
});
afterAll(() => plane[Symbol.asyncDispose]());

const realBench = (): Promise<JobBench & { readonly cluster: RealCluster }> =>
  benchOver((folder) => RealCluster.start(plane, folder, `trainings-${String(++count)}`));

describeTrainingManager("kubernetes, its own API server", realBench);
describeJobTroubles("a Job of Kubernetes' own API server", realBench);

describe("Kubernetes' own API server", () => {
  const tally = new Tally("kubernetes", "API server, controllers");

  it("takes the manifest with every option, unchanged and with no field that it does not know", async () => {
    await using bench = await realBench();
    const manager = bench.with({
      envFrom: [{ secret: "clearml" }, { configMap: "more" }],
      journalVolume: { claimName: "journals", mountPath: "/journals" },
      pod: {
        nodeSelector: { pool: "gpu" },
        tolerations: [{ key: "gpu", operator: "Exists" }],
        volumes: [{ name: "shm", emptyDir: { medium: "Memory" } }],
      },
      container: { volumeMounts: [{ name: "shm", mountPath: "/dev/shm" }], securityContext: { runAsNonRoot: true } },
      activeDeadlineMs: 86_400_000,
    });
    bench.cluster.node.trouble = "unschedulable";
    const request = bench.request("complete", { fence: 4 });
    const resources = { cpus: 2.5, memoryBytes: 5_000_000_000, gpus: 1 };
    await manager.start({ ...request, spec: { ...request.spec, image: "other:2", resources } }, { signal });
    const [{ spec }] = await bench.cluster.jobs();
    const [container] = spec.template.spec.containers;
    tally.called(1);
    tally.compare("attempts", [spec.backoffLimit, spec.completions, spec.parallelism, spec.podReplacementPolicy], [0, 1, 1, "Failed"]);
    tally.compare(
      "times",
      [spec.activeDeadlineSeconds, spec.ttlSecondsAfterFinished, spec.template.spec.terminationGracePeriodSeconds],
      [86_400, 604_800, 20],
    );
    tally.compare("resources", container.resources, {
      requests: { cpu: "2500m", memory: "5G" },
      limits: { memory: "5G", "nvidia.com/gpu": "1" },
    });
    tally.compare(
      "mounts",
      container.volumeMounts.map(({ name }: { name: string }) => name),
      ["shm", "journal"],
    );
    tally.compare("variables from", container.envFrom, [{ secretRef: { name: "clearml" } }, { configMapRef: { name: "more" } }]);
    tally.end();
  });

  it("finds a manifest invalid that is, in words that reach the failure", async () => {
    await using bench = await realBench();
    const start = bench.with({ pod: { restartPolicy: "Never", dnsPolicy: "nonsense" } }).start(bench.request("complete"), { signal });
    await expect(start).rejects.toMatchObject({ type: "InvalidSpec", message: expect.stringContaining("dnsPolicy") as string });
    expect(await bench.cluster.jobs()).toEqual([]);
  });

  it("refuses a worker what the guide does not give it", async () => {
    await using bench = await realBench();
    const elsewhere = bench.with({ namespace: "default" }).start(bench.request("complete"), { signal });
    await expect(elsewhere).rejects.toMatchObject({ type: "BackendUnavailable", message: expect.stringContaining("403") as string });
  });

  it("keeps to a quota, whose words reach the failure, and takes the Job when there is room again", async () => {
    await using bench = await realBench();
    await bench.cluster.limit({ "count/jobs.batch": "0" });
    await expect(bench.worker().start(bench.request("complete"), { signal })).rejects.toMatchObject({
      type: "BackendUnavailable",
      message: expect.stringContaining("exceeded quota") as string,
    });
    await bench.cluster.limit({ "count/jobs.batch": "1" });
    const { handle } = await bench.worker().start(bench.request("complete"), { signal });
    expect(await bench.worker().wait(handle, { signal })).toMatchObject({ outcome: "completed" });
  });

  it("has a Job of the same name that is somebody else's left alone", async () => {
    await using bench = await realBench();
    bench.cluster.node.trouble = "unschedulable";
    const request = bench.request("complete");
    const { handle } = await bench.worker().start(request, { signal });
    const [job] = await bench.cluster.jobs();
    await bench.cluster.removeJob(handle.id, { propagationPolicy: "Background" });
    const { template } = job.spec;
    await bench.cluster.addJob({
      metadata: { name: handle.id },
      spec: { suspend: true, template: { spec: { containers: template.spec.containers, restartPolicy: "Never" } } },
    });
    await expect(bench.worker().start(request, { signal })).rejects.toMatchObject({ type: "LostOwnership" });
    await bench.worker().forget(handle, { signal });
    expect(await bench.cluster.jobs()).toHaveLength(1);
  });

  it.each(["SIGKILL", "SIGTERM"] as const)(
    "may be restarted (%s) while a Job is waited for: the wait goes on, and so does the worker",
    async (how) => {
      await using bench = await realBench();
      const { handle } = await bench.worker().start(bench.request("wait"), { signal });
      await until(async () => (await bench.ledger()).length > 0);
      const waiting = bench.worker().wait(handle, { signal });
      await plane.restart(how);
      process.kill((await bench.ledger())[0]![2], "SIGTERM");
      expect(await waiting).toMatchObject({ outcome: "failed", failure: "Preempted" });
    },
  );
});
