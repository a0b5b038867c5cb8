/**
 * Hands what this process prints to a task's console as well. The process's own output comes first and stays exactly what
 * it was; whatever goes wrong in here, the program goes on printing. Output of child processes that inherit the terminal
 * does not pass through here.
 */
import { StringDecoder } from "node:string_decoder";
import { systemClock, type Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import { LineCollector } from "./line-collector.js";

/** Level of captured lines. */
export type CapturedLevel = "debug" | "info" | "warning" | "error" | "critical";
/** Where a line was printed. */
export type CapturedStream = "stdout" | "stderr";

/** Takes lines that were printed, several in one text. What it throws is lost with its lines. */
export type ReportPrinted = (text: string, level: CapturedLevel, stream: CapturedStream) => unknown;

export interface ConsoleCaptureOptions {
  /** Level of what is printed to the standard output; false: not captured. Default `info`. */
  readonly stdout?: CapturedLevel | false;
  /** Level of what is printed to the standard error; false: not captured. Default `error`, as ClearML's own client has it. */
  readonly stderr?: CapturedLevel | false;
  /** How long lines are gathered before they are handed over as one text. Default 1000 ms. */
  readonly gatherMs?: number;
  /** How often the state of a progress bar is handed over while it runs. Default 10,000 ms. */
  readonly progressMs?: number;
  /** Most characters of a stream that are handed over at once; lines beyond are counted, and the count is said. Default 65,536. */
  readonly maxCharacters?: number;
  readonly clock?: Clock;
  /** The streams. Default: those of the process. */
  readonly streams?: Readonly<Record<CapturedStream, PrintStream>>;
}

/** What is asked of a stream: that whoever prints calls its `write`. */
export interface PrintStream {
  write: (...values: never[]) => boolean;
}

const DEFAULT_GATHER_MS = 1_000;
const DEFAULT_PROGRESS_MS = 10_000;
const DEFAULT_MAX_CHARACTERS = 65_536;

/** One capture of both streams, from `start` to `restore`. */
export class ConsoleCapture {
  readonly #options: ConsoleCaptureOptions;
  readonly #clock: Clock;
  readonly #streams: StreamCapture[] = [];
  readonly #stopping = new AbortController();
  #report: ReportPrinted | undefined;
  /** Above 0: what is printed now is about what was printed, and is not captured. */
  #unheard = 0;
  #isWaiting = false;

  constructor(options: ConsoleCaptureOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Captures from now on. Once. */
  start(report: ReportPrinted): void {
    if (this.#report !== undefined) return;
    this.#report = report;
    const { streams = process, maxCharacters = DEFAULT_MAX_CHARACTERS } = this.#options;
    for (const [name, fallback] of [
      ["stdout", "info"],
      ["stderr", "error"],
    ] as const) {
      const level = this.#options[name] ?? fallback;
      if (level === false) continue;
      const heard = (): boolean => this.#unheard === 0 && !this.#stopping.signal.aborted;
      const stream = new StreamCapture(streams[name], name, level, maxCharacters, this.#clock.monotonic(), heard, () => this.#wait());
      this.#streams.push(stream);
    }
  }

  /** Hands over what has come together, progress bars in their present state included. */
  flush(): void {
    this.#handOver((stream) => stream.collector.take({ state: true }));
  }

  /** Ends the capture; what was gathered is handed over first, lines without an end too. The streams are as they were before. */
  restore(): void {
    if (this.#stopping.signal.aborted) return;
    this.#handOver((stream) => stream.collector.end());
    this.#stopping.abort(new Error("the console is no longer captured"));
    for (const stream of this.#streams) stream.restore();
  }

  /** The same logger; what it prints while it is called is not captured, or each line about a line would be the next line. */
  unheard(logger: Logger): Logger {
    const quiet =
      (method: keyof Logger): Logger["info"] =>
      (...values) => {
        this.#unheard++;
        try {
          logger[method](...values);
        } finally {
          this.#unheard--;
        }
      };
    return { debug: quiet("debug"), info: quiet("info"), warn: quiet("warn"), error: quiet("error") };
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const { gatherMs = DEFAULT_GATHER_MS, progressMs = DEFAULT_PROGRESS_MS } = this.#options;
    this.#clock.sleep(gatherMs, { signal: this.#stopping.signal }).then(
      () => {
        this.#isWaiting = false;
        const now = this.#clock.monotonic();
        this.#handOver((stream) => {
          const isDue = stream.collector.hasNewState && now - stream.stateAtMs >= progressMs;
          if (isDue) stream.stateAtMs = now;
          return stream.collector.take({ state: isDue });
        });
        if (this.#streams.some(({ collector }) => collector.hasLines || collector.hasNewState)) this.#wait();
      },
      () => undefined,
    );
  }

  #handOver(take: (stream: StreamCapture) => { readonly text: string; readonly droppedLines: number }): void {
    for (const stream of this.#streams) {
      this.#unheard++;
      try {
        const { text, droppedLines } = take(stream);
        const notice = droppedLines > 0 ? `[trainer-sdk left out ${String(droppedLines)} lines that were printed too fast]` : "";
        const whole = [text, notice].filter((part) => part.trim() !== "").join("\n");
        if (whole !== "") this.#report?.(whole, stream.level, stream.name);
      } catch {
        // Whoever takes the lines has failed, which must not stop the program from printing.
      } finally {
        this.#unheard--;
      }
    }
  }
}

/** One stream whose `write` is ours for a while. */
class StreamCapture {
  readonly name: CapturedStream;
  readonly level: CapturedLevel;
  readonly collector: LineCollector;
  /** When the state of a progress bar was handed over last. */
  stateAtMs: number;
  readonly restore: () => void;

  constructor(
    stream: PrintStream,
    name: CapturedStream,
    level: CapturedLevel,
    maxCharacters: number,
    nowMs: number,
    isHeard: () => boolean,
    onPrinted: () => void,
  ) {
    this.name = name;
    this.level = level;
    this.collector = new LineCollector({ maxCharacters });
    this.stateAtMs = nowMs;
    const decoder = new StringDecoder("utf8");
    const own = Object.getOwnPropertyDescriptor(stream, "write");
    const original = stream.write as unknown as (...values: unknown[]) => boolean;
    const write = (...values: unknown[]): boolean => {
      // First as if nobody listened, whatever it throws or answers.
      const answer = original.apply(stream, values);
      try {
        if (isHeard()) {
          this.collector.push(textOf(values[0], values[1], decoder));
          onPrinted();
        }
      } catch {
        // Lost for the task's console alone.
      }
      return answer;
    };
    stream.write = write;
    this.restore = () => {
      // Somebody who took the stream after us still calls `write`, which only passes on from now on.
      if (stream.write !== write) return;
      if (own) Object.defineProperty(stream, "write", own);
      else delete (stream as Partial<PrintStream>).write;
    };
  }
}

function textOf(chunk: unknown, encoding: unknown, decoder: StringDecoder): string {
  if (chunk instanceof Uint8Array) return decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  if (typeof chunk !== "string") return "";
  const isBinary = encoding === "hex" || encoding === "base64" || encoding === "base64url";
  return isBinary ? decoder.write(Buffer.from(chunk, encoding)) : chunk;
}
