/** Lays one reader's picture of a task beside the other's. */
import type { Tally } from "../support/tally.js";
import type { Picture } from "./our-picture.js";

/** Every value at the deepest place that has a name, so that a difference says where it is. */
export function comparePictures(tally: Tally, ours: Picture, theirs: Picture, at = "task"): void {
  for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    const [our, their] = [ours[name], theirs[name]];
    if (isMap(our) && isMap(their) && name !== "plot") comparePictures(tally, our, their, `${at}.${name}`);
    else tally.compare(`${at}.${name}`, our, their);
  }
}

const isMap = (value: unknown): value is Picture => typeof value === "object" && value !== null && !Array.isArray(value);
