/** Calls that move a task from one status to another (`clearml-protocol`, 3.3, 3.4, 3.8). */
import * as z from "zod/mini";
import { endpoint, lazily } from "../endpoint.js";
import { flag, integer, text, texts } from "../field-types.js";
import { manyResponse } from "../many-response.js";
import { updateResponse } from "../search-fields.js";

const reasons = lazily(() => ({ status_reason: text(), status_message: text() }));
/** Every status call writes both texts, empty ones too: a redundant call wipes out a stop that somebody asked for (3.4). */
const change = lazily(() => ({ task: z.string(), force: flag(), ...reasons() }));
const urls = lazily(() => z.nullish(z.looseObject({ artifact_urls: texts(), event_urls: texts(), model_urls: texts() })));

export const TASK_STATUS_ENDPOINTS = {
  /** A wrong id answers 400/10 here, 400/101 elsewhere. */
  "tasks.started": endpoint(
    () => z.object(change()),
    () => z.looseObject({ ...updateResponse().shape, started: integer() }),
  ),
  "tasks.stopped": endpoint(() => z.object(change()), updateResponse),
  /** Asks for a stop: at once, or by the word `stopping` in `status_message` when a worker is alive. */
  "tasks.stop": endpoint(() => z.object({ ...change(), include_pipeline_steps: flag() }), updateResponse),
  "tasks.failed": endpoint(() => z.object(change()), updateResponse),
  "tasks.completed": endpoint(
    () => z.object({ ...change(), publish: flag() }),
    () => z.looseObject({ ...updateResponse().shape, published: integer() }),
  ),
  "tasks.close": endpoint(() => z.object(change()), updateResponse),
  "tasks.publish": endpoint(() => z.object({ ...change(), publish_model: flag() }), updateResponse),
  "tasks.reset": endpoint(
    () =>
      z.object({
        ...change(),
        clear_all: flag(),
        return_file_urls: flag(),
        delete_output_models: flag(),
        delete_external_artifacts: flag(),
      }),
    () =>
      z.looseObject({
        ...updateResponse().shape,
        deleted_models: integer(),
        dequeued: z.nullish(z.unknown()),
        events: z.nullish(z.unknown()),
        urls: urls(),
      }),
  ),
  "tasks.delete": endpoint(
    () =>
      z.object({
        ...change(),
        move_to_trash: flag(),
        return_file_urls: flag(),
        delete_output_models: flag(),
        delete_external_artifacts: flag(),
        include_pipeline_steps: flag(),
      }),
    () =>
      z.looseObject({
        deleted: z.nullish(z.unknown()),
        updated_children: integer(),
        updated_models: integer(),
        deleted_models: integer(),
        events: z.nullish(z.unknown()),
        urls: urls(),
      }),
  ),
  "tasks.archive": endpoint(
    () => z.object({ tasks: z.array(z.string()), include_pipeline_steps: flag(), ...reasons() }),
    () => z.looseObject({ archived: integer() }),
  ),
  "tasks.unarchive_many": endpoint(() => z.object({ ids: z.array(z.string()), ...reasons() }), manyResponse),
  "tasks.enqueue": endpoint(
    () => z.object({ ...change(), queue: text(), queue_name: text(), verify_watched_queue: flag(), update_execution_queue: flag() }),
    () => z.looseObject({ ...updateResponse().shape, queued: integer(), queue_watched: flag() }),
  ),
  "tasks.dequeue": endpoint(
    () => z.object({ task: z.string(), remove_from_all_queues: flag(), new_status: text(), ...reasons() }),
    () => z.looseObject({ ...updateResponse().shape, dequeued: integer() }),
  ),
  /** Keeps a running task from being taken for dead. A wrong id is accepted in silence. */
  "tasks.ping": endpoint(
    () => z.object({ task: z.string() }),
    () => z.looseObject({}),
  ),
} as const;
