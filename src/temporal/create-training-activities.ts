/**
 * The activities of a training, as an object literal for a Temporal worker: their names are stable, their inputs are
 * checked, their failures are of published types. Opens nothing until one is called.
 */
import type * as z from "zod";
import { atTheEdge, type ActivityEdge } from "./activity-edge.js";
import type {
  ClearmlTaskReference,
  CreateClearmlTaskInput,
  EndTaskResult,
  ExecuteTrainingInput,
  ExecuteTrainingResult,
  FailTaskInput,
  FinalizeTaskInput,
  FinalizeTaskResult,
  RegisterModelInput,
  StopTaskInput,
  SweepTrainingsResult,
  SyncOutboxInput,
  SyncOutboxResult,
} from "./contract.js";
import { createClearmlTask } from "./create-clearml-task.js";
import { executeTraining } from "./execute-training.js";
import { finalizeTask } from "./finalize-task.js";
import { failTask, stopTask } from "./give-up-task.js";
import { INPUT_SCHEMAS } from "./input-schemas.js";
import { registerModel } from "./register-model.js";
import { resolveSettings, type Settings, type TrainingActivityDependencies } from "./settings.js";
import { sweepTrainings } from "./sweep-trainings.js";
import { syncOutbox } from "./sync-outbox.js";

/** The activities by their registered names. */
export interface TrainingActivities {
  /** Finds or creates the job's task, writes its configuration down and tells the backend its id. */
  createClearmlTask(input: CreateClearmlTaskInput): Promise<ClearmlTaskReference>;
  /** Runs the training to its end, or adopts the one that runs. Heartbeats; to be given a heartbeat timeout. */
  executeTraining(input: ExecuteTrainingInput): Promise<ExecuteTrainingResult>;
  /** Delivers what was left, checks the outputs, gives the task its final status. */
  finalizeTask(input: FinalizeTaskInput): Promise<FinalizeTaskResult>;
  /** Ends the task as failed. */
  failTask(input: FailTaskInput): Promise<EndTaskResult>;
  /** Ends the task as stopped. */
  stopTask(input: StopTaskInput): Promise<EndTaskResult>;
  /** Registers a model for the task. */
  registerModel(input: RegisterModelInput): Promise<{ readonly modelId: string }>;
  /** Delivers what a trainer left. */
  syncOutbox(input: SyncOutboxInput): Promise<SyncOutboxResult>;
  /** Ends trainers whose workflow is closed. For a schedule. */
  sweepTrainings(): Promise<SweepTrainingsResult>;
}

/**
 * Makes the activities. Spread them into `Worker.create({ activities })`.
 *
 * @throws ConfigError with everything that is wrong or missing in the dependencies.
 */
export function createTrainingActivities(dependencies: TrainingActivityDependencies): TrainingActivities {
  const settings = resolveSettings(dependencies);
  return {
    createClearmlTask: checked(settings, INPUT_SCHEMAS.createClearmlTask, createClearmlTask),
    executeTraining: checked(settings, INPUT_SCHEMAS.executeTraining, executeTraining),
    finalizeTask: checked(settings, INPUT_SCHEMAS.finalizeTask, finalizeTask),
    failTask: checked(settings, INPUT_SCHEMAS.failTask, failTask),
    stopTask: checked(settings, INPUT_SCHEMAS.stopTask, stopTask),
    registerModel: checked(settings, INPUT_SCHEMAS.registerModel, registerModel),
    syncOutbox: checked(settings, INPUT_SCHEMAS.syncOutbox, syncOutbox),
    sweepTrainings: () => atTheEdge((edge) => sweepTrainings(settings, edge)),
  };
}

function checked<Input, Checked extends Input, Result>(
  settings: Settings,
  schema: z.ZodType<Checked>,
  body: (settings: Settings, input: Checked, edge: ActivityEdge) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return (input) => atTheEdge(async (edge) => body(settings, schema.parse(input), edge));
}
