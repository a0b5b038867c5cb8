/** How long an attempt that was cancelled holds on to its trainer: as long as a stop can take where that runs, and no longer. */
import { beforeEach, describe, expect, it } from "vitest";
import type { ActivityEdge } from "../../../src/temporal/activity-edge.js";
import { executeTraining } from "../../../src/temporal/execute-training.js";
import { resolveSettings } from "../../../src/temporal/settings.js";
import { ManagerError, type ManagedTraining, type StopOptions, type TrainingManager } from "../../../src/temporal/training-manager.js";
import { FakeClock } from "../../support/fake-clock.js";

const GRACE_MS = 20_000;
const MARGIN_MS = 690_000;
/** For calls that are on their way. */
const LAST_CALLS_MS = 60_000;
const NOWHERE = { CLEARML_API_HOST: "http://127.0.0.1:9", CLEARML_API_ACCESS_KEY: "key", CLEARML_API_SECRET_KEY: "secret" };

let clock: FakeClock;
let cancel: AbortController;
let beats: number;
beforeEach(() => {
  clock = new FakeClock();
  cancel = new AbortController();
  beats = 0;
});

const edge = (): ActivityEdge => ({
  signal: cancel.signal,
  workflow: { namespace: "default", workflowId: "training-7", runId: "run" },
  attempt: 1,
  heartbeatTimeoutMs: 120_000,
  heartbeatDetails: undefined,
  heartbeat: () => void beats++,
  endingReason: () => (cancel.signal.aborted ? "CANCELLED" : undefined),
  signalWorkflow: () => Promise.resolve(),
  isOpen: () => Promise.resolve(true),
});

/** An attempt over a place whose trainer runs, and that does with a stop what the test says. */
async function cancelled(
  stop: (options: StopOptions) => Promise<never>,
  stopMarginMs?: number,
): Promise<{ readonly isOver: () => boolean; readonly work: Promise<unknown> }> {
  const training: ManagedTraining = { handle: { v: 1, backend: "place", key: "k", fence: 1, id: "it" }, state: { phase: "running" } };
  const began = Promise.withResolvers<undefined>();
  const unasked = (): Promise<never> => Promise.reject(new Error("not asked for"));
  const manager: TrainingManager = {
    backend: "place",
    hostBound: false,
    leaseMs: 0,
    ...(stopMarginMs === undefined ? {} : { stopMarginMs }),
    find: () => Promise.resolve(training),
    start: unasked,
    wait: (_handle, { signal }) =>
      new Promise((_resolve, reject) => {
        began.resolve(undefined);
        signal.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
      }),
    stop: (_handle, options) => stop(options),
    logTail: unasked,
    list: async function* () {
      yield* [];
    },
    forget: unasked,
  };
  const settings = resolveSettings({ manager, env: NOWHERE, handoverUri: "s3://bucket/left", clock });
  const input = { job: { jobId: "7" }, taskId: "0".repeat(32), stopGraceMs: GRACE_MS };
  let isOver = false;
  const work = executeTraining(settings, input, edge());
  work.catch(() => (isOver = true));
  await began.promise;
  cancel.abort(new Error("CANCELLED"));
  await clock.advance(0);
  return { isOver: () => isOver, work };
}

/** Until the deadline that it is given. */
const never = ({ signal }: StopOptions): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });

describe("a cancelled attempt", () => {
  it.each([
    ["says how long its stops may take", MARGIN_MS, MARGIN_MS],
    ["does not say", undefined, 60_000],
  ])("whose place %s waits for the stop so long, with its heartbeat, and then ends as cancelled", async (_what, given, marginMs) => {
    const { isOver, work } = await cancelled(never, given);
    const before = beats;
    await clock.advance(GRACE_MS + marginMs + LAST_CALLS_MS - 1);
    expect(isOver()).toBe(false);
    expect(beats - before).toBeGreaterThan((GRACE_MS + marginMs) / 30_000);
    await clock.advance(1);
    await expect(work).rejects.toBe(cancel.signal.reason);
  });

  it("asks for a stop again that could not be asked for", async () => {
    let asked = 0;
    const { work } = await cancelled(() => {
      asked++;
      if (asked < 4) return Promise.reject(new ManagerError("BackendUnavailable", "nobody is there"));
      return Promise.resolve(undefined as never);
    }, MARGIN_MS);
    await clock.advance(60_000);
    await expect(work).rejects.toBe(cancel.signal.reason);
    expect(asked).toBe(4);
  });
});
