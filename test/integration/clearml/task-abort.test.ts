/** A run that is looked after: pings, wishes to end, the callback and what is told to ClearML's agent about it. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StopRequestedError } from "../../../src/base/errors.js";
import { Task } from "../../../src/clearml/index.js";
import { clearmlBench, type ClearMLBench } from "../../support/clearml-bench.js";
import { FakeClock } from "../../support/fake-clock.js";

/** Bounds a wait for a state; it paces nothing. */
const WAIT = { timeout: 20_000, interval: 5 };
const MONITOR = { pollIntervalMs: 5_000, pingIntervalMs: 30_000 };

let bench: ClearMLBench;
let clock: FakeClock;
let task: Task;
let backend: Task;
beforeEach(async () => {
  bench = await clearmlBench();
  clock = new FakeClock();
  task = await Task.init(bench.client({ clock }), { name: "run 1", script: false, monitor: MONITOR });
  backend = await Task.get(bench.clearml, { id: task.id });
});
afterEach(async () => {
  await task.close().catch(() => undefined);
  await bench[Symbol.asyncDispose]();
});

/** One poll, to its end. */
async function poll(): Promise<void> {
  await vi.waitFor(() => expect(clock.sleeping).toBe(2), WAIT);
  const before = bench.arrived("tasks.get_all");
  await clock.advance(MONITOR.pollIntervalMs);
  await vi.waitFor(() => expect(bench.arrived("tasks.get_all")).toBeGreaterThan(before), WAIT);
}

/** As a worker that is alive would have it: a stop is then a wish in the status message. */
async function haveWorker(): Promise<void> {
  await bench.clearml.session.callUntyped("workers.status_report", { worker: "w1", task: task.id, timestamp: Date.now() });
}

describe("a run", () => {
  it("tells ClearML that it lives, and nothing more while nobody wants it to end", async () => {
    for (let at = 0; at < 6; at++) await poll();
    await vi.waitFor(() => expect(bench.arrived("tasks.ping")).toBe(1), WAIT);
    expect(task.signal.aborted).toBe(false);
    await task.close();
    expect(clock.sleeping).toBe(0);
    expect(await backend.getStatus()).toBe("completed");
  });

  it("that somebody stops in the web page hears of it, calls back, and is marked as stopped", async () => {
    await haveWorker();
    const heard = vi.fn<(reason: StopRequestedError) => Promise<void>>(async () => {
      await task.setParameter("General/saved", true);
    });
    await task.onAbort(heard, { timeoutMs: 12_000 });
    expect((await backend.reload()).document.runtime).toMatchObject({ _abort_callback_timeout: "12", _abort_callback_completed: "" });
    await backend.markStopRequest();
    expect(backend.status).toBe("in_progress");
    await poll();
    await vi.waitFor(async () => expect(await backend.getStatus()).toBe("stopped"), WAIT);
    expect(StopRequestedError.isInstance(task.signal.reason) && task.signal.reason.source).toBe("clearml");
    expect(heard).toHaveBeenCalledOnce();
    expect(backend.document).toMatchObject({ status_reason: "USER ABORTED", runtime: { _abort_callback_completed: "1" } });
    expect(await backend.getParameter("saved")).toBe(true);
    await task.close();
    expect(await backend.getStatus()).toBe("stopped");
  });

  it("whose callback hangs or fails is stopped all the same", async () => {
    await haveWorker();
    await task.onAbort(() => new Promise(() => undefined), { timeoutMs: 3_000 });
    await backend.markStopRequest();
    await poll();
    await vi.waitFor(() => expect(task.signal.aborted).toBe(true), WAIT);
    await vi.waitFor(() => expect(clock.sleeping).toBe(2), WAIT);
    await clock.advance(3_000);
    await vi.waitFor(async () => expect(await backend.getStatus()).toBe("stopped"), WAIT);
  });

  it("may end itself from within the callback", async () => {
    await haveWorker();
    await task.onAbort(async () => {
      await task.markStopped({ reason: "saved and gone" });
      await task.close();
    });
    await backend.markStopRequest();
    await poll();
    await vi.waitFor(async () => expect(await backend.getStatus()).toBe("stopped"), WAIT);
    await task.close();
    expect((await backend.reload()).document.status_reason).toBe("saved and gone");
  });

  it("that was ended elsewhere hears of it, and its status is not touched", async () => {
    await backend.markFailed({ reason: "no money left" });
    await poll();
    await vi.waitFor(() => expect(task.signal.aborted).toBe(true), WAIT);
    expect(String(task.signal.reason)).toMatch(/failed: no money left/);
    await task.close();
    expect(await backend.getStatus()).toBe("failed");
  });

  it("that was taken for dead is started again", async () => {
    await bench.clearml.tasks.stopped({ task: task.id, status_reason: "Forced stop (non-responsive)" });
    await poll();
    await vi.waitFor(async () => expect(await backend.getStatus()).toBe("in_progress"), WAIT);
    expect(task.signal.aborted).toBe(false);
  });

  it("takes its own end for nobody's wish", async () => {
    await task.markCompleted();
    await clock.advance(60_000);
    expect(task.signal.aborted).toBe(false);
    expect(clock.sleeping).toBe(0);
  });

  it("goes on when ClearML cannot be asked", async () => {
    bench.server.faults.set("api", { mode: "status", status: 500, match: "tasks.get_all", times: 1 });
    await poll();
    await backend.markStopped({ reason: "enough" });
    await poll();
    await vi.waitFor(() => expect(task.signal.aborted).toBe(true), WAIT);
  });
});

it("a remote run leaves its status to the agent", async () => {
  await task.close();
  await backend.markStarted();
  const remote = await Task.init(bench.client({ clock }, { CLEARML_TASK_ID: task.id }), { monitor: MONITOR });
  await haveWorker();
  await remote.onAbort(() => undefined);
  await backend.markStopRequest();
  await poll();
  await vi.waitFor(async () => expect((await backend.reload()).document.runtime).toMatchObject({ _abort_callback_completed: "1" }), WAIT);
  expect(backend.status).toBe("in_progress");
  await remote.close();
});
