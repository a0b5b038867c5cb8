/** Progress for the workflow's query, by signal: each costs some four events of the history, so only news, ever more seldom. */
import { describeError } from "../base/errors.js";
import type { ActivityEdge } from "./activity-edge.js";
import type { TrainingProgress } from "./contract.js";
import type { Settings } from "./settings.js";

/** Of one attempt, for the worst case. */
const MAX_SIGNALS = 500;
/** The longer it goes on, the seldomer it is news: a training of three days sends some 300. */
const STEPS_IN_ELAPSED = 50;

export class ProgressSignal {
  readonly #name: string | undefined;
  readonly #edge: ActivityEdge;
  readonly #settings: Settings;
  #sent = 0;
  #firstAtMs: number | undefined;
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
    this.#firstAtMs ??= progress.atMs;
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
    const interval = Math.max(this.#settings.pollIntervalMs, (atMs - (this.#firstAtMs ?? atMs)) / STEPS_IN_ELAPSED);
    return (last.iteration !== iteration || last.percent !== percent) && (atMs - last.atMs >= interval || percent === 100);
  }
}
