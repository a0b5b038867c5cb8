/** The trainer's console capture: from the start of the run to its end, into the run's own journal. */
import { ConsoleCapture } from "../observe/console-capture.js";
import type { LogFact } from "../records/facts.js";
import type { GivenOptions } from "./options.js";
import type { Run } from "./run.js";

/** The capture that was asked for, not yet begun: the SDK's own words must not be captured from the very first. */
export function consoleCapture({ captureConsole = false, clock }: GivenOptions): ConsoleCapture | undefined {
  if (captureConsole === false) return undefined;
  return new ConsoleCapture({ ...(captureConsole === true ? {} : captureConsole), ...(clock ? { clock } : {}) });
}

/** Texts that are held while the run has said nothing; each is at most what one gathering of a stream holds. */
const MAX_HELD_TEXTS = 16;

/**
 * What is printed becomes facts of the run, until the run takes no more. A silent rank's output stays its own, and so does
 * that of a start which says nothing itself.
 */
export function captureInto(run: Run, capture: ConsoleCapture): void {
  if (run.parts.outbox === undefined) return;
  const held: LogFact[] = [];
  const sayHeld = (): void => {
    for (const fact of held.splice(0)) run.append(fact, { shed: "console" });
  };
  capture.start((message, level, source) => {
    held.push({ kind: "log", level, message, source });
    if (held.length > MAX_HELD_TEXTS) held.shift();
    if (run.hasSpoken) sayHeld();
  });
  run.beforeShut((isEnd) => {
    capture.restore();
    if (isEnd) sayHeld();
  });
}
