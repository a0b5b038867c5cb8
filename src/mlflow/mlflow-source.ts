/**
 * What a migration asks of an MLflow, wherever that lies: a server, a tracking folder, a database. Lists are handed out row by
 * row and metrics page by page, so that nothing of their size is held. An implementation reads and never writes.
 */
import type {
  MlflowExperiment,
  MlflowFile,
  MlflowLoggedModel,
  MlflowModelVersion,
  MlflowPoint,
  MlflowRegisteredModel,
  MlflowRun,
} from "./mlflow-documents.js";

/** How a source is asked. */
export interface MlflowCall {
  readonly signal: AbortSignal;
}

/** How the points of a metric are asked for. */
export interface MlflowHistoryCall extends MlflowCall {
  /**
   * True: they may come together with those of other runs that are asked for at the same time, which is less work for a server.
   * Default false: each history by itself, as MLflow documents it. A proof asks so, lest it repeats what the copy did.
   */
  readonly mayBatch?: boolean;
}

/** How a file is brought. */
export interface MlflowDownloadCall extends MlflowCall {
  /** The listed size, which it must have. Undefined: it is not known. */
  readonly sizeBytes: number | undefined;
}

/** A downloaded file. */
export interface MlflowDownload {
  readonly sizeBytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

/** How a registered model is asked for: its name may be there in several workspaces. */
export interface MlflowModelCall extends MlflowCall {
  /** The model's workspace. Default: the default one. */
  readonly workspace?: string | undefined;
}

/** Whose files: a run's, by its id; a logged model's (MLflow 3); a version's of a registered model, with its workspace unless it is the default one. */
export type MlflowFilesOwner =
  string | { readonly modelId: string } | { readonly name: string; readonly version: string; readonly workspace?: string | undefined };

/** How far a source can see. */
export interface MlflowScope {
  /** Names of the workspaces that can be read. Where there are none: the default one alone. */
  readonly workspaces: readonly string[];
  /** Why there may be more than is handed out, each as a sentence without its end: credentials that are not shown everything. */
  readonly limits: readonly string[];
}

/** A place of a source that is not as MLflow leaves it. */
export interface MlflowTrouble {
  /** Path of a file or folder. */
  readonly where: string;
  /** What is wrong with it, as the end of a sentence. */
  readonly what: string;
  /** True when something that was recorded there cannot be handed out; false for debris, and for what is still being written. */
  readonly isLoss: boolean;
}

/** An MLflow that is read. Errors are told in the words of each implementation; all throw the signal's reason. */
export interface MlflowSource extends AsyncDisposable {
  /** What it is called in reports: the address of a server, the path of a folder or a file. No secret in it. */
  readonly address: string;
  /** Part of the keys of tasks when nobody gives another. */
  readonly defaultSourceId: string;
  /** Version of MLflow, or what is known of it. */
  version(call: MlflowCall): Promise<string>;
  /** How far it can see. Absent: it has no workspaces, and hands out all that it holds. */
  scope?(call: MlflowCall): Promise<MlflowScope>;
  /** All experiments of all workspaces, deleted ones too, those of a workspace oldest first. */
  experiments(call: MlflowCall): AsyncGenerator<MlflowExperiment, void, undefined>;
  /** All runs of an experiment, deleted ones too, oldest first. Inputs, outputs and the values of metrics may be missing. */
  runs(experimentId: string, call: MlflowCall): AsyncGenerator<MlflowRun, void, undefined>;
  /** One run, whole but for its points. */
  run(runId: string, call: MlflowCall): Promise<MlflowRun>;
  /** The points of one metric, in the source's own order. */
  history(runId: string, key: string, call: MlflowHistoryCall): AsyncGenerator<readonly MlflowPoint[], void, undefined>;
  /** Files, no folders; paths are relative to the owner's root. */
  artifacts(owner: MlflowFilesOwner, call: MlflowCall): AsyncGenerator<MlflowFile, void, undefined>;
  /** Brings a file to `target`. @throws DownloadError when its size is not the listed one. */
  download(owner: MlflowFilesOwner, path: string, target: string, call: MlflowDownloadCall): Promise<MlflowDownload>;
  /** All registered models of all workspaces; prompts are none. */
  registeredModels(call: MlflowCall): AsyncGenerator<MlflowRegisteredModel, void, undefined>;
  /** One registered model, with its aliases. */
  registeredModel(name: string, call: MlflowModelCall): Promise<MlflowRegisteredModel>;
  /** All versions of a registered model. */
  modelVersions(name: string, call: MlflowModelCall): AsyncGenerator<MlflowModelVersion, void, undefined>;
  /** The logged models of an experiment (MLflow 3) that are not deleted. */
  loggedModels(experimentId: string, call: MlflowCall): AsyncGenerator<MlflowLoggedModel, void, undefined>;
  /** What could not be handed out of what was read so far, each place once. Absent: such a source throws instead. */
  troubles?(): readonly MlflowTrouble[];
  /** Frees what is open. Safe to call twice. */
  close(): Promise<void>;
}
