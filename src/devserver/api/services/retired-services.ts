/** Endpoints of older APIs that the real server answers with 301/1 and the name of what to call instead. @see clearml-protocol 1.1 */
import * as z from "zod/mini";
import { ApiFailure } from "../api-failure.js";
import { serveOther } from "../call.js";
import type { ServedEndpoint } from "../call.js";

function retired(name: string, since: string, instead: string): ServedEndpoint {
  return serveOther(
    name,
    () => z.looseObject({}),
    () => {
      throw new ApiFailure(301, 1, `This endpoint is no longer supported (use ${instead})`);
    },
    { since },
  );
}

/** The endpoints of this part. */
export const RETIRED_SERVICES: readonly ServedEndpoint[] = [
  retired("models.get_by_task_id", "2.1", "models.get_by_id/get_all apis"),
  retired("models.update_for_task", "2.1", "tasks.add_or_update_model"),
];
