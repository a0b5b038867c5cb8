/** Finds or makes the job's task, writes down what it is to do, and tells the backend its id. Changes no status. */
import { flattenParameters } from "../clearml/parameter-values.js";
import { configurationItem, editTags, namedParameters, setConfiguration, setParameters } from "../clearml/task-edits.js";
import { taskWebUrl } from "../protocol/clearml/web-urls.js";
import { taskExternalKey } from "../records/external-key.js";
import { TaskBinding } from "../sinks/clearml/task-binding.js";
import type { ActivityEdge } from "./activity-edge.js";
import { trainingFailure } from "./activity-failure.js";
import type { ClearmlTaskReference, CreateClearmlTaskInput, TrainingJob } from "./contract.js";
import { TRAINING_FAILURES } from "./failure-types.js";
import type { Settings } from "./settings.js";
import { tellTask } from "./tell-backend.js";

const TITLES = { training: "Training", inference: "Inference", evaluation: "Evaluation", export: "Export" } as const;

/** Names of a job's project and task, as the trainer itself would choose them. */
export function taskNames(job: TrainingJob): { readonly projectName: string; readonly taskName: string } {
  const { jobId, projectId, operation = "training" } = job;
  return {
    projectName: job.projectName ?? (projectId === undefined ? "Trainer SDK" : `Project ${projectId}`),
    taskName: job.taskName ?? `${TITLES[operation]} Job ${jobId}`,
  };
}

export async function createClearmlTask(
  settings: Settings,
  { job, config, configurations = {}, tags = [] }: CreateClearmlTaskInput,
  { signal, workflow }: ActivityEdge,
): Promise<ClearmlTaskReference> {
  const { port, logger } = settings;
  const operation = job.operation ?? "training";
  const externalKey = taskExternalKey({ operation, jobId: job.jobId, projectId: job.projectId });
  const wish = { operation, externalKey, runId: `workflow ${workflow.workflowId}`, ...taskNames(job) };
  const memory = { get: () => undefined, set: () => Promise.resolve() };
  const binding = await new TaskBinding(port, wish, logger).bind(memory, signal);
  if ("refused" in binding) throw trainingFailure(TRAINING_FAILURES.invalidSpec, binding.refused);
  const { taskId, projectId } = binding.task;
  const calls = { port, taskId, projectId, signal };
  if (config !== undefined)
    await setParameters(calls, namedParameters({ kind: "hyperparameters", section: "General", values: flattenParameters(config) }));
  for (const [name, text] of Object.entries(configurations)) await setConfiguration(calls, configurationItem({ name, text }));
  if (tags.length > 0) await editTags(calls, { kind: "tags", add: tags, remove: [] });
  const webUrl = port.webHost === undefined ? undefined : taskWebUrl(port.webHost, { taskId, projectId });
  await tellTask(
    settings,
    { job, taskId, fence: 0, identity: "task" },
    { ...(projectId === undefined ? {} : { project_id: projectId }), ...(webUrl === undefined ? {} : { web_url: webUrl }) },
    signal,
  );
  return {
    taskId,
    ...(projectId === undefined ? {} : { clearmlProjectId: projectId }),
    ...(webUrl === undefined ? {} : { webUrl }),
  };
}
