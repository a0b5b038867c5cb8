import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { stopOnSignals, type SignalSource, type StopOnSignalsOptions } from "../../../src/trainer/stop-on-signals.js";
import { FakeClock, settle } from "../../support/fake-clock.js";

/** A process that notes what is done to it, and a run that notes what it is told, each with its time. */
function aRun(options: StopOnSignalsOptions = {}) {
  const clock = new FakeClock();
  const listeners = new Map<string, (signal: NodeJS.Signals) => void>();
  const log: string[] = [];
  const note = (text: string): void => void log.push(`${String(clock.monotonic())} ${text}`);
  const ended = Promise.withResolvers<void>();
  const gates = { end: Promise.withResolvers<void>(), close: Promise.withResolvers<void>() };
  const source: SignalSource = {
    on: (signal, listener) => listeners.set(signal, listener),
    off: (signal) => listeners.delete(signal),
    exit: (code) => note(`exit ${String(code)}`),
  };
  const remove = stopOnSignals(
    {
      clock,
      logger: silentLogger,
      requestStop: (reason, endsAt) => note(`stop (${reason}) until ${String(endsAt)}`),
      whenEnded: ended.promise,
      reportEnd: (reason) => {
        note(`end ${reason}`);
        return gates.end.promise;
      },
      close: (ms) => {
        note(`close within ${String(ms)}`);
        return gates.close.promise;
      },
    },
    options,
    source,
  );
  return { clock, listeners, log, ended, gates, remove, send: (signal: NodeJS.Signals) => listeners.get(signal)?.(signal) };
}

describe("stopOnSignals", () => {
  it("asks to stop at once, gives the loop its grace, tells the end, closes in the time that is left", async () => {
    const run = aRun({ deadlineMs: 20_000 });
    run.gates.end.resolve();
    run.gates.close.resolve();
    run.send("SIGTERM");
    await run.clock.advance(30_000);
    expect(run.log).toEqual(["0 stop (the process was sent SIGTERM) until 20000", "5000 end SIGTERM", "5000 close within 15000"]);
    expect(run.listeners.size).toBe(0);
    expect(run.clock.sleeping).toBe(0);
  });

  it("does not wait out the grace of a loop that has told its end", async () => {
    const run = aRun({ deadlineMs: 20_000, graceMs: 10_000 });
    run.send("SIGINT");
    await run.clock.advance(700);
    run.ended.resolve();
    await settle();
    expect(run.log.at(-1)).toBe("700 end SIGINT");
  });

  it("closes in time although the end cannot be written", async () => {
    const run = aRun({ deadlineMs: 8_000 });
    run.send("SIGTERM");
    await run.clock.advance(60_000);
    expect(run.log.slice(1)).toEqual(["2000 end SIGTERM", "4000 close within 4000"]);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("ends the process of %s with %i when told to, after the close", async (signal, code) => {
    const run = aRun({ exit: true, graceMs: 0 });
    run.gates.end.resolve();
    run.send(signal);
    await run.clock.advance(100);
    expect(run.log.join()).not.toContain("exit");
    run.gates.close.resolve();
    await settle();
    expect(run.log.at(-1)).toBe(`100 exit ${String(code)}`);
  });

  it("counts the first signal alone", async () => {
    const run = aRun();
    run.send("SIGINT");
    run.send("SIGINT");
    run.send("SIGTERM");
    await run.clock.advance(60_000);
    expect(run.log.filter((line) => line.includes(" stop "))).toHaveLength(1);
    expect(run.log.filter((line) => line.includes(" end "))).toHaveLength(1);
  });

  it("listens to what it was given, until it is told not to", () => {
    const run = aRun({ signals: ["SIGUSR2"] });
    expect([...run.listeners.keys()]).toEqual(["SIGUSR2"]);
    run.remove();
    expect(run.listeners.size).toBe(0);
  });

  it.each([{ deadlineMs: -1 }, { deadlineMs: Number.NaN }, { deadlineMs: 1_000, graceMs: 1_001 }])("refuses %j", (options) => {
    expect(() => aRun(options)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }) as Error);
  });
});
