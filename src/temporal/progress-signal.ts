/** Progress for the workflow's query, by signal: each costs some four events of the history, so only news, seldom, and not for ever. */
import { describeError } from "../base/errors.js";
import type { ActivityEdge } from "./activity-edge.js";
import type { TrainingProgress } from "./contract.js";
import type { Settings } from "./settings.js";

/** Of one attempt. */
const MAX_SIGNALS = 200;
const MIN_INTERVAL_MS = 10_000;

export class ProgressSignal {
  readonly #name: string | undefined;
  readonly #edge: ActivityEdge;
  readonly #settings: Settings;
  #sent = 0;
  #last: TrainingProgress | undefined;
  #underWay: Promise<void> | undefined;

  constructor(name: string | undefined, edge: ActivityEdge, settings: Settings) {
    this.#name = name;
    this.#edge = edge;
    this.#settings = settings;
  }

  /** Sends it when it is worth it. Never fails: nothing depends on it. */
  offer(progress: TrainingProgress): void {
    if (this.#name === undefined || this.#underWay !== undefined || this.#sent >= MAX_SIGNALS || !this.#isNews(progress)) return;
    this.#last = progress;
    this.#sent++;
    this.#underWay = this.#edge
      .signalWorkflow(this.#name, progress)
      .catch((error: unknown) => {
        this.#settings.logger.debug(`the workflow could not be told of progress: ${describeError(error)}`);
      })
      .finally(() => {
        this.#underWay = undefined;
      });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  #isNews({ phase, iteration, percent, atMs }: TrainingProgress): boolean {
    const last = this.#last;
    if (last === undefined || last.phase !== phase) return true;
    const interval = Math.max(MIN_INTERVAL_MS, this.#settings.pollIntervalMs);
    return (last.iteration !== iteration || last.percent !== percent) && (atMs - last.atMs >= interval || percent === 100);
  }
}
