/** Queues (`clearml-protocol`, 7). */
import * as z from "zod/mini";
import { endpoint, lazily } from "../endpoint.js";
import { flag, integer, text, texts } from "../field-types.js";
import { metadataInput } from "../model-document.js";
import { queueDocument, queueEntry } from "../queue-document.js";
import { searchFields, updateResponse } from "../search-fields.js";

const queueFields = lazily(() => ({
  display_name: text(),
  tags: texts(),
  system_tags: texts(),
  metadata: z.nullish(z.record(z.string(), metadataInput())),
}));
const place = () => z.object({ queue: z.string(), task: z.string() });
const move = () => z.object({ queue: z.string(), task: z.string(), count: integer() });
const position = () => z.looseObject({ position: integer() });

export const QUEUE_ENDPOINTS = {
  /** A name that exists answers 400/801. */
  "queues.create": endpoint(
    () => z.object({ ...queueFields(), name: z.string() }),
    () => z.looseObject({ id: z.string() }),
  ),
  "queues.get_all": endpoint(
    () => z.looseObject({ ...searchFields(), max_task_entries: integer() }),
    () => z.looseObject({ queues: z.array(queueDocument()), scroll_id: text() }),
  ),
  "queues.get_by_id": endpoint(
    () => z.object({ queue: z.string(), max_task_entries: integer() }),
    () => z.looseObject({ queue: queueDocument() }),
  ),
  /** None answers 400/707, several 400/708. */
  "queues.get_default": endpoint(
    () => z.object({}),
    () => z.looseObject({ id: z.string(), name: text() }),
  ),
  "queues.update": endpoint(() => z.object({ ...queueFields(), queue: z.string(), name: text() }), updateResponse),
  /** A queue that holds tasks answers 400/702 unless `force` is given. */
  "queues.delete": endpoint(
    () => z.object({ queue: z.string(), force: flag() }),
    () => z.looseObject({ deleted: z.nullish(z.unknown()) }),
  ),
  "queues.get_num_entries": endpoint(
    () => z.object({ queue: z.string() }),
    () => z.looseObject({ num: integer() }),
  ),
  /** The first task, left where it is. */
  "queues.peek_task": endpoint(
    () => z.object({ queue: z.string() }),
    () => z.looseObject({ task: text() }),
  ),
  /** Takes the first task out. There is no acknowledgement: not to be repeated blindly, or a task is lost. */
  "queues.get_next_task": endpoint(
    () => z.object({ queue: z.string(), task: text(), get_task_info: flag() }),
    () => z.looseObject({ entry: z.nullish(queueEntry()) }),
  ),
  /** Leaves the task's status as it is; `tasks.enqueue` is what most callers mean. */
  "queues.add_task": endpoint(
    () => z.object({ queue: z.string(), task: z.string(), update_execution_queue: flag() }),
    () => z.looseObject({ added: integer() }),
  ),
  /** Leaves the task's status as it is; `tasks.dequeue` is what most callers mean. */
  "queues.remove_task": endpoint(
    () => z.object({ queue: z.string(), task: z.string(), update_task_status: flag(), new_task_status: text() }),
    () => z.looseObject({ removed: integer() }),
  ),
  "queues.move_task_forward": endpoint(move, position),
  "queues.move_task_backward": endpoint(move, position),
  "queues.move_task_to_front": endpoint(place, position),
  "queues.move_task_to_back": endpoint(place, position),
} as const;
