/**
 * Files of runs and models where a store recorded them, read without a server: in a local folder, on S3, or below the folder
 * that a gone server's `mlflow-artifacts:` addresses meant. Writes nothing but the copies that it is asked for.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { ConfigError, DownloadError, NotFoundError } from "../base/errors.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import { describeFileError, errnoOf } from "../storage/file-errors.js";
import { createObjectReader } from "../storage/open-object-reader.js";
import { folderOfFileAddress } from "./file-address.js";
import type { MlflowFile } from "./mlflow-documents.js";
import type { MlflowCall, MlflowDownload, MlflowDownloadCall } from "./mlflow-source.js";
import { shownAddress } from "./shown-address.js";
import { StreamDigest } from "./stream-digest.js";
import { treeFiles } from "./tree-files.js";

export interface ArtifactPlacesOptions {
  /** Folder that relative addresses start from. */
  readonly base: string;
  /** Folder or `s3://` address that stands for the root of `mlflow-artifacts:`. */
  readonly artifactsRoot?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export class ArtifactPlaces {
  readonly #options: ArtifactPlacesOptions;

  constructor(options: ArtifactPlacesOptions) {
    this.#options = options;
  }

  /**
   * Everything below an address, by name.
   *
   * @throws ConfigError for `mlflow-artifacts:` without a root; NotFoundError for a store that this package does not read;
   * DownloadError for a folder that is not on this machine, or cannot be read.
   */
  async *list(uri: string, { signal }: MlflowCall): AsyncGenerator<MlflowFile, void, undefined> {
    const place = this.#placeOf(uri);
    if (place.startsWith("s3:")) {
      const reader = this.#reader(place);
      try {
        for (const { key, sizeBytes } of await reader.list(signal)) yield { path: key, is_dir: false, file_size: sizeBytes };
      } finally {
        await reader.close();
      }
      return;
    }
    for (const path of await filesBelow(place, uri, signal)) {
      signal.throwIfAborted();
      yield { path, is_dir: false, file_size: (await stat(join(place, ...path.split("/")))).size };
    }
  }

  /** The folder that an address of this machine names; undefined for other stores. @throws ConfigError for a `file:` address that names none. */
  localFolder(uri: string): string | undefined {
    const { base } = this.#options;
    const named = folderOfFileAddress(uri, base);
    if (named !== undefined) return named;
    if (/^[a-z][a-z0-9+.-]+:/i.test(uri)) return undefined;
    return isAbsolute(uri) ? uri : resolve(base, uri);
  }

  /** Copies a file. @throws DownloadError when it cannot be read or is not of the listed size; else as {@link ArtifactPlaces.list}. */
  async download(uri: string, path: string, target: string, { signal, sizeBytes }: MlflowDownloadCall): Promise<MlflowDownload> {
    const place = this.#placeOf(uri);
    const digest = new StreamDigest();
    try {
      if (place.startsWith("s3:")) {
        const reader = this.#reader(place);
        try {
          await reader.download(path, target, signal);
        } finally {
          await reader.close();
        }
        digest.resume();
        await pipeline(createReadStream(target), digest, { signal });
      } else {
        await pipeline(createReadStream(join(place, ...path.split("/"))), digest, createWriteStream(target, { flush: true }), { signal });
      }
    } catch (error) {
      signal.throwIfAborted();
      if (errnoOf(error) === undefined) throw error;
      throw new DownloadError(`The file ${path} at ${uri} cannot be read: ${describeFileError(error)}.`, {
        uri,
        retryable: false,
        cause: error,
      });
    }
    digest.expect(sizeBytes, { path, of: `at ${uri}`, uri });
    return digest.result();
  }

  #reader(place: string): ReturnType<typeof createObjectReader> {
    const parsed = parseCheckpointUri(place);
    const spec = parsed.status === "parsed" ? parsed.spec : undefined;
    if (spec === undefined || spec.kind === "fileserver") throw new NotFoundError(`${shownAddress(place)} is no address of a store.`);
    return createObjectReader(spec, this.#options.env);
  }

  /** An absolute folder, or an `s3:` address. */
  #placeOf(uri: string): string {
    const { artifactsRoot } = this.#options;
    if (uri.startsWith("mlflow-artifacts:")) {
      const path = uri.replace(/^mlflow-artifacts:\/(?:\/[^/]*)?\/*/, "");
      if (artifactsRoot === undefined) {
        const message = `is needed: files lie at ${shownAddress(uri)}, which only the server could resolve; name the folder or s3:// address that was its --artifacts-destination`;
        throw new ConfigError(`--artifacts-root ${message}.`, [{ path: "artifactsRoot", message }]);
      }
      return this.#placeOf(`${artifactsRoot.replace(/\/+$/, "")}/${path}`);
    }
    if (uri.startsWith("s3:")) return uri;
    const folder = this.localFolder(uri);
    if (folder !== undefined) return folder;
    throw new NotFoundError(`Files at ${shownAddress(uri).slice(0, 200)} cannot be read: folders and s3:// can.`);
  }
}

/** What the path of a run's or a logged model's files is made of: `<root>/<experiment>/<owner>/artifacts<below>`. */
export interface RecordedPlace {
  readonly root: string;
  readonly experimentId: string;
  /** A run id, or `models/` and a model id. */
  readonly owner: string;
  /** Empty, or begins with a slash. */
  readonly below: string;
}

/** Takes a path apart; undefined for one that MLflow did not choose. Pure. */
export function recordedPlace(folder: string): RecordedPlace | undefined {
  const parts = /^(.*)\/(?!models\/)([^/]+)\/((?:models\/)?[^/]+)\/artifacts((?:\/.*)?)$/.exec(folder.replaceAll("\\", "/"));
  const [, root = "", experimentId = "", owner = "", below = ""] = parts ?? [];
  return parts ? { root, experimentId, owner, below } : undefined;
}

/** A run that stored nothing has no folder; a folder whose whole surroundings are missing was another machine's. */
async function filesBelow(folder: string, uri: string, signal: AbortSignal): Promise<readonly string[]> {
  try {
    return await treeFiles(folder, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { path = folder } = error as NodeJS.ErrnoException;
    if (errnoOf(error) !== "ENOENT" || path !== folder)
      throw new DownloadError(`The files at ${uri} cannot be read: of ${path}, ${describeFileError(error)}.`, {
        uri,
        retryable: false,
        cause: error,
      });
    const root = recordedPlace(folder)?.root ?? dirname(folder);
    const isHere = await stat(root).then(
      () => true,
      () => false,
    );
    if (isHere) return [];
    throw new DownloadError(
      `The files at ${uri} are not on this machine: there is no ${root}. Bring the folder here, under the same path.`,
      {
        uri,
        retryable: false,
        cause: error,
      },
    );
  }
}
