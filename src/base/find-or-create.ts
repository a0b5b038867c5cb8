/**
 * How something is made at most once at a server that hands out the ids itself and takes no key: search by our key,
 * create, search again, keep the oldest, remove our own extra. A lost answer to the creation is found by the next
 * search; of two processes that create at once, both keep the older one.
 */

/** What the search must tell. */
export interface Candidate {
  readonly id: string;
  /**
   * ISO date-time. Set by the server it orders the creations themselves; where the caller sets it (MLflow), a later creation with
   * an earlier time can win after the other process has kept its own.
   */
  readonly created?: string | null | undefined;
}

export interface FindOrCreateSteps<T extends Candidate> {
  /** Everything that carries the key. */
  search(): Promise<readonly T[]>;
  /** Makes a new one with the key; answers its id. */
  create(): Promise<string>;
  /** Removes the one that this very call made. A failure leaves an extra behind and is not an error. */
  remove(id: string): Promise<void>;
  onNotRemoved(id: string, error: unknown): void;
  /** A search of the caller's own found nothing before: the first one is left out. Default false. */
  readonly wasAbsent?: boolean;
}

/** The one and only, and whether this call made it. */
export async function findOrCreate<T extends Candidate>(
  steps: FindOrCreateSteps<T>,
): Promise<{ readonly found: T | Candidate; readonly created: boolean }> {
  const before = steps.wasAbsent === true ? undefined : oldest(await steps.search());
  if (before) return { found: before, created: false };
  const id = await steps.create();
  const kept = oldest(await steps.search()) ?? { id };
  if (kept.id === id) return { found: kept, created: true };
  try {
    await steps.remove(id);
  } catch (error) {
    steps.onNotRemoved(id, error);
  }
  return { found: kept, created: false };
}

/** The first by creation, then by id: every process that looks sees the same one. */
export function oldest<T extends Candidate>(candidates: readonly T[]): T | undefined {
  return candidates.toSorted(byCreation)[0];
}

/** The order in which every process puts those of one key. */
export function byCreation(left: Candidate, right: Candidate): number {
  return createdMs(left) - createdMs(right) || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0);
}

/** Without a readable time of creation it counts as the newest. */
function createdMs(candidate: Candidate): number {
  const at = Date.parse(candidate.created ?? "");
  // A finite stand-in: infinity minus itself is no number to sort by.
  return Number.isNaN(at) ? Number.MAX_SAFE_INTEGER : at;
}
