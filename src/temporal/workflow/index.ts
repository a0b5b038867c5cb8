/**
 * Entry `trainer-sdk/temporal/workflow`: for workflow code. Re-export `trainingWorkflow` by name from the worker's
 * workflows file, or build a workflow of your own on the proxies.
 */
export {
  progressQuery,
  stopSignal,
  trainingWorkflow,
  type MoreMemory,
  type TrainingWorkflowInput,
  type TrainingWorkflowProgress,
  type TrainingWorkflowResult,
} from "./training-workflow.js";
export { proxyTrainingActivities, type TrainingProxyOptions } from "./proxy-training-activities.js";
export { trainingSearchAttributes } from "./training-search-attributes.js";
export { isRetryableFailure, TRAINING_FAILURES, type TrainingFailureType } from "../failure-types.js";
export type { TrainingActivities } from "../create-training-activities.js";
export type {
  ClearmlTaskReference,
  CreateClearmlTaskInput,
  EndTaskResult,
  ExecuteTrainingInput,
  ExecuteTrainingResult,
  FailTaskInput,
  FinalizeTaskInput,
  FinalizeTaskResult,
  JournalPlace,
  RegisterModelInput,
  RequiredOutputs,
  StopTaskInput,
  SweepTrainingsResult,
  SyncOutboxInput,
  SyncOutboxResult,
  TrainingFacts,
  TrainingJob,
  TrainingProgress,
} from "../contract.js";
export type { TrainingResources } from "../training-manager.js";
