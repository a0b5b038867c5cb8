/**
 * The activities of a training, as an object literal for a Temporal worker: their names are stable, their inputs are
 * checked, their failures are of published types. Opens nothing until one is called, and loads the code of an activity with
 * its first call: a worker of one kind of activity does not pay for the others.
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
import { INPUT_SCHEMAS } from "./input-schemas.js";
import { resolveSettings, type Settings, type TrainingActivityDependencies } from "./settings.js";

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
    createClearmlTask: checked(
      settings,
      INPUT_SCHEMAS.createClearmlTask,
      async () => (await import("./create-clearml-task.js")).createClearmlTask,
    ),
    executeTraining: checked(settings, INPUT_SCHEMAS.executeTraining, async () => (await import("./execute-training.js")).executeTraining),
    finalizeTask: checked(settings, INPUT_SCHEMAS.finalizeTask, async () => (await import("./finalize-task.js")).finalizeTask),
    failTask: checked(settings, INPUT_SCHEMAS.failTask, async () => (await import("./give-up-task.js")).failTask),
    stopTask: checked(settings, INPUT_SCHEMAS.stopTask, async () => (await import("./give-up-task.js")).stopTask),
    registerModel: checked(settings, INPUT_SCHEMAS.registerModel, async () => (await import("./register-model.js")).registerModel),
    syncOutbox: checked(settings, INPUT_SCHEMAS.syncOutbox, async () => (await import("./sync-outbox.js")).syncOutbox),
    sweepTrainings: () => atTheEdge(async (edge) => (await import("./sweep-trainings.js")).sweepTrainings(settings, edge)),
  };
}

function checked<Input, Checked extends Input, Result>(
  settings: Settings,
  schema: z.ZodType<Checked>,
  load: () => Promise<(settings: Settings, input: Checked, edge: ActivityEdge) => Promise<Result>>,
): (input: Input) => Promise<Result> {
  return (input) =>
    atTheEdge(async (edge) => {
      const checkedInput = schema.parse(input);
      return (await load())(settings, checkedInput, edge);
    });
}
