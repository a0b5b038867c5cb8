/** A sink's own small facts, in the journal. */
import { describeError } from "../base/errors.js";
import type { JsonValue } from "../base/json.js";
import type { Logger } from "../base/logger.js";
import type { Journal } from "./journal.js";
import type { SinkMemory } from "./sink.js";

export function createSinkMemory(journal: Journal, logger: Logger, owner: string): SinkMemory {
  return {
    get: (key) => journal.ledger.recall(owner, key),
    async set(key, value) {
      try {
        // A copy: what is remembered is what was written down, whatever the caller does with the value afterwards.
        const copy = JSON.parse(JSON.stringify(value)) as JsonValue;
        await journal.noteDurably({ k: "m", n: owner, key, v: copy });
      } catch (error) {
        logger.error(`A value of ${owner} could not be remembered: it has no JSON form.`, { key, reason: describeError(error) });
      }
    },
  };
}
