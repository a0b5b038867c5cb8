/**
 * What goes in and out of the activities: plain JSON, small, without secrets. Types alone, so that a workflow can import
 * them; the checks are in `input-schemas.ts`.
 */
import type { JsonObject, JsonValue } from "../base/json.js";
import type { OperationType } from "../records/facts.js";
import type { TrainingFailureType } from "./failure-types.js";
import type { TrainingResources } from "./training-manager.js";

/** The platform's job. */
export interface TrainingJob {
  /** `JOB_ID`. */
  readonly jobId: string;
  /** `PROJECT_ID`. */
  readonly projectId?: string | undefined;
  /** Default `training`. */
  readonly operation?: OperationType | undefined;
  /** The ClearML project's full path. Default `Project {projectId}`, else `Trainer SDK`. */
  readonly projectName?: string | undefined;
  /** The ClearML task's name. Default `Training Job {jobId}` (or `Inference Job`, `Export Job`). */
  readonly taskName?: string | undefined;
}

export interface CreateClearmlTaskInput {
  readonly job: TrainingJob;
  /** The job's configuration: becomes the task's hyperparameters. */
  readonly config?: JsonObject | undefined;
  /** Configuration texts by name. */
  readonly configurations?: Readonly<Record<string, string>> | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** The task of a job. */
export interface ClearmlTaskReference {
  readonly taskId: string;
  readonly clearmlProjectId?: string | undefined;
  /** The task's page. */
  readonly webUrl?: string | undefined;
}

export interface ExecuteTrainingInput {
  readonly job: TrainingJob;
  readonly taskId: string;
  /** Program and arguments. Default: the image's own. */
  readonly command?: readonly string[] | undefined;
  readonly image?: string | undefined;
  readonly workingDirectory?: string | undefined;
  /** Variables of the trainer's beside those that the activity sets. No secret: they stay in the history. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** `CONFIG` of the trainer. */
  readonly config?: JsonObject | undefined;
  readonly resources?: TrainingResources | undefined;
  /** Tells the trainings of one workflow apart, and those of two workflows of one id. Default `training`. */
  readonly jobKey?: string | undefined;
  /** From the polite request to stop until the kill. Default 60 s. */
  readonly stopGraceMs?: number | undefined;
  /** Name of the workflow's signal that progress is sent by. Default: none is sent. */
  readonly progressSignal?: string | undefined;
}

/** Where a trainer's journal is. */
export interface JournalPlace {
  /** As the worker sees it, where it does. */
  readonly directory?: string | undefined;
  /** The machine that the folder is on, when it is no shared one. */
  readonly host?: string | undefined;
  /** Where the trainer leaves what was pending at its end. */
  readonly handoverUri?: string | undefined;
  /** True: everything in it was delivered when the trainer had ended. */
  readonly settled: boolean;
}

/** What is known of a trainer that was run; also the first detail of `executeTraining`'s failures. */
export interface TrainingFacts {
  /** Number of the trainer whose writes count. */
  readonly fence: number;
  readonly backend: string;
  readonly journal: JournalPlace;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** The last that it printed, at most 2 KiB, without secrets. */
  readonly logTail: string;
  /** More of it. */
  readonly logUri?: string | undefined;
}

export interface ExecuteTrainingResult extends TrainingFacts {
  readonly outcome: "completed" | "stopped";
  readonly message: string;
}

/** How far a training has come. */
export interface TrainingProgress {
  readonly phase: "queued" | "starting" | "running" | "stopping";
  /** Highest x that ClearML has seen. */
  readonly iteration?: number | undefined;
  /** 0 to 100, from the trainer's epochs. */
  readonly percent?: number | undefined;
  /** Wall clock of the worker, milliseconds since the epoch. */
  readonly atMs: number;
}

/** Output that a job must have brought. */
export interface RequiredOutputs {
  /** Types of checkpoint: `last`, `best`, ... */
  readonly checkpoints?: readonly string[] | undefined;
  /** At least one output model. */
  readonly model?: boolean | undefined;
}

export interface FinalizeTaskInput {
  readonly job: TrainingJob;
  readonly taskId: string;
  readonly training: ExecuteTrainingResult;
  readonly required?: RequiredOutputs | undefined;
}

export interface FinalizeTaskResult {
  /** `journalUnreachable`: what the trainer still had to say is lost with its disk; the task ends as failed. */
  readonly status: "completed" | "stopped" | "failed" | "journalUnreachable";
  readonly message: string;
  /** Checkpoints by type, with their addresses. */
  readonly checkpoints: Readonly<Record<string, string>>;
  /** Ids of the task's output models. */
  readonly models: readonly string[];
  readonly finalMetrics?: Readonly<Record<string, JsonValue>> | undefined;
}

export interface FailTaskInput {
  readonly job: TrainingJob;
  readonly taskId: string;
  readonly failure: { readonly type: TrainingFailureType | (string & {}); readonly message: string };
  /** The training that failed, when it ran at all. */
  readonly training?: TrainingFacts | undefined;
  /** As in {@link ExecuteTrainingInput}: a trainer that still runs is ended. */
  readonly jobKey?: string | undefined;
}

export interface StopTaskInput {
  readonly job: TrainingJob;
  readonly taskId: string;
  readonly reason: string;
  readonly training?: TrainingFacts | undefined;
  readonly jobKey?: string | undefined;
}

/** What became of the task. */
export interface EndTaskResult {
  /** The status that the task has now; one that is published keeps its own. */
  readonly status: "failed" | "stopped" | "published" | "gone";
}

export interface RegisterModelInput {
  readonly job: TrainingJob;
  readonly taskId: string;
  /** The model's name: with the task, what it is found again by. */
  readonly name: string;
  readonly uri: string;
  readonly framework?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly comment?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, number>> | undefined;
  readonly datasets?: readonly string[] | undefined;
  readonly parentModelId?: string | undefined;
  /** Default false. */
  readonly publish?: boolean | undefined;
}

export interface SyncOutboxInput {
  readonly job: TrainingJob;
  /** Default: where the worker's settings put the job's journal. */
  readonly journal?: JournalPlace | undefined;
}

export interface SyncOutboxResult {
  readonly status: "delivered" | "nothing-pending" | "unreachable";
}

export interface SweepTrainingsResult {
  /** Keys of trainers that were stopped because their workflow is closed. */
  readonly stopped: readonly string[];
  /** Keys of ended trainers of closed workflows that were forgotten. */
  readonly forgotten: readonly string[];
}
