/**
 * How long a migration will take, about. What can be measured without writing is: reading MLflow was done by the plan itself, a few
 * files are fetched, ClearML is asked the same small thing some times. What cannot be is assumed, and said.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlannedModels } from "./plan-models.js";
import { DEFAULT_CONCURRENCY, type MigrationOptions } from "./migration-options.js";

/** A file of a run. */
export interface FileSample {
  readonly runId: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** Seconds, and where they come from. */
export interface TimeEstimate {
  /** Of `run`. */
  readonly runSeconds: number;
  /** Of `verify`. */
  readonly verifySeconds: number;
  readonly measured: {
    /** What it took to read all runs and points from MLflow, with as many at a time as were asked for. */
    readonly readSeconds: number;
    /** Median of a few small requests to ClearML; undefined when it did not answer. */
    readonly roundTripMs: number | undefined;
    /** Of the files that were fetched from MLflow; undefined when there was none, or none could be fetched. */
    readonly fileBytesPerSecond: number | undefined;
  };
  /** What was not measured, in words. */
  readonly assumed: readonly string[];
}

/** What a plan counted. */
export interface PlannedWork {
  readonly runs: number;
  readonly points: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly models: PlannedModels;
  readonly readSeconds: number;
  readonly samples: readonly FileSample[];
}

const MAX_SAMPLES = 5;
const MAX_SAMPLE_BYTES = 16 * 1024 ** 2;
const ROUND_TRIPS = 5;
const ROUND_TRIP_LIMIT_MS = 5000;
/** Requests of `run` to ClearML: of a new run, of each of its files, of a model. A test counts them at the embedded server. */
export const REQUESTS_A_RUN = 10;
export const REQUESTS_A_FILE = 3;
export const REQUESTS_A_MODEL = 18;
const ASSUMED_ROUND_TRIP_MS = 20;
const ASSUMED_BYTES_PER_SECOND = 10 * 1024 ** 2;
const ASSUMED_POINTS_PER_SECOND = 20_000;

/** Keeps the largest of the files that are small enough to be fetched for nothing. */
export function keepSample(samples: FileSample[], file: FileSample): void {
  if (file.sizeBytes === 0 || file.sizeBytes > MAX_SAMPLE_BYTES) return;
  samples.push(file);
  if (samples.length <= MAX_SAMPLES) return;
  samples.sort((one, other) => other.sizeBytes - one.sizeBytes);
  samples.length = MAX_SAMPLES;
}

/** Asks both servers a little and works the rest out. A server that does not answer is told among what was assumed. @throws the signal's reason. */
export async function estimateTime(options: MigrationOptions, work: PlannedWork, signal: AbortSignal): Promise<TimeEstimate> {
  const { artifacts, concurrency = DEFAULT_CONCURRENCY } = options;
  const { readSeconds, points, models } = work;
  const assumed = [`ClearML takes ${String(ASSUMED_POINTS_PER_SECOND)} points a second, and gives them out as fast`];
  const roundTripMs = await roundTripOf(options, signal);
  if (roundTripMs === undefined) assumed.push(`ClearML answers a request in ${String(ASSUMED_ROUND_TRIP_MS)} ms (it did not answer now)`);
  const isCopied = artifacts !== "link";
  const bytes = isCopied ? work.fileBytes + models.fileBytes : 0;
  const fileBytesPerSecond = isCopied ? await fileRateOf(options, work.samples, signal) : undefined;
  if (bytes > 0)
    assumed.push(
      fileBytesPerSecond === undefined
        ? `files come and go at ${String(ASSUMED_BYTES_PER_SECOND / 1024 ** 2)} MiB/s (none could be fetched to see)`
        : "files go to ClearML as fast as they come from MLflow",
    );
  const requestSeconds = (count: number): number => (count * (roundTripMs ?? ASSUMED_ROUND_TRIP_MS)) / 1000 / concurrency;
  const modelCount = models.logged + models.versions + models.registered;
  const requests = work.runs * REQUESTS_A_RUN + work.files * REQUESTS_A_FILE;
  const pointSeconds = points / ASSUMED_POINTS_PER_SECOND;
  // Down and up.
  const byteSeconds = (2 * bytes) / (fileBytesPerSecond ?? ASSUMED_BYTES_PER_SECOND);
  // Models come one after the other.
  const modelSeconds = requestSeconds(modelCount * REQUESTS_A_MODEL) * concurrency;
  return {
    runSeconds: readSeconds + requestSeconds(requests) + modelSeconds + pointSeconds + byteSeconds,
    verifySeconds: readSeconds + requestSeconds(requests / 2) + modelSeconds / 2 + pointSeconds + byteSeconds,
    measured: { readSeconds, roundTripMs, fileBytesPerSecond },
    assumed,
  };
}

async function roundTripOf({ clearml }: MigrationOptions, signal: AbortSignal): Promise<number | undefined> {
  const times: number[] = [];
  try {
    for (let count = 0; count < ROUND_TRIPS; count++) {
      const startMs = performance.now();
      await clearml.projects.getPage(
        { page: 0, page_size: 1, only_fields: ["id"] },
        { signal, retry: false, timeoutMs: ROUND_TRIP_LIMIT_MS },
      );
      times.push(performance.now() - startMs);
    }
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
  return times.sort((one, other) => one - other)[Math.floor(ROUND_TRIPS / 2)];
}

async function fileRateOf({ mlflow }: MigrationOptions, samples: readonly FileSample[], signal: AbortSignal): Promise<number | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-plan-"));
  let bytes = 0;
  const startMs = performance.now();
  try {
    for (const { runId, path, sizeBytes } of samples)
      bytes += (await mlflow.download(runId, path, join(folder, "sample"), { signal, sizeBytes })).sizeBytes;
  } catch {
    // A file that is not there is for `run` to tell; what came before it was timed.
    signal.throwIfAborted();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return bytes === 0 ? undefined : bytes / ((performance.now() - startMs) / 1000);
}
