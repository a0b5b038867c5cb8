/**
 * How much goes where. Of Temporal: a payload of 2 MiB is refused for ever, a failure that is kept between attempts is cut at
 * 4 KiB. Of Linux: one variable or argument of a program has 128 KiB (MAX_ARG_STRLEN), all of them together a few MiB; of
 * Kubernetes' store: an object has 1.5 MiB. What does not fit is told before anything is started by it.
 */
import { TRAINING_FAILURES } from "./failure-types.js";
import { ManagerError, type TrainingSpec } from "./training-manager.js";

/** With its name, `=` and the terminating zero. */
const MAX_STRING_BYTES = 131_072;
const MAX_TOGETHER_BYTES = 1_048_576;
/** Of a failure's message. Its details take 2 KiB of the 4. */
const MAX_MESSAGE_BYTES = 1_024;
/** Of an activity's result, which stays in the history. */
export const MAX_METRICS_BYTES = 262_144;

/** @throws ManagerError `InvalidSpec` for what no program can be started with. */
export function assertFits({ command, env }: TrainingSpec): void {
  const strings = [...command, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const sizes = strings.map((text) => Buffer.byteLength(text) + 1);
  const tooLong = sizes.findIndex((size) => size > MAX_STRING_BYTES);
  if (tooLong !== -1) {
    const [name = ""] = strings[tooLong]?.split("=") ?? [];
    const what =
      tooLong < command.length ? `argument ${String(tooLong)} of the command` : name === "CONFIG" ? "config, as JSON," : `env.${name}`;
    throw tooLarge(`${what} has ${kibibytes(sizes[tooLong] ?? 0)}; a program takes 128 KiB`);
  }
  const together = sizes.reduce((sum, size) => sum + size, 0);
  if (together > MAX_TOGETHER_BYTES)
    throw tooLarge(`command, config and env have ${kibibytes(together)} together; a program takes 1024 KiB`);
}

/** As much of a message as a failure may carry, in whole characters. */
export function failureMessage(message: string): string {
  const { read } = new TextEncoder().encodeInto(message, new Uint8Array(MAX_MESSAGE_BYTES));
  return message.slice(0, read);
}

function tooLarge(what: string): ManagerError {
  const advice = "put it into a file or into object storage and pass its address";
  return new ManagerError(TRAINING_FAILURES.invalidSpec, `the input does not fit: ${what}: ${advice}`);
}

function kibibytes(bytes: number): string {
  return `${String(Math.ceil(bytes / 1024))} KiB`;
}
