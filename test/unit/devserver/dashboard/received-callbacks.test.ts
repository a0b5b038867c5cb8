import { describe, expect, it } from "vitest";
import { matchCallbacks } from "../../../../src/devserver/dashboard/data/received-callbacks.js";

function aRequest(verb: string, body: object): object {
  return { path: `/callbacks/${verb}`, body, headers: { "idempotency-key": verb }, receivedAt: "2026-01-01T00:00:00.000Z" };
}

describe("received callbacks", () => {
  const requests = [
    aRequest("started", { job_id: "1", run_id: "run a", task_id: null, sequence: 1 }),
    aRequest("progress", { job_id: "1", run_id: "run a", task_id: "task a", sequence: 2 }),
    aRequest("started", { job_id: "1", run_id: "run b", task_id: null, sequence: 1 }),
    aRequest("started", { job_id: "2", run_id: "run c", task_id: "task c", sequence: 1 }),
    aRequest("started", { note: "from a sender of another kind" }),
  ];

  it("finds those of a task, with those that its run sent before the task was known", () => {
    expect(matchCallbacks(requests, "task a").map((entry) => [entry.verb, entry.runId])).toEqual([
      ["started", "run a"],
      ["progress", "run a"],
    ]);
  });

  it("gives all when no task is asked for, whatever their bodies are", () => {
    expect(matchCallbacks(requests, undefined)).toHaveLength(5);
    expect(matchCallbacks([...requests, { path: "/callbacks", body: "text" }, "noise", null], undefined)).toHaveLength(6);
    expect(matchCallbacks({ unexpected: true }, undefined)).toEqual([]);
  });

  it("adds nothing to a task that no request names", () => {
    expect(matchCallbacks([aRequest("x", { task_id: null })], "task a")).toEqual([]);
  });
});
