/** How a migration goes: a bar that is drawn over on a terminal, a line now and then where the output goes to a file. On stderr. */
import type { MigrationProgress } from "../migrate/migration-options.js";
import type { Terminal } from "./terminal.js";

const REDRAW_MS = 100;
const LINE_INTERVAL_MS = 10_000;
const BAR_WIDTH = 24;

export class MigrateProgress {
  readonly #terminal: Terminal;
  readonly #step: string;
  readonly #startMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #now: MigrationProgress | undefined;
  #isDrawn = false;

  constructor(terminal: Terminal, step: string) {
    this.#terminal = terminal;
    this.#step = step;
    this.#timer = setInterval(
      () => {
        this.#draw();
      },
      terminal.interactive === true ? REDRAW_MS : LINE_INTERVAL_MS,
    );
    this.#timer.unref();
  }

  update(now: MigrationProgress): void {
    this.#now = now;
  }

  /** A line of its own, above the bar. */
  say(text: string): void {
    this.#clear();
    this.#terminal.error(`${text}\n`);
  }

  /** Takes the bar away. Safe to call twice. */
  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    if (!this.#now) return;
    if (this.#terminal.interactive !== true) {
      this.#terminal.error(`${this.#state(this.#now)}\n`);
      return;
    }
    this.#clear();
    const { runsDone, runsTotal } = this.#now;
    const filled = runsTotal === 0 ? 0 : Math.round((runsDone / runsTotal) * BAR_WIDTH);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} `;
    this.#terminal.error((bar + this.#state(this.#now)).slice(0, Math.max(20, (this.#terminal.columns ?? 80) - 1)));
    this.#isDrawn = true;
  }

  #clear(): void {
    // Erases the line; what comes next is written in its place.
    if (this.#isDrawn) this.#terminal.error("\r\u001b[2K");
    this.#isDrawn = false;
  }

  #state({ runsDone, runsTotal, points, files }: MigrationProgress): string {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const rate = `${String(Math.round(points / Math.max(seconds, 1)))}/s`;
    const left = runsDone === 0 ? "" : ` · about ${duration((seconds / runsDone) * (runsTotal - runsDone))} left`;
    const stopping = this.#terminal.stop.aborted ? " · stopping" : "";
    return `${this.#step} ${String(runsDone)}/${String(runsTotal)} runs · ${String(points)} points (${rate}) · ${String(files)} files${left}${stopping}`;
  }
}

/** A time in words, rounded up. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${String(Math.ceil(seconds))} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${String(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}
