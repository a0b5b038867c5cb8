/** The demo's command line. */
import { parseArgs } from "node:util";

/** What the 60,000 images of the training file leave beside those for validation. */
const MAX_TRAIN_IMAGES = 55_000;

export interface DemoOptions {
  /** End with one line of JSON on stdout. */
  readonly json: boolean;
  /** Leave the server up until Ctrl-C. */
  readonly keep: boolean;
  readonly epochs: number | undefined;
  readonly trainImages: number | undefined;
  /** Print {@link USAGE} and do nothing. */
  readonly help: boolean;
}

export const USAGE = `Trains a network on the MNIST digits and reports it to a local ClearML-compatible server, then reads
everything back and checks it.

Usage: npm run demo -- [options]

  --json            print one line of JSON on stdout at the end: what the servers hold
  --keep            leave the server and its dashboard up afterwards, until Ctrl-C
  --epochs N        passes over the training images
  --train-images N  images to learn from, at most ${String(MAX_TRAIN_IMAGES)}
  --help            this text

Exit code: 0 when everything was found as reported, 1 when not, 2 for a wrong option.
`;

/** Reads the options. @throws UsageError for an unknown option or a bad value. */
export function readDemoOptions(args: readonly string[]): DemoOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        epochs: { type: "string" },
        "train-images": { type: "string" },
      },
    });
    const { json, keep, help } = values;
    return {
      json,
      keep,
      help,
      epochs: count("--epochs", values.epochs, 10_000),
      trainImages: count("--train-images", values["train-images"], MAX_TRAIN_IMAGES),
    };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The caller asked for something that does not exist. */
export class UsageError extends Error {}

function count(option: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text) || Number(text) > max) {
    throw new UsageError(`${option} takes a whole number from 1 to ${String(max)}, not ${JSON.stringify(text)}`);
  }
  return Number(text);
}
