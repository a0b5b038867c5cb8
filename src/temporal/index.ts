/**
 * Entry `trainer-sdk/temporal`: the activities of a training for a Temporal worker, and the places where trainers run.
 * Needs @temporalio/activity beside it. Workflows import from `trainer-sdk/temporal/workflow` and from there alone.
 */
export { createTrainingActivities, type TrainingActivities } from "./create-training-activities.js";
export type { JournalFolder, TrainingActivityDependencies } from "./settings.js";
export { subprocessManager, type SubprocessManagerOptions } from "./subprocess/subprocess-manager.js";
export { clearmlQueueManager, type ClearMLQueueManagerOptions } from "./clearml-queue/clearml-queue-manager.js";
export { kubernetesManager, type KubernetesManagerOptions } from "./kubernetes/kubernetes-manager.js";
export {
  ManagerError,
  type ManagedTraining,
  type StartRequest,
  type StopOptions,
  type TrainingEnd,
  type TrainingHandle,
  type TrainingManager,
  type TrainingResources,
  type TrainingSpec,
  type TrainingState,
  type WaitOptions,
} from "./training-manager.js";
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
} from "./contract.js";
export { isRetryableFailure, TRAINING_FAILURES, type TrainingFailureType } from "./failure-types.js";
export { trainingKey, type TrainingIdentity } from "./training-key.js";
