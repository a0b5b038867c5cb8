/** Every endpoint that the embedded server answers. */
import type { ServedEndpoint } from "./call.js";
import { EVENT_CHART_SERVICES } from "./services/event-chart-services.js";
import { EVENT_SERVICES } from "./services/event-services.js";
import { MODEL_SERVICES } from "./services/model-services.js";
import { PROJECT_SERVICES } from "./services/project-services.js";
import { QUEUE_SERVICES } from "./services/queue-services.js";
import { RETIRED_SERVICES } from "./services/retired-services.js";
import { SESSION_SERVICES } from "./services/session-services.js";
import { TASK_ARTIFACT_SERVICES } from "./services/task-artifact-services.js";
import { TASK_BATCH_SERVICES } from "./services/task-batch-services.js";
import { TASK_LIFECYCLE_SERVICES } from "./services/task-lifecycle-services.js";
import { TASK_PARAMETER_SERVICES } from "./services/task-parameter-services.js";
import { TASK_SERVICES } from "./services/task-services.js";
import { TASK_STATUS_SERVICES } from "./services/task-status-services.js";
import { workerServices } from "./services/worker-services.js";

/** The endpoints of one server. */
export function servedEndpoints(): readonly ServedEndpoint[] {
  return [
    ...SESSION_SERVICES,
    ...PROJECT_SERVICES,
    ...TASK_SERVICES,
    ...TASK_STATUS_SERVICES,
    ...TASK_PARAMETER_SERVICES,
    ...TASK_ARTIFACT_SERVICES,
    ...TASK_LIFECYCLE_SERVICES,
    ...TASK_BATCH_SERVICES,
    ...EVENT_SERVICES,
    ...EVENT_CHART_SERVICES,
    ...MODEL_SERVICES,
    ...QUEUE_SERVICES,
    ...workerServices(),
    ...RETIRED_SERVICES,
  ];
}
