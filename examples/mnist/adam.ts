/** Adam: each parameter moves by its own running mean of gradients, scaled by their running size. */
/* eslint-disable @typescript-eslint/no-non-null-assertion -- loops over whole arrays: every index exists, and a fallback would cost time and hide a mistake. */
import { type Network, PARAMETER_NAMES, type Tensor } from "./network.ts";

const MEAN_DECAY = 0.9;
const SQUARE_DECAY = 0.999;
const EPSILON = 1e-8;

export class Adam {
  readonly #network: Network;
  readonly #means = new Map<string, Float32Array>();
  readonly #squares = new Map<string, Float32Array>();
  #steps = 0;

  constructor(network: Network) {
    this.#network = network;
    for (const name of PARAMETER_NAMES) {
      const { length } = network.parameters[name].values;
      this.#means.set(name, new Float32Array(length));
      this.#squares.set(name, new Float32Array(length));
    }
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Moves every parameter against its gradient and sets the gradients back to zero. */
  step(learningRate: number): void {
    this.#steps++;
    // Both means start at zero; these factors take that bias out of the first steps.
    const rate = (learningRate * Math.sqrt(1 - SQUARE_DECAY ** this.#steps)) / (1 - MEAN_DECAY ** this.#steps);
    for (const name of PARAMETER_NAMES) {
      const { values } = this.#network.parameters[name];
      const gradients = this.#network.gradients[name];
      const means = this.#means.get(name)!;
      const squares = this.#squares.get(name)!;
      for (let index = 0; index < values.length; index++) {
        const gradient = gradients[index]!;
        const mean = MEAN_DECAY * means[index]! + (1 - MEAN_DECAY) * gradient;
        const square = SQUARE_DECAY * squares[index]! + (1 - SQUARE_DECAY) * gradient * gradient;
        means[index] = mean;
        squares[index] = square;
        values[index]! -= (rate * mean) / (Math.sqrt(square) + EPSILON);
      }
      gradients.fill(0);
    }
  }

  /** What must be saved beside the weights for a run to go on as if it had never stopped. */
  state(): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    for (const name of PARAMETER_NAMES) {
      const { shape } = this.#network.parameters[name];
      tensors.set(`adam.mean.${name}`, { shape, values: this.#means.get(name)! });
      tensors.set(`adam.square.${name}`, { shape, values: this.#squares.get(name)! });
    }
    return tensors;
  }

  /** Takes back what {@link Adam.state} gave. @throws Error when a part is missing or of another size. */
  load(tensors: ReadonlyMap<string, Tensor>, steps: number): void {
    for (const [part, own] of [
      ["mean", this.#means],
      ["square", this.#squares],
    ] as const) {
      for (const name of PARAMETER_NAMES) {
        const given = tensors.get(`adam.${part}.${name}`)?.values;
        const values = own.get(name)!;
        if (given?.length !== values.length)
          throw new Error(`The saved state lacks adam.${part}.${name} of ${String(values.length)} numbers.`);
        values.set(given);
      }
    }
    this.#steps = steps;
  }
}
