/** A folder that one process at a time may change: the others wait for their turn, and a killed one's turn is over. */
import { mkdir } from "node:fs/promises";
import type { Clock } from "../../base/clock.js";
import { DownloadError, JournalError } from "../../base/errors.js";
import { FolderLock } from "../../base/folder-lock.js";
import { describeFileError } from "../file-errors.js";

const POLL_MS = 250;

/** A turn that was taken. */
export interface FolderTurn {
  /** Aborts when another took this process for dead (its host slept, say): it must change nothing more. */
  readonly lost: AbortSignal;
  end(): Promise<void>;
}

/**
 * Waits for the folder.
 *
 * @param onWait Called once, when another process has it.
 * @throws the signal's reason; DownloadError when the folder cannot be written.
 */
export async function takeTurn(
  directory: string,
  clock: Clock,
  signal: AbortSignal,
  onWait: (why: string) => void = () => undefined,
): Promise<FolderTurn> {
  for (let waits = 0; ; waits++) {
    signal.throwIfAborted();
    const turn = await tryTurn(directory, clock, (why) => {
      if (waits === 0) onWait(why);
    });
    if (turn) return turn;
    await clock.sleep(POLL_MS, { signal, keepAlive: true });
  }
}

/** The folder, or undefined when a live process has it. @throws DownloadError when the folder cannot be written. */
export async function tryTurn(
  directory: string,
  clock: Clock,
  onLocked: (why: string) => void = () => undefined,
): Promise<FolderTurn | undefined> {
  const lost = new AbortController();
  try {
    await mkdir(directory, { recursive: true });
    const lock = await FolderLock.acquire(directory, clock, () => {
      lost.abort(
        new DownloadError(`${directory} was taken over by another process, as if this one were dead.`, { uri: directory, retryable: true }),
      );
    });
    return { lost: lost.signal, end: () => lock.release() };
  } catch (error) {
    if (JournalError.isInstance(error)) {
      onLocked(error.message);
      return undefined;
    }
    throw new DownloadError(
      `The folder ${directory} cannot be used for downloads: ${describeFileError(error)}. Name another one (TRAINER_CACHE_DIR, cacheDir), on a disk that can be written.`,
      { uri: directory, retryable: false, cause: error },
    );
  }
}
