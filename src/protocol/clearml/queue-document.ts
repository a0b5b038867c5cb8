/** A queue of tasks, and a worker that takes them, as the wire knows them (`clearml-protocol`, 7). */
import * as z from "zod/mini";
import { lazily } from "./endpoint.js";
import { integer, number, text, texts } from "./field-types.js";
import { metadataMap } from "./model-document.js";

const entry = lazily(() => z.looseObject({ task: text(), added: text() }));

/** A queue as answered; the first entry is the next task. */
export const queueDocument = lazily(() =>
  z.looseObject({
    id: z.string(),
    name: text(),
    /** What the web page shows instead of the name. */
    display_name: text(),
    user: text(),
    company: text(),
    created: text(),
    tags: texts(),
    /** `default` marks the default queue. */
    system_tags: texts(),
    metadata: metadataMap(),
    entries: z.nullish(z.array(entry())),
  }),
);

const named = lazily(() => z.nullish(z.looseObject({ id: text(), name: text() })));
const watchedQueue = lazily(() =>
  z.looseObject({ id: text(), name: text(), display_name: text(), next_task: named(), num_tasks: integer() }),
);

/** A worker as answered. */
export const workerDocument = lazily(() =>
  z.looseObject({
    id: z.string(),
    user: named(),
    company: named(),
    ip: text(),
    register_time: text(),
    last_activity_time: text(),
    last_report_time: text(),
    tags: texts(),
    system_tags: texts(),
    /** What it runs. `running_time` in milliseconds. */
    task: z.nullish(z.looseObject({ id: text(), name: text(), running_time: number(), last_iteration: integer() })),
    project: named(),
    /** The queue that the task came from. */
    queue: z.nullish(watchedQueue()),
    /** The queues that it takes tasks from. */
    queues: z.nullish(z.array(watchedQueue())),
  }),
);

/** What `queues.get_next_task` took from a queue. */
export const queueEntry = entry;

/** A queue as answered. */
export type QueueDocument = z.output<ReturnType<typeof queueDocument>>;
/** A worker as answered. */
export type WorkerDocument = z.output<ReturnType<typeof workerDocument>>;
