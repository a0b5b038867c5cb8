/**
 * Asks the existing backend every few seconds whether the user has ended the job: its answers to reports never say so. No
 * trouble of its own reaches anybody; it asks more seldom then, and never keeps the process up.
 */
import type { Clock } from "../../../base/clock.js";
import type { Random } from "../../../base/ids.js";
import type { Logger } from "../../../base/logger.js";
import type { JobPage } from "./job-page.js";

export interface JobWatchOptions {
  readonly page: JobPage;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pollIntervalMs: number;
  /** A status was seen. */
  readonly onStatus: (status: string, clearmlTaskId: string | undefined) => void;
}

/** An answer that takes longer is not worth waiting for: the next question comes anyway. */
const REQUEST_TIMEOUT_MS = 10_000;
/** The longest pause after failures. */
const MAX_INTERVAL_MS = 60_000;

export class JobWatch {
  readonly #options: JobWatchOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: JobWatchOptions) {
    this.#options = options;
  }

  /** Begins; does nothing when it has begun. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { page, clock, random, logger, pollIntervalMs, onStatus } = this.#options;
    const { signal } = this.#stopping;
    const isStopped = (): boolean => signal.aborted;
    let failures = 0;
    while (!isStopped()) {
      const intervalMs = Math.max(pollIntervalMs, Math.min(MAX_INTERVAL_MS, pollIntervalMs * 2 ** failures));
      // Jitter: a hundred trainers of one platform must not ask in step.
      await clock.sleep(intervalMs * (0.75 + random() / 2), { signal }).catch(() => undefined);
      if (isStopped()) return;
      const view = await page.job({ signal, timeoutMs: REQUEST_TIMEOUT_MS });
      if (isStopped()) return;
      if (view.status === "seen") {
        failures = 0;
        onStatus(view.job.status, view.job.clearml_task_id ?? undefined);
        continue;
      }
      if (failures === 0) logger.warn(`the backend cannot be asked whether the job is to stop: ${view.reason}`);
      failures++;
    }
  }
}
