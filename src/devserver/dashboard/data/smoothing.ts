/** Smoothing of a line: an exponential moving average as TensorBoard draws it. Pure. */

/**
 * The average of each value with all before it, whose weight falls by `weight` (0 to below 1) with every step. The first
 * values are corrected for having nothing before them, so the line does not start at zero. What is not a number stays a
 * hole and counts for nothing; a line of one value throughout stays as it is, to the last digit.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  const numbers = values.filter((value) => isNumber(value));
  if (weight <= 0 || numbers.every((value) => value === numbers[0])) return [...values];
  let average = 0;
  let share = 1;
  return values.map((value) => {
    if (!isNumber(value)) return null;
    average = average * weight + (1 - weight) * value;
    share *= weight;
    return average / (1 - share);
  });
}

function isNumber(value: number | null): value is number {
  return value !== null && Number.isFinite(value);
}
