/**
 * Stores the file of a debug sample where ClearML's own client would: the task's output destination, else the file server,
 * under the task's folder. Names are used again after a while, so that a long job does not fill the store.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, extname, join, resolve } from "node:path";
import { ValidationError } from "../base/errors.js";
import { metricObjectPath } from "../protocol/clearml/object-path.js";
import type { ReadSample } from "../records/media/media-input.js";
import { describeFileError, errnoOf } from "../storage/file-errors.js";
import { pinBytes } from "../storage/pin-bytes.js";
import { hashFile } from "../storage/private-copy.js";
import type { ClearML } from "./create-clearml.js";
import { objectOwner, type OwnedTask } from "./task-owner.js";

/** Digits of the counter in a sample's name. */
const COUNTER_DIGITS = 8;

/** A sample whose bytes are stored. */
export interface StoredSample {
  readonly url: string;
  /** Object path; a part of the event's identity. */
  readonly key: string;
}

export class SampleUpload {
  readonly #clearml: Pick<ClearML, "tasks" | "projects" | "objects">;
  readonly #taskId: string;
  readonly #maxHistory: number;
  readonly #counts = new Map<string, number>();
  #place: ReturnType<typeof objectOwner> | undefined;

  /** @param maxHistory Files of one title and series, at most. */
  constructor(clearml: Pick<ClearML, "tasks" | "projects" | "objects">, taskId: string, maxHistory: number) {
    this.#clearml = clearml;
    this.#taskId = taskId;
    this.#maxHistory = maxHistory;
  }

  /** @throws ValidationError for a file that cannot be read; else as `ObjectFiles.put` and the reading of the task do. */
  async store(sample: ReadSample, signal: AbortSignal): Promise<StoredSample> {
    const { title, series, source, contentType } = sample;
    if ("url" in source) return { url: source.url, key: pathOf(source.url) };
    const name = "path" in source ? basename(source.path) : source.fileName;
    const { owner, destination } = await this.#findPlace(signal);
    const key = metricObjectPath(owner, title, series, `${title}_${series}_${this.#nextNumber(title, series)}${extname(name)}`);
    if ("path" in source) {
      const path = resolve(source.path);
      const url = await this.#clearml.objects.put(destination, key, { path, ...(await measured(path, signal)), contentType }, { signal });
      return { url, key };
    }
    const directory = await mkdtemp(join(tmpdir(), "trainer-sdk-sample-"));
    try {
      const content = typeof source.content === "function" ? await source.content() : source.content;
      const pinned = await pinBytes({ content, fileName: name, directory, signal });
      if ("rejected" in pinned) throw unreadable(pinned.rejected);
      const { path, sizeBytes, sha256 } = pinned;
      return { url: await this.#clearml.objects.put(destination, key, { path, sizeBytes, sha256, contentType }, { signal }), key };
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  #nextNumber(title: string, series: string): string {
    const line = JSON.stringify([title, series]);
    const number = this.#counts.get(line) ?? 0;
    this.#counts.set(line, number + 1);
    return String(number % this.#maxHistory).padStart(COUNTER_DIGITS, "0");
  }

  /** Asked once; a failure is asked again. */
  #findPlace(signal: AbortSignal): ReturnType<typeof objectOwner> {
    const place = (this.#place ??= this.#askPlace(signal));
    place.catch(() => {
      if (this.#place === place) this.#place = undefined;
    });
    return place;
  }

  #askPlace(signal: AbortSignal): ReturnType<typeof objectOwner> {
    const [clearml, id] = [this.#clearml, this.#taskId];
    const readFields: OwnedTask["readFields"] = async (_fields, options) => (await clearml.tasks.getById({ task: id }, options)).task;
    return objectOwner({ id, clearml, readFields }, { signal });
  }
}

async function measured(path: string, signal: AbortSignal): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
  try {
    return await hashFile(path, signal);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw unreadable(`${path} cannot be read: ${describeFileError(error)}`, error);
  }
}

function unreadable(message: string, cause?: unknown): ValidationError {
  return new ValidationError(`The sample cannot be stored: ${message}.`, [{ path: "path", message }], cause);
}

/** Of something that lies elsewhere: its address without the host, as ClearML's own client has it. */
function pathOf(url: string): string {
  const path = url.indexOf("/", url.indexOf("://") + 3);
  return path < 0 ? url : url.slice(path);
}
