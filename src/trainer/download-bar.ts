/** A download on a terminal: one line, drawn over. Nothing where there is no terminal. */
import { inWords } from "../storage/download/evict.js";
import type { DownloadProgress } from "../storage/download/fetch-set.js";

const WIDTH = 24;

/** What is needed of a terminal. */
export interface BarTerminal {
  write(text: string): unknown;
  readonly columns?: number;
}

/** The line of a state. */
export function barLine(progress: DownloadProgress, columns: number): string {
  const { uri, files, finishedFiles, receivedBytes, totalBytes, bytesPerSecond } = progress;
  const part = totalBytes === undefined || totalBytes === 0 ? finishedFiles / Math.max(1, files) : receivedBytes / totalBytes;
  const filled = Math.min(WIDTH, Math.max(0, Math.round(part * WIDTH)));
  const bar = `${"█".repeat(filled)}${"░".repeat(WIDTH - filled)}`;
  const size = totalBytes === undefined ? inWords(receivedBytes) : `${inWords(receivedBytes)} of ${inWords(totalBytes)}`;
  const rate = bytesPerSecond === undefined ? [] : [`${inWords(Math.round(bytesPerSecond))}/s`];
  const count = files === 1 ? [] : [`${String(finishedFiles)}/${String(files)} files`];
  return [`${bar} ${size}`, ...rate, ...count, uri].join(" · ").slice(0, Math.max(20, columns - 1));
}

/** Draws each state over the one before; `end` leaves the last one there. */
export class DownloadBar {
  readonly #terminal: BarTerminal;
  #isDrawn = false;

  constructor(terminal: BarTerminal) {
    this.#terminal = terminal;
  }

  draw(progress: DownloadProgress): void {
    // A terminal that nobody has told its size has 0 columns, as in a container.
    this.#terminal.write(`\r\u001b[2K${barLine(progress, this.#terminal.columns || 80)}`);
    this.#isDrawn = true;
  }

  end(): void {
    if (this.#isDrawn) this.#terminal.write("\n");
    this.#isDrawn = false;
  }
}
