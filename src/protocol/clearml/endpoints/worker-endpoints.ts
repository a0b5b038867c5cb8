/** Workers: those that take tasks from queues and run them (`clearml-protocol`, 7). */
import * as z from "zod/mini";
import { endpoint, lazily } from "../endpoint.js";
import { integer, number, text, texts } from "../field-types.js";
import { workerDocument } from "../queue-document.js";

const numbers = () => z.nullish(z.array(z.number()));

/** How the worker's machine fares: lists hold one figure a device. */
const machineStats = lazily(() =>
  z.strictObject({
    cpu_usage: numbers(),
    cpu_temperature: numbers(),
    gpu_usage: numbers(),
    gpu_temperature: numbers(),
    gpu_memory_free: numbers(),
    gpu_memory_used: numbers(),
    memory_used: number(),
    memory_free: number(),
    network_tx: number(),
    network_rx: number(),
    disk_free_home: number(),
    disk_free_temp: number(),
    disk_read: number(),
    disk_write: number(),
  }),
);

export const WORKER_ENDPOINTS = {
  "workers.get_all": endpoint(
    () => z.object({ last_seen: integer(), tags: texts(), system_tags: texts(), worker_pattern: text() }),
    () => z.looseObject({ workers: z.nullish(z.array(workerDocument())) }),
  ),
  "workers.register": endpoint(
    () => z.object({ worker: z.string(), timeout: integer(), queues: texts(), tags: texts() }),
    () => z.looseObject({}),
  ),
  "workers.unregister": endpoint(
    () => z.object({ worker: z.string() }),
    () => z.looseObject({}),
  ),
  /** Keeps the worker on the list, and its task's `last_update` fresh. `timestamp` in milliseconds. */
  "workers.status_report": endpoint(
    () =>
      z.object({
        worker: z.string(),
        timestamp: z.int(),
        task: text(),
        queue: text(),
        queues: texts(),
        tags: texts(),
        machine_stats: z.nullish(machineStats()),
      }),
    () => z.looseObject({}),
  ),
} as const;
