/** How long a manager bears a place that does not answer, and what it does not bear. */
import { describe, expect, it } from "vitest";
import { OutageError, OutagePatience } from "../../../src/temporal/outage-patience.js";
import { ManagerError } from "../../../src/temporal/training-manager.js";
import { FakeClock } from "../../support/fake-clock.js";

const LIMITS = { outageMs: 60_000, pauseMs: 1_000 };
const { signal } = new AbortController();

const away = (): Promise<never> => Promise.reject(new OutageError("nobody is there", undefined));
const refused = (): Promise<never> => Promise.reject(new ManagerError("BackendUnavailable", "the keys are wrong"));

/** What became of a promise, without waiting for it. */
function watched(work: Promise<unknown>): { state: "waits" | "done" | "failed" } {
  const seen: { state: "waits" | "done" | "failed" } = { state: "waits" };
  work.then(
    () => (seen.state = "done"),
    () => (seen.state = "failed"),
  );
  return seen;
}

describe("a patience with outages", () => {
  it("does the work again until the place answers, and gives up once that took too long", async () => {
    const clock = new FakeClock();
    const patience = new OutagePatience(clock, LIMITS);
    let isBack = false;
    const work = patience.borne(() => (isBack ? Promise.resolve("done") : away()), signal);
    const seen = watched(work);
    await clock.advance(59_000);
    expect(seen.state).toBe("waits");
    isBack = true;
    await clock.advance(1_000);
    expect(await work).toBe("done");
    const lost = watched(new OutagePatience(clock, LIMITS).borne(away, signal));
    await clock.advance(59_000);
    expect(lost.state).toBe("waits");
    await clock.advance(1_000);
    expect(lost.state).toBe("failed");
  });

  it("counts from the last answer, and not from the first outage", async () => {
    const clock = new FakeClock();
    const patience = new OutagePatience(clock, LIMITS);
    await clock.advance(50_000);
    expect(await patience.tried(() => Promise.resolve(1), signal)).toEqual({ value: 1 });
    await clock.advance(50_000);
    expect(await patience.tried(away, signal)).toBeUndefined();
    await clock.advance(10_000);
    await expect(patience.tried(away, signal)).rejects.toThrow("nobody is there");
  });

  it("bears a refusal in a loop about a trainer that runs, and shows it at once to whoever begins something", async () => {
    const patience = new OutagePatience(new FakeClock(), LIMITS);
    expect(await patience.tried(refused, signal)).toBeUndefined();
    await expect(patience.borne(refused, signal)).rejects.toThrow("the keys are wrong");
    const wrong = (): Promise<never> => Promise.reject(new ManagerError("InvalidSpec", "no such queue"));
    await expect(patience.tried(wrong, signal)).rejects.toThrow("no such queue");
  });

  it("bears nothing when it is told to, and ends with the signal's own reason", async () => {
    const clock = new FakeClock();
    await expect(new OutagePatience(clock, { ...LIMITS, outageMs: 0 }).borne(away, signal)).rejects.toThrow("nobody is there");
    const leaving = new AbortController();
    const work = new OutagePatience(clock, LIMITS).borne(away, leaving.signal);
    const reason = new Error("the worker shuts down");
    leaving.abort(reason);
    await expect(work).rejects.toBe(reason);
    expect(clock.sleeping).toBe(0);
  });
});
