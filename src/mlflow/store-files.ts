/**
 * Files that a server has and cannot hand out, because of their names, taken from the store itself: S3, a folder of this
 * machine, or what stands for the root of `mlflow-artifacts:`. They are few: load this when there is one.
 */
import { DownloadError, describeError } from "../base/errors.js";
import { ArtifactPlaces } from "./artifact-places.js";
import type { MlflowFile } from "./mlflow-documents.js";
import type { MlflowCall, MlflowDownload, MlflowDownloadCall } from "./mlflow-source.js";
import { shownAddress } from "./shown-address.js";

export interface StoreFilesOptions {
  /** Folder or `s3://` address that is the server's `--artifacts-destination`. */
  readonly artifactsRoot: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Whose file it is, and where the server says that the owner's files lie. */
export interface StoredOwner {
  /** For messages. */
  readonly name: string;
  readonly root: string;
}

export class StoreFiles {
  readonly #places: ArtifactPlaces;

  constructor(options: StoreFilesOptions) {
    this.#places = new ArtifactPlaces({ ...options, base: process.cwd() });
  }

  /** The files of an owner below a folder, of an empty one all, by their paths below the owner's root. @throws DownloadError when the store cannot be read. */
  async *list({ name, root }: StoredOwner, folder: string, call: MlflowCall): AsyncGenerator<MlflowFile, void, undefined> {
    try {
      for await (const file of this.#places.list(root, call)) if (folder === "" || file.path.startsWith(`${folder}/`)) yield file;
    } catch (error) {
      call.signal.throwIfAborted();
      throw refusal(folder === "" ? `the files of ${name}` : `the folder ${folder} of ${name}`, root, error);
    }
  }

  /** @throws DownloadError when the store cannot be read, or the file is not of the listed size. */
  async download({ name, root }: StoredOwner, path: string, target: string, options: MlflowDownloadCall): Promise<MlflowDownload> {
    try {
      return await this.#places.download(root, path, target, options);
    } catch (error) {
      options.signal.throwIfAborted();
      throw refusal(`the file ${path} of ${name}`, root, error);
    }
  }
}

function refusal(what: string, root: string, cause: unknown): DownloadError {
  const reason = `MLflow's server cannot hand out ${what}: it takes what stands behind a % in the name for an escape and looks for another file`;
  const place = shownAddress(root);
  const advice = "Name the store with --artifacts-root, or read the database and the store themselves (--from sqlite:///...)";
  return new DownloadError(`${reason}. From its store, ${place}, it cannot be had either: ${describeError(cause)} ${advice}.`, {
    uri: place,
    retryable: false,
    cause,
  });
}
