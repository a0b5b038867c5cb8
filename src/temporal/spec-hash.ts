/** Whether two requests ask for the same trainer: the number that backends keep beside one. Pure. */
import { createHash } from "node:crypto";
import type { TrainingSpec } from "./training-manager.js";

/** What was asked for, without what a new worker's template may change. */
export function specHash({ command, image, workingDirectory, env, resources }: TrainingSpec): string {
  const sorted = Object.entries(env).sort(([one], [other]) => (one < other ? -1 : 1));
  const { cpus, memoryBytes, gpus } = resources ?? {};
  return createHash("sha256")
    .update(JSON.stringify([command, image, workingDirectory, sorted, cpus, memoryBytes, gpus]))
    .digest("hex")
    .slice(0, 16);
}
