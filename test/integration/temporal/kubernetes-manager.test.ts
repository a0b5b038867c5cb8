/** What is special to Jobs: workers that die, watches and servers that fail, names that somebody else has, rights. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { jobName } from "../../../src/temporal/kubernetes/job-manifest.js";
import type { TrainingHandle } from "../../../src/temporal/training-manager.js";
import { kubernetesBench, type KubernetesBench } from "../../support/temporal/kubernetes-bench.js";
import { until } from "../../support/until.js";

const RESOLVER = new URL("../../support/resolve-typescript.js", import.meta.url).href;
const WORKER = fileURLToPath(new URL("starting-job-worker.ts", import.meta.url));
const { signal } = new AbortController();
const soon = { signal, graceMs: 5_000, reason: "enough" };

let bench: KubernetesBench;
beforeEach(async () => {
  bench = await kubernetesBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function running(mode = "wait"): Promise<TrainingHandle> {
  const { handle } = await bench.worker().start(bench.request(mode), { signal });
  await until(async () => (await bench.ledger()).length > 0);
  return handle;
}

describe("a trainer as a Kubernetes Job", () => {
  it("outlives its worker's SIGKILL; the next worker adopts it and starts no second one", async () => {
    const request = bench.request("wait");
    const argument = JSON.stringify({ options: { image: "trainer:1" }, request });
    const worker = spawn(process.execPath, ["--no-warnings", "--import", RESOLVER, WORKER, argument], {
      stdio: ["ignore", "pipe", "inherit"],
      // As kubectl finds its cluster.
      env: { ...process.env, KUBECONFIG: bench.cluster.kubeconfig },
    });
    await once(worker.stdout, "data");
    await until(async () => (await bench.ledger()).length > 0);
    worker.kill("SIGKILL");
    await once(worker, "close");
    const successor = bench.worker();
    const found = await successor.find(request.key, { signal });
    expect((await successor.start(request, { signal })).handle).toEqual(found?.handle);
    expect(await successor.stop(found!.handle, soon)).toMatchObject({ outcome: "stopped", exitCode: 143 });
    expect(await bench.cluster.jobs()).toHaveLength(1);
    expect((await bench.ledger()).map(([, word]) => word)).toEqual(["began", "told", "ended"]);
  });

  it("is one attempt of one pod, without secrets, and with its journal's volume", async () => {
    const manager = bench.with({
      envFrom: [{ secret: "clearml" }],
      journalVolume: { claimName: "journals", mountPath: "/journals" },
      labels: { "kueue.x-k8s.io/queue-name": "gpus" },
      pod: { nodeSelector: { pool: "gpu" } },
    });
    const request = bench.request("complete", { fence: 4 });
    const resources = { cpus: 2, memoryBytes: 1024, gpus: 1 };
    await manager.start({ ...request, spec: { ...request.spec, image: "other:2", resources } }, { signal });
    const [job] = await bench.cluster.jobs();
    expect(job).toMatchObject({
      metadata: { name: jobName(request.key), labels: { "kueue.x-k8s.io/queue-name": "gpus", "trainer-sdk/fence": "4" } },
      spec: { backoffLimit: 0, completions: 1, parallelism: 1, podReplacementPolicy: "Failed" },
    });
    expect(job.spec.template.spec).toMatchObject({
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      nodeSelector: { pool: "gpu" },
      volumes: [{ name: "journal", persistentVolumeClaim: { claimName: "journals" } }],
      containers: [
        {
          name: "trainer",
          image: "other:2",
          envFrom: [{ secretRef: { name: "clearml" } }],
          volumeMounts: [{ name: "journal", mountPath: "/journals" }],
          resources: { requests: { cpu: "2", memory: "1024" }, limits: { memory: "1024", "nvidia.com/gpu": "1" } },
        },
      ],
    });
  });

  it("is followed to its end although every watch is dropped, or too old", async () => {
    const handle = await running();
    const waiting = bench.worker().wait(handle, { signal });
    await until(() => bench.cluster.api.watches === 2);
    bench.cluster.api.watchesAreGone = true;
    bench.cluster.api.dropWatches();
    await until(() => bench.cluster.api.watches === 0);
    process.kill((await bench.ledger())[0]![2], "SIGTERM");
    expect(await waiting).toMatchObject({ outcome: "failed", failure: "Preempted", exitCode: 143 });
  });

  it("is heard of by the watch long before the next look", async () => {
    const handle = await running();
    const waiting = bench.with({ pollIntervalMs: 86_400_000 }).wait(handle, { signal });
    await until(() => bench.cluster.api.watches === 2);
    process.kill((await bench.ledger())[0]![2], "SIGTERM");
    expect(await waiting).toMatchObject({ failure: "Preempted" });
  });

  it("is waited for while the API server is down; a call that bears nothing fails as BackendUnavailable", async () => {
    const handle = await running();
    const waiting = bench.worker().wait(handle, { signal });
    bench.cluster.api.isDown = true;
    bench.cluster.api.dropWatches();
    await expect(bench.with({ outageMs: 0 }).find(handle.key, { signal })).rejects.toMatchObject({ type: "BackendUnavailable" });
    await expect(bench.with({ outageMs: 0 }).wait(handle, { signal })).rejects.toMatchObject({ type: "BackendUnavailable" });
    process.kill((await bench.ledger())[0]![2], "SIGTERM");
    bench.cluster.api.isDown = false;
    expect(await waiting).toMatchObject({ failure: "Preempted" });
  });

  it("that somebody deleted is told as vanished", async () => {
    const handle = await running();
    const waiting = bench.worker().wait(handle, { signal });
    await bench.cluster.removeJob(handle.id, { propagationPolicy: "Background" });
    expect(await waiting).toMatchObject({ outcome: "failed", failure: "JobVanished" });
  });

  it("does not take a Job of the same name that is somebody else's, and leaves that alone", async () => {
    const request = bench.request("complete");
    const foreign = { metadata: { name: jobName(request.key), labels: {} }, spec: {} };
    await bench.cluster.addJob(foreign);
    await expect(bench.worker().start(request, { signal })).rejects.toMatchObject({ type: "LostOwnership" });
    await expect(bench.worker().find(request.key, { signal })).rejects.toMatchObject({ type: "LostOwnership" });
    expect(await bench.cluster.jobs()).toHaveLength(1);
    expect(bench.cluster.api.seen).not.toContain("delete jobs");
  });

  it("is not started as the same number from another specification", async () => {
    await running();
    const other = bench.request("complete");
    await expect(bench.worker().start(other, { signal })).rejects.toMatchObject({ type: "InvalidSpec" });
    expect((await bench.ledger()).map(([, word]) => word)).toEqual(["began"]);
  });

  it("needs the rights of the manifest in the documentation, and no others", async () => {
    const handle = await running("deaf");
    const waiting = bench.worker().wait(handle, { signal });
    await until(() => bench.cluster.api.watches >= 2);
    await bench.worker().stop(handle, { ...soon, graceMs: 100 });
    await waiting;
    await bench.worker().logTail(handle, { signal, maxBytes: 100 });
    const again = await bench.worker().start(bench.request("complete", { fence: 2 }), { signal });
    await bench.worker().wait(again.handle, { signal });
    await bench.worker().logTail(again.handle, { signal, maxBytes: 100 });
    for await (const training of bench.worker().list({ signal })) await bench.worker().forget(training.handle, { signal });
    const page = await readFile(new URL("../../../docs/how-to/run-trainings-as-kubernetes-jobs.md", import.meta.url), "utf8");
    const rights = [...page.matchAll(/resources: \[(.*)\]\n\s+verbs: \[(.*)\]/g)].flatMap(([, resources = "", verbs = ""]) =>
      words(resources).flatMap((resource) => words(verbs).map((verb) => `${verb} ${resource}`)),
    );
    expect([...bench.cluster.api.seen].sort()).toEqual(rights.sort());
  });
});

function words(list: string): string[] {
  return list.split(",").map((word) => word.trim().replaceAll('"', ""));
}
