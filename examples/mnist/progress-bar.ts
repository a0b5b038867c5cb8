/** The training as a person sees it: a bar on a terminal, plain lines elsewhere. */
import { SingleBar } from "cli-progress";
import type { WriteStream } from "node:tty";
import type { StepMessage } from "./child-processes.ts";

export interface TrainingBar {
  /** A step was taken. */
  readonly step: (message: StepMessage) => void;
  /** The trainer printed a line. */
  readonly line: (line: string) => void;
  /** Leaves the bar as it is and the cursor on a new line. */
  readonly stop: () => void;
}

/** Draws on `stream`. The bar appears with the first step. */
export function trainingBar(stream: WriteStream): TrainingBar {
  if (!stream.isTTY) {
    return {
      step: () => undefined,
      line: (line) => stream.write(`${line}\n`),
      stop: () => undefined,
    };
  }
  const bar = new SingleBar({
    stream,
    format: "{bar} {percentage} % | step {value} of {total} | loss {loss} | {line}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 24,
    hideCursor: true,
    linewrap: false,
    fps: 10,
    // Ctrl-C is handled by the demo, which has more to end than this bar.
    gracefulExit: false,
  });
  let latest = "";
  return {
    step({ step, steps, loss }) {
      const shown = { loss: loss.toFixed(3), line: latest };
      if (bar.isActive) bar.update(step, shown);
      else bar.start(steps, step, shown);
    },
    line(line) {
      latest = line;
      if (bar.isActive) bar.update({ line });
      else stream.write(`${line}\n`);
    },
    stop() {
      if (bar.isActive) bar.stop();
    },
  };
}
