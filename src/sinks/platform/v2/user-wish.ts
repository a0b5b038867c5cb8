/**
 * A user's cancel or stop, as the existing backend shows it: a status of the job, and nothing else. The next progress
 * report would wipe it out, so whoever sees a status says it here.
 */

/** Statuses by which a user ends a job. */
export type UserMark = "cancelled" | "stopped";

export interface UserWishOptions {
  readonly jobId: number;
  /**
   * True once this attempt has reported something. Before that `stopped` may be what an earlier attempt left when it was
   * interrupted, and says nothing of this one.
   */
  readonly hasBegun: () => boolean;
  /** Called once for each wish. */
  readonly onStopRequest: (reason: string) => void;
}

export class UserWish {
  readonly #options: UserWishOptions;
  #known: UserMark | undefined;

  constructor(options: UserWishOptions) {
    this.#options = options;
  }

  /** Takes in the job's status. Answers the mark, if it is a user's. */
  hear(status: string | undefined): UserMark | undefined {
    const { jobId, hasBegun, onStopRequest } = this.#options;
    const mark = status === "cancelled" || (status === "stopped" && hasBegun()) ? status : undefined;
    if (mark !== undefined && mark !== this.#known) {
      this.#known = mark;
      onStopRequest(`training job ${String(jobId)} is ${mark} at the backend`);
    } else if (status === "running" || status === "pending") this.#known = undefined;
    return mark;
  }
}
