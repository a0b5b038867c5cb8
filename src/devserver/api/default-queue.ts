/** The queue that a fresh ClearML has: `default`, which `tasks.enqueue` takes when none is named. @see clearml-protocol 7 */
import { newId } from "../../base/ids.js";
import type { ApiContext } from "./call.js";
import { wireTime } from "./envelope.js";

/** Makes the queue in a store that has none at all. */
export function ensureDefaultQueue({ store, clock, tokens }: ApiContext): void {
  if ([...store.queues.values()].length > 0) return;
  const now = wireTime(clock.now());
  const { user, company } = tokens.identity;
  store.queues.put({
    id: newId(),
    name: "default",
    user,
    company,
    created: now,
    last_update: now,
    tags: [],
    system_tags: ["default"],
    metadata: {},
    entries: [],
  });
}
