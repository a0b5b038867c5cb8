/** Makes many small things without holding the training up. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** Things made in one go; then the training has its turn. A thousand events cost about two milliseconds. */
const MAX_PER_TURN = 1_000;

/** `map`, with turns of the event loop in between: a full batch made in one go would hold the training up. */
export async function inTurns<T, R>(items: readonly T[], made: (item: T) => R[]): Promise<R[][]> {
  const all: R[][] = [];
  let inThisTurn = 0;
  for (const item of items) {
    const one = made(item);
    all.push(one);
    inThisTurn += one.length;
    if (inThisTurn < MAX_PER_TURN) continue;
    inThisTurn = 0;
    await nextTurn();
  }
  return all;
}
