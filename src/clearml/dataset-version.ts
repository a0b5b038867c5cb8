/** Which version of a data set is the highest. Versions are texts of numbers and dots, with anything a person adds after them. Pure. */

interface Versioned {
  readonly version: string | undefined;
}

/** The highest version; of equal ones the first. Those without a version that can be read come after all others. */
export function newestVersion<T extends Versioned>(candidates: readonly T[]): T | undefined {
  let best: T | undefined;
  for (const candidate of candidates) if (best === undefined || compareVersions(candidate.version, best.version) > 0) best = candidate;
  return best;
}

/** Above 0 when `one` is the higher. A release is higher than what comes before it (`1.0` than `1.0-rc1`). */
export function compareVersions(one: string | undefined, other: string | undefined): number {
  const left = parse(one);
  const right = parse(other);
  if (!left || !right) return Number(left !== undefined) - Number(right !== undefined);
  for (let index = 0; index < Math.max(left.numbers.length, right.numbers.length); index++) {
    const difference = (left.numbers[index] ?? 0) - (right.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.rest === right.rest) return 0;
  if (left.rest === "" || right.rest === "") return left.rest === "" ? 1 : -1;
  return left.rest < right.rest ? -1 : 1;
}

function parse(version: string | undefined): { readonly numbers: readonly number[]; readonly rest: string } | undefined {
  const [, numbers, rest = ""] = /^v?(\d+(?:\.\d+)*)(.*)$/.exec(version?.trim() ?? "") ?? [];
  return numbers === undefined ? undefined : { numbers: numbers.split(".").map(Number), rest };
}
