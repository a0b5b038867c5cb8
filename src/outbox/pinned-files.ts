/**
 * The pinned copies that belong to the outbox: how much room they take, and their removal. It removes only what a record
 * calls pinned, and, when the folder is opened, what lies in the pin folder and belongs to no record.
 */
import { basename, dirname, join, resolve } from "node:path";
import { describeError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { Attachment } from "../records/record.js";
import type { Disk } from "./disk.js";
import type { Journal } from "./journal.js";
import { UPLOAD } from "./ledger.js";

/** Folder of the pinned copies, in the journal's. */
export const PIN_FOLDER = "pins";

export class PinnedFiles {
  readonly #disk: Disk;
  readonly #logger: Logger;
  // Copies of uploads that were given up, kept for a person to put back in line.
  readonly #kept = new Map<number, number>();
  #folder: string | undefined;

  constructor(disk: Disk, logger: Logger) {
    this.#disk = disk;
    this.#logger = logger;
  }

  /** Of those kept although their upload was given up. */
  get keptBytes(): number {
    let bytes = 0;
    for (const size of this.#kept.values()) bytes += size;
    return bytes;
  }

  keep(sequence: number, attachment: Attachment): void {
    if (attachment.pinned) this.#kept.set(sequence, attachment.sizeBytes);
  }

  /** It waits for its upload again. */
  unkeep(sequence: number): void {
    this.#kept.delete(sequence);
  }

  /**
   * Where the attachment is now. The journal's folder may have been moved or mounted elsewhere since the record was
   * written; the copies moved with it.
   */
  whereabouts(attachment: Attachment): Attachment {
    const { path, pinned } = attachment;
    if (!pinned || this.#folder === undefined || basename(dirname(path)) !== PIN_FOLDER) return attachment;
    return { ...attachment, path: join(this.#folder, basename(path)) };
  }

  /** Removes the copy when it is ours. Never rejects: what stays behind is swept at the next start. */
  async remove(attachment: Attachment): Promise<void> {
    if (!attachment.pinned) return;
    try {
      await this.#disk.remove(this.whereabouts(attachment).path);
    } catch (error) {
      this.#logger.warn("A pinned copy could not be removed.", { path: attachment.path, reason: describeError(error) });
    }
  }

  /**
   * Takes over the folder of an earlier process: keeps what waits for its upload or for a person, and removes copies that
   * no record speaks of, because their process died before the record was kept. Only the folder's owner may.
   */
  async adopt(journal: Journal): Promise<void> {
    if (journal.path === undefined) return;
    this.#folder = join(journal.path, PIN_FOLDER);
    const wanted = [...journal.ledger.uploads.values()];
    for (const { record } of await journal.deadLetters(({ sink }) => sink === UPLOAD)) {
      const { attachment } = record.traits;
      if (!attachment) continue;
      this.keep(record.sequence, attachment);
      wanted.push(attachment);
    }
    await this.#sweep(this.#folder, new Set(wanted.map((attachment) => resolve(this.whereabouts(attachment).path))));
  }

  async #sweep(folder: string, wanted: ReadonlySet<string>): Promise<void> {
    for (const name of await this.#disk.list(folder).catch(() => [])) {
      const path = join(folder, name);
      if (!wanted.has(resolve(path))) await this.#disk.remove(path).catch(() => undefined);
    }
  }
}
