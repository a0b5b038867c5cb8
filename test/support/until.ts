/** Waits for a state, not for a time: asks again until it is so. The runner's own timeout is the bound. */
import { setTimeout as sleep } from "node:timers/promises";

export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await sleep(20);
}
