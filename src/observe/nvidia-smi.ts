/**
 * Graphics processors by `nvidia-smi`, which comes with the driver. Where it is not there, that is fine: nobody is told and
 * it is not asked again. A failure that comes later is tried a few times and then said once.
 */
import { execFile } from "node:child_process";
import type { Clock } from "../base/clock.js";
import { describeError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { GpuSample } from "./machine-sample.js";

/** Runs a program and resolves with its output. Rejects when it cannot be run, fails, or takes too long. */
export type RunProgram = (file: string, args: readonly string[], options: { readonly signal: AbortSignal }) => Promise<string>;

export interface NvidiaSmiOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: a child process with a limit of 5 s. */
  readonly runProgram?: RunProgram;
  /** `NVIDIA_VISIBLE_DEVICES` and `CUDA_VISIBLE_DEVICES` say which processors are this job's. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const FIELDS = ["index", "uuid", "utilization.gpu", "memory.used", "memory.total", "temperature.gpu", "power.draw"];
const ARGUMENTS = [`--query-gpu=${FIELDS.join(",")}`, "--format=csv,noheader,nounits"];
/** A start of the program costs a processor some tenths of a second, so it is asked less often than the rest. */
const MIN_INTERVAL_MS = 10_000;
const MAX_FAILURES = 3;
const PROGRAM_TIMEOUT_MS = 5_000;
const BYTES_PER_MIB = 1024 ** 2;

export class NvidiaSmi {
  readonly #options: NvidiaSmiOptions;
  readonly #wanted: ReadonlySet<string> | undefined;
  #failures = 0;
  #hasAnswered = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: NvidiaSmiOptions) {
    this.#options = options;
    const env = options.env ?? process.env;
    this.#wanted = wantedDevices(env["NVIDIA_VISIBLE_DEVICES"]) ?? wantedDevices(env["CUDA_VISIBLE_DEVICES"]);
  }

  /** Undefined when it was not asked, or did not answer. Never rejects. */
  async read(signal: AbortSignal): Promise<readonly GpuSample[] | undefined> {
    const { clock, logger, runProgram = runChild } = this.#options;
    if (this.#failures >= MAX_FAILURES || clock.monotonic() - this.#askedAtMs < MIN_INTERVAL_MS) return undefined;
    this.#askedAtMs = clock.monotonic();
    try {
      const all = parseAnswer(await runProgram("nvidia-smi", ARGUMENTS, { signal }));
      this.#failures = 0;
      this.#hasAnswered = true;
      const wanted = all.filter(({ sample, uuid }) => this.#wanted?.has(String(sample.index)) === true || this.#wanted?.has(uuid) === true);
      // Names that fit none of them say nothing about which are meant.
      return (wanted.length > 0 ? wanted : all).map(({ sample }) => sample);
    } catch (error) {
      if (signal.aborted) return undefined;
      this.#failures = (error as { code?: unknown }).code === "ENOENT" ? MAX_FAILURES : this.#failures + 1;
      if (this.#failures >= MAX_FAILURES && this.#hasAnswered)
        logger.warn(`nvidia-smi does not answer any more; the graphics processors are no longer watched: ${describeError(error)}`);
      return undefined;
    }
  }
}

function wantedDevices(list: string | undefined): ReadonlySet<string> | undefined {
  const names = (list ?? "").split(",").map((name) => name.trim());
  const known = names.filter((name) => name !== "" && name !== "all" && name !== "none" && name !== "void");
  return known.length === 0 ? undefined : new Set(known);
}

function parseAnswer(output: string): { readonly sample: GpuSample; readonly uuid: string }[] {
  return output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [index, uuid = "", utilization, used, total, temperature, power] = line.split(",").map((value) => value.trim());
      const sample: GpuSample = {
        index: Number(index),
        utilizationPercent: number(utilization),
        memoryUsedBytes: number(used, BYTES_PER_MIB),
        memoryTotalBytes: number(total, BYTES_PER_MIB),
        temperature: number(temperature),
        powerWatts: number(power),
      };
      return { sample, uuid };
    })
    .filter(({ sample }) => Number.isInteger(sample.index));
}

/** `[N/A]` and the like are no numbers. */
function number(text: string | undefined, unit = 1): number | undefined {
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value * unit : undefined;
}

function runChild(file: string, args: readonly string[], { signal }: { readonly signal: AbortSignal }): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { signal, timeout: PROGRAM_TIMEOUT_MS, killSignal: "SIGKILL", windowsHide: true },
      (error, stdout) => {
        if (error) reject(error);
        else resolve(stdout);
      },
    );
    // A process that has come to its end does not wait for it.
    child.unref();
    for (const stream of [child.stdout, child.stderr]) (stream as { unref?: () => void } | null)?.unref?.();
  });
}
