/** How an API server that refuses is told: quotas, rights, what is not valid, too many calls, logs that are gone. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TrainingHandle } from "../../../src/temporal/training-manager.js";
import { Refusal } from "../../support/kubernetes/object-store.js";
import { kubernetesBench, type KubernetesBench } from "../../support/temporal/kubernetes-bench.js";
import { until } from "../../support/until.js";

const { signal } = new AbortController();

let bench: KubernetesBench;
beforeEach(async () => {
  bench = await kubernetesBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function running(): Promise<TrainingHandle> {
  const { handle } = await bench.worker().start(bench.request("wait"), { signal });
  await until(async () => (await bench.ledger()).length > 0);
  return handle;
}

describe("an API server that refuses", () => {
  const refusals: [string, Refusal, string, string][] = [
    [
      "a quota",
      new Refusal(403, "Forbidden", "exceeded quota: gpus, requested: 1, used: 8, limited: 8"),
      "BackendUnavailable",
      "a quota must have room",
    ],
    [
      "a Role",
      new Refusal(403, "Forbidden", 'User "worker" cannot create resource "jobs"'),
      "BackendUnavailable",
      "The worker's Role must allow it",
    ],
    [
      "a Job that is not valid",
      new Refusal(422, "Invalid", "Job.batch is invalid: spec.template.spec.containers[0].image: Required value"),
      "InvalidSpec",
      "Required value",
    ],
    [
      "too many calls",
      new Refusal(429, "TooManyRequests", "too many requests, please try again later", { "retry-after": "1" }),
      "BackendUnavailable",
      "429",
    ],
    [
      "a webhook that fails",
      new Refusal(500, "InternalError", 'failed calling webhook "mjob.kueue.x-k8s.io"'),
      "BackendUnavailable",
      "kueue",
    ],
  ];
  it.each(refusals)("for %s fails a start with what it said, and starts nothing", async (_name, refusal, type, words) => {
    bench.cluster.api.refusals.set("create jobs", refusal);
    const start = bench.with({ outageMs: 0 }).start(bench.request("complete"), { signal });
    await expect(start).rejects.toMatchObject({ type, message: expect.stringContaining(words) as string });
    expect(await bench.cluster.jobs()).toEqual([]);
    bench.cluster.api.refusals.clear();
    expect((await bench.worker().start(bench.request("complete"), { signal })).handle.fence).toBe(1);
  });

  it("for too many calls is borne while a Job is waited for", async () => {
    const handle = await running();
    const end = bench.worker().wait(handle, { signal });
    await until(() => bench.cluster.api.watches === 2);
    const before = bench.cluster.api.calls.get("list jobs") ?? 0;
    bench.cluster.api.refusals.set("list jobs", new Refusal(429, "TooManyRequests", "try again later", { "retry-after": "1" }));
    await until(() => (bench.cluster.api.calls.get("list jobs") ?? 0) >= before + 3);
    process.kill((await bench.ledger())[0]![2], "SIGTERM");
    bench.cluster.api.refusals.clear();
    expect(await end).toMatchObject({ failure: "Preempted" });
  });

  it("to show a log costs the log and nothing else: it is empty, or the call fails", async () => {
    const handle = await running();
    bench.cluster.api.refusals.set("get pods/log", new Refusal(404, "NotFound", "container is gone"));
    expect(await bench.worker().logTail(handle, { signal, maxBytes: 100 })).toBe("");
    bench.cluster.api.refusals.clear();
    bench.cluster.node.isCutOff = true;
    await expect(bench.worker().logTail(handle, { signal, maxBytes: 100 })).rejects.toMatchObject({ type: "BackendUnavailable" });
  });
});
