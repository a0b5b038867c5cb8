/** `captureConsole`: what this process prints, on a task's console too, for whoever has a logger and no trainer's option. */
import { ConsoleCapture, type CapturedLevel, type ConsoleCaptureOptions } from "./console-capture.js";

/** Whoever keeps console lines: a task's logger, or a `TrainerSDK`. */
export type ConsoleTarget =
  | { reportText(message: string, options: { readonly level: CapturedLevel }): unknown }
  | { log(level: CapturedLevel, message: string): unknown };

/** A capture that is under way. */
export interface CapturedConsole extends Disposable {
  /** Hands over what has come together, without waiting for more. */
  flush(): void;
  /** Ends the capture, after handing over the rest. The streams are as they were before. */
  restore(): void;
}

/**
 * From now on, what this process prints to its standard output and error is also reported to the target, line by line and a
 * few lines a time: a progress bar is one line, lines beyond a limit are counted. What the process prints stays as it was.
 * Nothing is captured while the target is called, so a target that prints does not hear itself.
 */
export function captureConsole(target: ConsoleTarget, options: ConsoleCaptureOptions = {}): CapturedConsole {
  const capture = new ConsoleCapture(options);
  capture.start((text, level) => ("reportText" in target ? target.reportText(text, { level }) : target.log(level, text)));
  const restore = (): void => {
    capture.restore();
  };
  return {
    flush: () => {
      capture.flush();
    },
    restore,
    [Symbol.dispose]: restore,
  };
}
