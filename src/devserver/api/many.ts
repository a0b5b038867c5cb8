/** The `*_many` endpoints: 200 even when every id failed, with each failure told. @see clearml-protocol 3.7 */
import * as z from "zod/mini";
import { ApiFailure } from "./api-failure.js";

/** What they all take. */
export const manyRequest = () => z.object({ ids: z.array(z.string()), force: z.nullish(z.boolean()) });

/** Runs `work` for each id and sorts the outcomes. */
export function runMany(ids: readonly string[], work: (id: string) => object): object {
  const succeeded: object[] = [];
  const failed: object[] = [];
  for (const id of ids) {
    try {
      succeeded.push({ id, ...work(id) });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      failed.push({ id, error: { codes: [error.shape.code, error.shape.subcode], msg: error.shape.message, data: {} } });
    }
  }
  return { succeeded, failed };
}
