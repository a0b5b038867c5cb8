import { describe, expect, it } from "vitest";
import { PIXELS } from "../../../../examples/mnist/digits.ts";
import { Network, PARAMETER_NAMES } from "../../../../examples/mnist/network.ts";
import { seededRandom, shuffledIndices } from "../../../../examples/mnist/seeded-random.ts";

/** Three images of sparse noise. */
function someDigits() {
  const random = seededRandom(3);
  const images = Uint8Array.from({ length: 3 * PIXELS }, () => (random() < 0.2 ? Math.floor(random() * 256) : 0));
  return { count: 3, images, labels: Uint8Array.of(4, 0, 9) };
}

describe("Network", () => {
  it("computes the gradients that differences of the loss show", () => {
    const set = someDigits();
    const indices = Uint32Array.of(0, 1, 2);
    const network = new Network(6);
    network.initialize(seededRandom(11));
    network.accumulate(set, indices);
    const inked = set.images.findIndex((ink) => ink > 100) * 6;
    for (const name of PARAMETER_NAMES) {
      const { values } = network.parameters[name];
      const gradients = network.gradients[name];
      for (const index of name === "input.weight"
        ? [inked, inked + 1, inked + 2, inked + 3, inked + 4, inked + 5]
        : [0, 1, values.length - 1]) {
        const kept = values[index]!;
        const lossAt = (value: number): number => {
          values[index] = value;
          return network.evaluate(set).loss;
        };
        const slope = (lossAt(kept + 1e-2) - lossAt(kept - 1e-2)) / 2e-2;
        values[index] = kept;
        expect(gradients[index], `${name}[${index}]`).toBeCloseTo(slope, 3);
      }
    }
  });

  it("answers with loss and accuracy over exactly the images that were asked for", () => {
    const set = someDigits();
    const network = new Network(6);
    network.initialize(seededRandom(11));
    const whole = network.evaluate(set);
    const parts = [0, 1, 2].map((index) => network.evaluate(set, index, index + 1));
    expect(whole.loss).toBeCloseTo(parts.reduce((sum, { loss }) => sum + loss, 0) / 3, 10);
    expect(whole.accuracy).toBeCloseTo(parts.reduce((sum, { accuracy }) => sum + accuracy, 0) / 3, 10);
  });

  it("refuses weights of another shape and names the parameter", () => {
    const larger = new Map(Object.entries(new Network(7).parameters));
    expect(() => new Network(6).load(larger)).toThrow("input.weight has shape [784,7]");
    expect(() => new Network(6).load(new Map())).toThrow("lack input.weight");
  });
});

describe("shuffledIndices", () => {
  it("holds every index once, in an order that the seed decides", () => {
    const one = shuffledIndices(100, seededRandom(1));
    expect([...one].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(shuffledIndices(100, seededRandom(1))).toEqual(one);
    expect(shuffledIndices(100, seededRandom(2))).not.toEqual(one);
  });
});
