import { describe, expect, it } from "vitest";
import { RequestPace } from "../../../src/mlflow/request-pace.js";
import { FakeClock } from "../../support/fake-clock.js";

const signal = new AbortController().signal;

describe("the pace of requests to MLflow", () => {
  it("spaces them evenly, whoever asks, and gives no burst for the time in which nobody asked", async () => {
    const clock = new FakeClock();
    const pace = new RequestPace(clock, 4);
    const startedAt = clock.monotonic();
    const turns: number[] = [];
    const ask = async (): Promise<void> => {
      await pace.turn(signal);
      turns.push(clock.monotonic() - startedAt);
    };
    const first = Promise.all([ask(), ask(), ask()]);
    await clock.advance(1000);
    await first;
    expect(turns).toEqual([0, 250, 500]);
    await clock.advance(59_000);
    const second = Promise.all([ask(), ask()]);
    await clock.advance(250);
    await second;
    expect(turns.slice(3)).toEqual([60_000, 60_250]);
  });

  it("holds nobody back without a limit", async () => {
    const clock = new FakeClock();
    const pace = new RequestPace(clock, undefined);
    for (let at = 0; at < 100; at++) await pace.turn(signal);
    expect(clock.sleeping).toBe(0);
  });

  it("lets go of one who gives up waiting", async () => {
    const clock = new FakeClock();
    const pace = new RequestPace(clock, 1);
    const stop = new AbortController();
    await pace.turn(signal);
    const waiting = pace.turn(stop.signal);
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
  });
});
