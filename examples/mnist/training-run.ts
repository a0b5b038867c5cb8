/**
 * The training itself: network, optimiser, and the folder from which a killed run goes on. Knows nothing of reporting.
 *
 * The folder holds `next.safetensors` (the epoch that was just trained), `last.safetensors` (the same file, once its
 * epoch has been told) and `best.safetensors`. A restart goes on after the epoch in `last`, so an epoch that was not
 * yet told is trained again, to the same numbers.
 */
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { setImmediate as otherWork } from "node:timers/promises";
import { Adam } from "./adam.ts";
import { type DigitSet, type Digits, loadDigits } from "./digits.ts";
import { type Evaluation, Network, type Tensor } from "./network.ts";
import { seededRandom, shuffledIndices } from "./seeded-random.ts";
import type { TrainingSettings } from "./settings.ts";
import { readWeights, type Weights, writeWeights } from "./weights-file.ts";

/** Images between two looks at the rest of the process. */
const EVALUATION_CHUNK = 500;

/** A step that was just taken. */
export interface StepOutcome {
  /** 1, 2, 3, ... over all epochs. */
  readonly step: number;
  readonly loss: number;
}

/** What an epoch came to. */
export interface EpochOutcome {
  readonly epoch: number;
  readonly learningRate: number;
  /** Mean over the epoch's batches, each before its step. */
  readonly training: Evaluation;
  readonly validation: Evaluation;
  /** Better on the validation images than every epoch before. */
  readonly isBest: boolean;
}

export class TrainingRun {
  readonly settings: TrainingSettings;
  readonly #folder: string;
  readonly #digits: Digits;
  readonly #network: Network;
  readonly #optimizer: Adam;
  #epoch = 0;
  #bestEpoch = 0;
  #bestAccuracy = 0;

  private constructor(settings: TrainingSettings, folder: string, digits: Digits) {
    this.settings = settings;
    this.#folder = folder;
    this.#digits = digits;
    this.#network = new Network(settings.hiddenUnits);
    this.#network.initialize(seededRandom(settings.seed));
    this.#optimizer = new Adam(this.#network);
  }

  /** Loads the images, and the state that an earlier process left in the folder. */
  static async open(settings: TrainingSettings, folder: string): Promise<TrainingRun> {
    await mkdir(folder, { recursive: true });
    const run = new TrainingRun(settings, folder, await loadDigits(settings));
    const saved = await readWeights(run.#file("last")).catch((error: unknown) => {
      if ((error as { code?: unknown }).code === "ENOENT") return undefined;
      throw error;
    });
    if (saved) run.#restore(saved);
    return run;
  }

  /** Newest epoch whose weights are in `last.safetensors`; 0 at a first start. */
  get epoch(): number {
    return this.#epoch;
  }

  get bestEpoch(): number {
    return this.#bestEpoch;
  }

  get stepsPerEpoch(): number {
    return Math.ceil(this.#digits.training.count / this.settings.batchSize);
  }

  /** Weights with the optimiser's state, of the epoch that was just trained. */
  get nextFile(): string {
    return this.#file("next");
  }

  /** Weights of the best epoch. */
  get bestFile(): string {
    return this.#file("best");
  }

  /**
   * Trains one epoch, looks at the validation images and writes `nextFile`, and `bestFile` when it is the best.
   *
   * @throws The signal's reason when it aborts; between two batches, so what is in the folder stays whole.
   */
  async trainEpoch(signal: AbortSignal, onStep: (outcome: StepOutcome) => void): Promise<EpochOutcome> {
    const { batchSize, learningRate: firstRate, learningRateDecay, seed } = this.settings;
    const epoch = this.#epoch + 1;
    const learningRate = firstRate * learningRateDecay ** (epoch - 1);
    const order = shuffledIndices(this.#digits.training.count, seededRandom(seed + epoch));
    let loss = 0;
    let right = 0;
    for (let from = 0; from < order.length; from += batchSize) {
      signal.throwIfAborted();
      const batch = order.subarray(from, from + batchSize);
      const outcome = this.#network.accumulate(this.#digits.training, batch);
      this.#optimizer.step(learningRate);
      loss += outcome.loss * batch.length;
      right += outcome.accuracy * batch.length;
      onStep({ step: this.#optimizer.steps, loss: outcome.loss });
      await otherWork();
    }
    const validation = await evaluate(this.#network, this.#digits.validation, signal);
    this.#epoch = epoch;
    const isBest = validation.accuracy > this.#bestAccuracy;
    if (isBest) {
      this.#bestAccuracy = validation.accuracy;
      this.#bestEpoch = epoch;
      await writeWeights(this.bestFile, {
        tensors: this.#parameters(),
        metadata: { epoch: String(epoch), validation_accuracy: String(validation.accuracy) },
      });
    }
    await writeWeights(this.nextFile, this.#state());
    return { epoch, learningRate, training: { loss: loss / order.length, accuracy: right / order.length }, validation, isBest };
  }

  /** The epoch has been told: a restart goes on after it. */
  async keep(): Promise<void> {
    await rename(this.nextFile, this.#file("last"));
  }

  #file(name: "next" | "last" | "best"): string {
    return path.join(this.#folder, `${name}.safetensors`);
  }

  #parameters(): Map<string, Tensor> {
    return new Map<string, Tensor>(Object.entries(this.#network.parameters));
  }

  #state(): Weights {
    return {
      tensors: new Map([...this.#parameters(), ...this.#optimizer.state()]),
      metadata: {
        epoch: String(this.#epoch),
        steps: String(this.#optimizer.steps),
        best_epoch: String(this.#bestEpoch),
        best_accuracy: String(this.#bestAccuracy),
      },
    };
  }

  #restore(saved: Weights): void {
    const { epoch, steps, best_epoch: bestEpoch, best_accuracy: bestAccuracy } = saved.metadata;
    this.#network.load(saved.tensors);
    this.#optimizer.load(saved.tensors, Number(steps));
    this.#epoch = Number(epoch);
    this.#bestEpoch = Number(bestEpoch);
    this.#bestAccuracy = Number(bestAccuracy);
  }
}

/** How a network does on a whole set, leaving room for the rest of the process in between. */
export async function evaluate(network: Network, set: DigitSet, signal?: AbortSignal): Promise<Evaluation> {
  let loss = 0;
  let right = 0;
  for (let from = 0; from < set.count; from += EVALUATION_CHUNK) {
    signal?.throwIfAborted();
    const to = Math.min(from + EVALUATION_CHUNK, set.count);
    const part = network.evaluate(set, from, to);
    loss += part.loss * (to - from);
    right += Math.round(part.accuracy * (to - from));
    await otherWork();
  }
  return { loss: loss / set.count, accuracy: right / set.count };
}

/** A fresh network with the weights of a file. */
export function networkOf(weights: Weights): Network {
  const network = new Network(weights.tensors.get("input.bias")?.values.length ?? 0);
  network.load(weights.tensors);
  return network;
}
