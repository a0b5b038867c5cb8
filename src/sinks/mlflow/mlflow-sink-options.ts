/** What the MLflow sink is made of. */
import type { Readable } from "node:stream";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { StoredFile } from "../../records/facts.js";
import type { MlflowWriter } from "../../mlflow/mlflow-writer.js";
import type { ObjectStore } from "../../storage/object-store.js";
import type { Fence } from "../fence.js";

/**
 * What becomes of a stored file. `auto`: its bytes go to MLflow too, but for those larger than 16 MiB in a bucket, whose
 * address is noted. `upload`: they always go. `link`: the address alone.
 */
export type MlflowFiles = "auto" | "upload" | "link";

export interface MlflowSinkOptions {
  readonly writer: MlflowWriter;
  /** The journal's run. */
  readonly journalId: string;
  /** `MLFLOW_RUN_ID`: report to this run, made by somebody else. */
  readonly runId?: string | undefined;
  /** `MLFLOW_EXPERIMENT_ID`: wins over the name. */
  readonly experimentId?: string | undefined;
  /** Made where it is missing. */
  readonly experimentName: string;
  readonly runName: string;
  /** From `taskExternalKey`: the same for every process of the job. */
  readonly externalKey: string;
  /** The ClearML task of the same job, once it is known: noted in a tag, by which a migration knows the run. */
  readonly taskId: () => string | undefined;
  /** Default `auto`. */
  readonly files?: MlflowFiles | undefined;
  /** Reads a stored file back from where it lies. @throws as the download does; a ValidationError for an address that cannot be read. */
  readonly openFile: (file: StoredFile, signal: AbortSignal) => Promise<Readable>;
  /**
   * The store of a run whose files the server does not take, by the run's artifact address; or why there is none, as the end of a
   * sentence. Default: there is none.
   */
  readonly openStore?: ((artifactUri: string) => Promise<ObjectStore | string>) | undefined;
  /** The right to write, where the worker numbers its trainers. */
  readonly fence?: Fence | undefined;
  /** `live`: the job runs in this process. `drain`: its records are delivered later, by somebody else; no status but the final one is touched. */
  readonly mode: "live" | "drain";
  /** Shown by MLflow as who made the run. */
  readonly userName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Frees what is the sink's alone. */
  readonly onClose?: (() => Promise<void>) | undefined;
}
