/** A session's files on their way to the file server: under the object path that they were recorded with, the task's id in the place of the session's. */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { ClearML } from "../create-clearml.js";
import type { SessionArchive } from "./session-archive.js";
import { DATA_FOLDER, dataPathOf, type SessionTask } from "./session-layout.js";

export interface SessionUploadsOptions {
  readonly clearml: ClearML;
  readonly archive: SessionArchive;
  readonly session: SessionTask;
  readonly taskId: string;
  readonly signal: AbortSignal | undefined;
  readonly onFile: () => void;
}

export class SessionUploads {
  readonly #options: SessionUploadsOptions;

  constructor(options: SessionUploadsOptions) {
    this.#options = options;
  }

  /** The text with the task's id wherever the session's stood. */
  renamed(text: string): string {
    return text.replaceAll(this.#options.session.id, this.#options.taskId);
  }

  /** Uploads `data/<object path>` and answers its address; undefined when the archive has no such file. */
  async data(objectPath: string): Promise<string | undefined> {
    const { archive } = this.#options;
    const name = [`${DATA_FOLDER}/${objectPath}`, `${DATA_FOLDER}/${decoded(objectPath)}`].find((candidate) => archive.has(candidate));
    return name === undefined ? undefined : this.file(name, this.renamed(objectPath));
  }

  /** A figure whose layout shows images of the session, with their new addresses. */
  async figure(text: string): Promise<string> {
    const figure = JSON.parse(text) as { layout?: { images?: { source?: unknown }[] } };
    for (const image of figure.layout?.images ?? []) {
      const inside = typeof image.source === "string" ? dataPathOf(image.source, this.#options.session.offline_folder) : undefined;
      if (inside !== undefined) image.source = (await this.data(inside)) ?? image.source;
    }
    return JSON.stringify(figure);
  }

  /** Uploads a file of the archive. */
  async file(name: string, objectPath: string): Promise<string> {
    const { archive, clearml, signal, onFile } = this.#options;
    // From a file and not from the archive: what is sent again after a refused token must be the same bytes from the start.
    const folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-offline-"));
    try {
      const bytes = path.join(folder, "bytes");
      const given = signal === undefined ? {} : { signal };
      await pipeline(await archive.open(name), createWriteStream(bytes), given);
      const uri = await clearml.files.upload(objectPath, bytes, { sizeBytes: archive.sizeOf(name), ...given });
      onFile();
      return uri;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** A path of an address may be percent-quoted where the archive's is not. */
function decoded(objectPath: string): string {
  try {
    return decodeURIComponent(objectPath);
  } catch {
    return objectPath;
  }
}
