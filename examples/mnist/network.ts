/**
 * A small real network: 784 pixels, one hidden layer of rectified units, ten classes, softmax with cross-entropy.
 * Plain loops over Float32Array. Most of an image is blank paper, so the first layer walks only over inked pixels.
 */
/* eslint-disable @typescript-eslint/no-non-null-assertion -- loops over whole arrays: every index exists, and a fallback would cost time and hide a mistake. */
import { type DigitSet, PIXELS } from "./digits.ts";

/** Digits to tell apart. */
export const CLASSES = 10;

/** A named array of parameters with its shape; the unit of what is saved. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Outcome of one pass over some images. */
export interface Evaluation {
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Share of images told right, 0 to 1. */
  readonly accuracy: number;
}

export class Network {
  readonly hiddenUnits: number;
  /** Parameters by name. `input.weight` is laid out pixel by pixel, so that one inked pixel touches one row. */
  readonly parameters: Readonly<Record<ParameterName, Tensor>>;
  readonly gradients: Readonly<Record<ParameterName, Float32Array>>;
  readonly #hidden: Float32Array;
  readonly #hiddenGradient: Float32Array;
  readonly #scores: Float32Array;

  constructor(hiddenUnits: number) {
    this.hiddenUnits = hiddenUnits;
    this.parameters = {
      "input.weight": zeros(PIXELS, hiddenUnits),
      "input.bias": zeros(hiddenUnits),
      "output.weight": zeros(CLASSES, hiddenUnits),
      "output.bias": zeros(CLASSES),
    };
    this.gradients = {
      "input.weight": new Float32Array(PIXELS * hiddenUnits),
      "input.bias": new Float32Array(hiddenUnits),
      "output.weight": new Float32Array(CLASSES * hiddenUnits),
      "output.bias": new Float32Array(CLASSES),
    };
    this.#hidden = new Float32Array(hiddenUnits);
    this.#hiddenGradient = new Float32Array(hiddenUnits);
    this.#scores = new Float32Array(CLASSES);
  }

  /** Draws first weights, scaled by the number of inputs of each unit so that signals keep their size. */
  initialize(random: () => number): void {
    fill(this.parameters["input.weight"].values, Math.sqrt(6 / PIXELS), random);
    fill(this.parameters["output.weight"].values, Math.sqrt(6 / this.hiddenUnits), random);
  }

  /** Takes the parameters out of `tensors`. @throws Error when one is missing or has another shape. */
  load(tensors: ReadonlyMap<string, Tensor>): void {
    for (const name of PARAMETER_NAMES) {
      const own = this.parameters[name];
      const given = tensors.get(name);
      if (!given) throw new Error(`The weights lack ${name}.`);
      if (given.shape.join() !== own.shape.join())
        throw new Error(`${name} has shape [${given.shape.join()}] in the weights, [${own.shape.join()}] here.`);
      own.values.set(given.values);
    }
  }

  /** Adds the gradients of these images to `gradients` (mean over them) and tells how the network did before learning. */
  accumulate(set: DigitSet, indices: Uint32Array): Evaluation {
    const share = 1 / indices.length;
    let loss = 0;
    let correct = 0;
    for (const index of indices) {
      const label = set.labels[index] ?? 0;
      const offset = index * PIXELS;
      if (this.#forward(set.images, offset) === label) correct++;
      loss += this.#softmax(label);
      this.#backward(set.images, offset, label, share);
    }
    return { loss: loss * share, accuracy: correct * share };
  }

  /** How the network does on the images `from` to `to` of a set. */
  evaluate(set: DigitSet, from = 0, to = set.count): Evaluation {
    let loss = 0;
    let correct = 0;
    for (let index = from; index < to; index++) {
      const label = set.labels[index] ?? 0;
      if (this.#forward(set.images, index * PIXELS) === label) correct++;
      loss += this.#softmax(label);
    }
    return { loss: loss / (to - from), accuracy: correct / (to - from) };
  }

  /** Fills the hidden units and the scores; answers with the class of the highest score. */
  #forward(images: Uint8Array, offset: number): number {
    const hidden = this.#hidden;
    const units = hidden.length;
    const weight = this.parameters["input.weight"].values;
    hidden.set(this.parameters["input.bias"].values);
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const ink = images[offset + pixel]! / 255;
      if (ink === 0) continue;
      const row = pixel * units;
      for (let unit = 0; unit < units; unit++) hidden[unit]! += ink * weight[row + unit]!;
    }
    for (let unit = 0; unit < units; unit++) if (hidden[unit]! < 0) hidden[unit] = 0;
    const output = this.parameters["output.weight"].values;
    const bias = this.parameters["output.bias"].values;
    let best = 0;
    for (let digit = 0; digit < CLASSES; digit++) {
      let score = bias[digit]!;
      const row = digit * units;
      for (let unit = 0; unit < units; unit++) score += hidden[unit]! * output[row + unit]!;
      this.#scores[digit] = score;
      if (score > this.#scores[best]!) best = digit;
    }
    return best;
  }

  /** Turns the scores into probabilities, in place; answers with the cross-entropy. */
  #softmax(label: number): number {
    const scores = this.#scores;
    const highest = Math.max(...scores);
    let sum = 0;
    for (let digit = 0; digit < CLASSES; digit++) sum += scores[digit] = Math.exp(scores[digit]! - highest);
    for (let digit = 0; digit < CLASSES; digit++) scores[digit]! /= sum;
    return -Math.log(Math.max(scores[label]!, 1e-12));
  }

  /** Adds this image's share to the gradients; the scores hold probabilities. */
  #backward(images: Uint8Array, offset: number, label: number, share: number): void {
    const hidden = this.#hidden;
    const hiddenGradient = this.#hiddenGradient.fill(0);
    const units = hidden.length;
    const output = this.parameters["output.weight"].values;
    const outputGradient = this.gradients["output.weight"];
    for (let digit = 0; digit < CLASSES; digit++) {
      const error = (this.#scores[digit]! - (digit === label ? 1 : 0)) * share;
      this.gradients["output.bias"][digit]! += error;
      const row = digit * units;
      for (let unit = 0; unit < units; unit++) {
        outputGradient[row + unit]! += error * hidden[unit]!;
        hiddenGradient[unit]! += error * output[row + unit]!;
      }
    }
    const biasGradient = this.gradients["input.bias"];
    for (let unit = 0; unit < units; unit++) {
      if (hidden[unit] === 0) hiddenGradient[unit] = 0;
      else biasGradient[unit]! += hiddenGradient[unit]!;
    }
    const inputGradient = this.gradients["input.weight"];
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const ink = images[offset + pixel]! / 255;
      if (ink === 0) continue;
      const row = pixel * units;
      for (let unit = 0; unit < units; unit++) inputGradient[row + unit]! += ink * hiddenGradient[unit]!;
    }
  }
}

/** Names of a network's parameters, as they are saved. */
export const PARAMETER_NAMES = ["input.weight", "input.bias", "output.weight", "output.bias"] as const;
export type ParameterName = (typeof PARAMETER_NAMES)[number];

function zeros(...shape: number[]): Tensor {
  return { shape, values: new Float32Array(shape.reduce((product, length) => product * length, 1)) };
}

function fill(values: Float32Array, bound: number, random: () => number): void {
  for (let index = 0; index < values.length; index++) values[index] = (2 * random() - 1) * bound;
}
