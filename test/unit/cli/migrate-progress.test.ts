import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MigrateProgress } from "../../../src/cli/migrate-progress.js";

let said: string[];
const stop = new AbortController();
const terminal = (interactive: boolean) => ({
  out: () => undefined,
  error: (text: string) => void said.push(text),
  stop: stop.signal,
  interactive,
  columns: 200,
});

beforeEach(() => {
  said = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe("the progress of a migration", () => {
  it("draws a bar over and over with runs, points, their rate and the time that is left, and takes it away", () => {
    const progress = new MigrateProgress(terminal(true), "run");
    progress.update({ runsDone: 0, runsTotal: 100, points: 0, files: 0 });
    vi.advanceTimersByTime(100);
    expect(said.at(-1)).toMatch(/^░{24} run 0\/100 runs · 0 points \(0\/s\) · 0 files$/);
    progress.update({ runsDone: 25, runsTotal: 100, points: 50_000, files: 3 });
    vi.advanceTimersByTime(9900);
    expect(said.at(-1)).toMatch(/^█{6}░{18} run 25\/100 runs · 50000 points \(5000\/s\) · 3 files · about 30 s left$/);
    expect(said.at(-2)).toBe("\r\u001b[2K");
    progress.end();
    const drawn = said.length;
    expect(said.at(-1)).toBe("\r\u001b[2K");
    vi.advanceTimersByTime(60_000);
    progress.end();
    expect(said).toHaveLength(drawn);
  });

  it("says a line now and then where the output goes to a file", () => {
    const progress = new MigrateProgress(terminal(false), "verify");
    progress.update({ runsDone: 1, runsTotal: 1000, points: 10, files: 0 });
    vi.advanceTimersByTime(30_000);
    progress.end();
    expect(said).toHaveLength(3);
    expect(said.at(-1)).toBe("verify 1/1000 runs · 10 points (0/s) · 0 files · about 8.3 h left\n");
  });

  it("takes the bar away for a line that is to stay, and draws it again below", () => {
    const progress = new MigrateProgress(terminal(true), "run");
    progress.update({ runsDone: 0, runsTotal: 100, points: 0, files: 0 });
    vi.advanceTimersByTime(100);
    progress.say("the server is away");
    expect(said.slice(-2)).toEqual(["\r\u001b[2K", "the server is away\n"]);
    vi.advanceTimersByTime(100);
    expect(said.at(-1)).toMatch(/^░{24} run/);
    progress.end();
  });
});
