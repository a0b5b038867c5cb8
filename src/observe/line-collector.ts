/**
 * What a program prints, as the lines that would stand on a terminal: of a line that was overwritten again and again (a
 * progress bar) the last state stays. Holds a bounded amount; what is over that is counted. Pure.
 */

/** What has come together. */
export interface CollectedText {
  /** Lines, joined by line ends; empty when there is none. */
  readonly text: string;
  /** Lines that were over the limit and are not in it. */
  readonly droppedLines: number;
}

export interface LineCollectorOptions {
  /** Most characters held between two {@link LineCollector.take}. */
  readonly maxCharacters: number;
}

/** To the line's start: a carriage return, or what Node's own `readline.cursorTo` writes for it. */
// eslint-disable-next-line no-control-regex -- these are the characters in question
const TO_LINE_START = /\u001b\[[01]?G/g;
/** Erasing, and hiding the cursor: nothing of it is text. */
// eslint-disable-next-line no-control-regex -- these are the characters in question
const NO_TEXT = /\u001b\[[0-3]?[KJ]|\u001b\[\?\d+[hl]/g;

export class LineCollector {
  readonly #maxCharacters: number;
  #lines: string[] = [];
  #characters = 0;
  #droppedLines = 0;
  /** The line that has no end yet: all of it, or its last state once it was overwritten. */
  #unfinished = "";
  /** The unfinished line has been overwritten: it is a progress bar, and each state of it means something by itself. */
  #isOverwritten = false;
  #shownState = "";

  constructor(options: LineCollectorOptions) {
    this.#maxCharacters = options.maxCharacters;
  }

  /** Something was printed. */
  push(printed: string): void {
    const parts = printed.replace(TO_LINE_START, "\r").replace(NO_TEXT, "").split("\n");
    parts.forEach((part, at) => {
      this.#continue(part);
      if (at < parts.length - 1) this.#endLine();
    });
  }

  /** True when {@link LineCollector.take} would have something. */
  get hasLines(): boolean {
    return this.#lines.length > 0 || this.#droppedLines > 0;
  }

  /** True when a progress bar stands there in a state that nobody has seen. */
  get hasNewState(): boolean {
    return this.#isOverwritten && lastState(this.#unfinished) !== this.#shownState;
  }

  /** The lines that have ended; with `state`, the state of a progress bar too. */
  take(options: { readonly state?: boolean } = {}): CollectedText {
    if (options.state === true && this.hasNewState) {
      this.#shownState = lastState(this.#unfinished);
      this.#keep(this.#shownState);
    }
    const collected = { text: this.#lines.join("\n"), droppedLines: this.#droppedLines };
    this.#lines = [];
    this.#characters = 0;
    this.#droppedLines = 0;
    return collected;
  }

  /** Everything, the line without an end included: nothing more will come. */
  end(): CollectedText {
    if (this.#unfinished !== "") this.#endLine();
    return this.take();
  }

  #continue(part: string): void {
    if (part === "") return;
    const overwritten = part.lastIndexOf("\r", part.length - 2);
    if (part.includes("\r")) this.#isOverwritten = true;
    // What is left of a carriage return is gone, unless nothing has come after it yet.
    this.#unfinished = overwritten < 0 && !this.#unfinished.endsWith("\r") ? this.#unfinished + part : part.slice(overwritten + 1);
    // A program that never ends its line must not fill the memory.
    if (this.#unfinished.length > this.#maxCharacters) this.#endLine();
  }

  #endLine(): void {
    const line = lastState(this.#unfinished);
    const isShown = this.#isOverwritten && line === this.#shownState && line !== "";
    this.#unfinished = "";
    this.#isOverwritten = false;
    this.#shownState = "";
    if (!isShown) this.#keep(line);
  }

  #keep(line: string): void {
    if (this.#characters + line.length > this.#maxCharacters && this.#lines.length > 0) this.#droppedLines++;
    else {
      const kept = line.slice(0, this.#maxCharacters);
      this.#lines.push(kept);
      this.#characters += kept.length + 1;
    }
  }
}

function lastState(line: string): string {
  return line.includes("\r") ? (line.split("\r").findLast((state) => state !== "") ?? "") : line;
}
