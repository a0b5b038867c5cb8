/**
 * Every endpoint that this package knows, by name. The one table that client, embedded server and mocks share, so that
 * they cannot drift apart.
 */
import type * as z from "zod/mini";
import type { Endpoint } from "./endpoint.js";
import { EVENT_ENDPOINTS } from "./endpoints/event-endpoints.js";
import { MODEL_ENDPOINTS } from "./endpoints/model-endpoints.js";
import { PROJECT_ENDPOINTS } from "./endpoints/project-endpoints.js";
import { QUEUE_ENDPOINTS } from "./endpoints/queue-endpoints.js";
import { SESSION_ENDPOINTS } from "./endpoints/session-endpoints.js";
import { TASK_ENDPOINTS } from "./endpoints/task-endpoints.js";
import { TASK_STATUS_ENDPOINTS } from "./endpoints/task-status-endpoints.js";
import { WORKER_ENDPOINTS } from "./endpoints/worker-endpoints.js";

/** Schemas by `service.action`. */
export const ENDPOINTS = {
  ...SESSION_ENDPOINTS,
  ...PROJECT_ENDPOINTS,
  ...TASK_ENDPOINTS,
  ...TASK_STATUS_ENDPOINTS,
  ...EVENT_ENDPOINTS,
  ...MODEL_ENDPOINTS,
  ...QUEUE_ENDPOINTS,
  ...WORKER_ENDPOINTS,
} as const satisfies Record<string, Endpoint>;

/** Name of a known endpoint. */
export type EndpointName = keyof typeof ENDPOINTS;
/** Name of a known endpoint that takes JSON lines. */
export type BatchEndpointName = "events.add_batch" | "tasks.update_batch";
/** Name of a known endpoint that takes one JSON object. */
export type SingleEndpointName = Exclude<EndpointName, BatchEndpointName>;

/** Body of a request; of a batch endpoint, one line. */
export type RequestOf<Name extends EndpointName> = z.input<(typeof ENDPOINTS)[Name]["request"]>;
/** `data` of an answer. */
export type ResponseOf<Name extends EndpointName> = z.output<(typeof ENDPOINTS)[Name]["response"]>;
