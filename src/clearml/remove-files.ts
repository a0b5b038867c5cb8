/** Deletes files of the file server by their addresses. What lies elsewhere is not touched: this package asks for no right to delete. */
import { describeError } from "../base/errors.js";
import type { ClearML } from "./create-clearml.js";
import type { CallOptions } from "./session.js";

/** Deletes what it can, one after the other. Answers with the addresses that are left. @throws the signal's reason. */
export async function removeFiles(clearml: ClearML, urls: readonly string[], { signal }: CallOptions): Promise<readonly string[]> {
  const left: string[] = [];
  for (const url of urls) {
    try {
      if (clearml.files.pathOf(url) === undefined) left.push(url);
      else await clearml.files.delete(url, { signal });
    } catch (error) {
      signal?.throwIfAborted();
      left.push(url);
      clearml.logger.warn(`a file of a deleted task could not be deleted: ${describeError(error)}`);
    }
  }
  return left;
}
