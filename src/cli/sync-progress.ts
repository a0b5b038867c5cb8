/**
 * How a sync goes, for whoever watches: a bar that is drawn over on a terminal, lines where the output goes to a file.
 * All of it on stderr, so that stdout carries results alone.
 */
import type { OutboxStats } from "../outbox/receipts.js";
import type { SyncResult } from "./sync-result.js";
import type { Terminal } from "./terminal.js";

const REDRAW_MS = 100;
const LINE_INTERVAL_MS = 5_000;
const BAR_WIDTH = 24;

interface UnderWay {
  readonly stats: () => OutboxStats;
  readonly total: number;
}

export class SyncProgress {
  readonly #terminal: Terminal;
  readonly #isJson: boolean;
  readonly #underWay = new Map<string, UnderWay>();
  #timer: NodeJS.Timeout | undefined;
  #journals = 0;
  #finished = 0;
  #settledTotal = 0;
  #isDrawn = false;

  constructor(terminal: Terminal, isJson: boolean) {
    this.#terminal = terminal;
    this.#isJson = isJson;
  }

  /** So many journals are to be delivered. */
  begin(journals: number): void {
    this.#journals = journals;
    if (journals === 0) return;
    const isBar = this.#terminal.interactive === true;
    this.#timer = setInterval(
      () => {
        if (isBar) this.#draw();
        else if (this.#underWay.size > 0) this.#terminal.error(`${this.#state()}\n`);
      },
      isBar ? REDRAW_MS : LINE_INTERVAL_MS,
    );
  }

  /** One of them is open. */
  started(source: string, stats: () => OutboxStats): void {
    this.#underWay.set(source, { stats, total: owed(stats()) });
  }

  finished({ source }: SyncResult): void {
    this.#finished++;
    this.#settledTotal += this.#underWay.get(source)?.total ?? 0;
    this.#underWay.delete(source);
  }

  /** A result for a person, above the bar. */
  line(text: string): void {
    this.#clear();
    this.#terminal.out(`${text}\n`);
  }

  /** Something on the way, above the bar; for a person, and not among the results. */
  note(text: string): void {
    this.#clear();
    this.#terminal.error(`${text}\n`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    this.#clear();
    const columns = this.#terminal.columns ?? 80;
    this.#terminal.error(this.#state().slice(0, Math.max(20, columns - 1)));
    this.#isDrawn = true;
  }

  #clear(): void {
    // Erases the line; what comes next is written in its place.
    if (this.#isDrawn) this.#terminal.error("\r\u001b[2K");
    this.#isDrawn = false;
  }

  #state(): string {
    let [total, left] = [this.#settledTotal, 0];
    const waits: string[] = [];
    for (const { stats, total: own } of this.#underWay.values()) {
      const now = stats();
      total += own;
      left += Math.min(own, owed(now));
      for (const [name, { state, lastError }] of Object.entries(now.sinks))
        if (state === "waiting" && lastError !== undefined) waits.push(`${name} waits: ${lastError}`);
    }
    const part = total === 0 ? 0 : (total - left) / total;
    const filled = Math.round(part * BAR_WIDTH);
    const bar = this.#terminal.interactive === true && !this.#isJson ? `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ` : "";
    const journals = `${String(this.#finished)}/${String(this.#journals)} journals`;
    return [`${bar}${String(total - left)}/${String(total)} deliveries`, journals, ...waits.slice(0, 1)].join(" · ");
  }
}

/** What is still to be done, over all sinks and uploads. */
function owed({ sinks, uploads }: OutboxStats): number {
  return uploads.pending + Object.values(sinks).reduce((sum, { pending }) => sum + pending, 0);
}
