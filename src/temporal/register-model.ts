/** Registers a model for a job's task from the worker: once for each task and name, whatever is repeated. */
import type { ModelFact } from "../records/facts.js";
import { deliverModel, registeredModelTag } from "../sinks/clearml/model-delivery.js";
import type { ActivityEdge } from "./activity-edge.js";
import { trainingFailure } from "./activity-failure.js";
import type { RegisterModelInput } from "./contract.js";
import { TRAINING_FAILURES } from "./failure-types.js";
import type { Settings } from "./settings.js";
import { viewTask } from "./task-view.js";
import { tellFact, workerRecord } from "./tell-backend.js";

export async function registerModel(
  settings: Settings,
  input: RegisterModelInput,
  { signal }: ActivityEdge,
): Promise<{ readonly modelId: string }> {
  const { port, logger } = settings;
  const { job, taskId, name, uri, tags = [], publish = false } = input;
  const view = await viewTask({ port, taskId, projectId: undefined, signal });
  if (view === undefined) throw trainingFailure(TRAINING_FAILURES.invalidSpec, `ClearML has no task ${taskId}`);
  const { framework, comment, metadata, labels, datasets, parentModelId } = input;
  const fact: ModelFact = JSON.parse(
    JSON.stringify({ kind: "model", name, uri, tags, publish, framework, comment, metadata, labels, datasets, parentModelId }),
  ) as ModelFact;
  const identity = `model:${name}`;
  const record = workerRecord(settings, { taskId, identity }, fact);
  const calls = { port, taskId, projectId: view.task.project ?? undefined, signal };
  await deliverModel(calls, record, fact, logger);
  const { models } = await port.call(
    "models.get_all",
    { system_tags: [registeredModelTag(record.id)], search_hidden: true, only_fields: ["id"], order_by: ["created"] },
    { signal },
  );
  await tellFact(settings, { job, taskId, fence: view.fence, identity }, fact, signal);
  return { modelId: models[0]?.id ?? "" };
}
