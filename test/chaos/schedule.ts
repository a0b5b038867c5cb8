/**
 * What will be done to which job, drawn from one seed: the kills, where each strikes, and the faults that stand in the
 * servers' way meanwhile. Pure. What it cannot fix is how far a process has come at a given millisecond.
 */
import { between, seeded, shuffled, type Random } from "./seeded.ts";

/** Places in the code at which a kill can be told to strike. */
export const WINDOWS = [
  "inside-write",
  "before-fsync",
  "between-append-and-acknowledge",
  "in-compaction",
  "after-upload-before-announcement",
  "in-final-barrier",
] as const;
export type Window = (typeof WINDOWS)[number];

/** Servers, by the channel of their fault switches. */
export const CHANNELS = ["api", "callbacks", "s3", "files"] as const;
export type Channel = (typeof CHANNELS)[number];

export const FAULTS = ["refuse", "hang", "reset-mid-body", "500", "503", "429", "slow", "drop-answer", "garbage", "expire-tokens"] as const;
export type FaultName = (typeof FAULTS)[number];

/** A fault that hits `times` requests of a server, after it has let `skip` pass. */
export interface PlannedFault {
  readonly channel: Channel;
  readonly fault: FaultName;
  readonly skip: number;
  readonly times: number;
}

/** One life of a trainer, and its end. */
export interface Start {
  readonly kill:
    /** `afterMs` from the spawn of the process, or from the moment at which it reports for work. */
    | { readonly at: "random"; readonly from: "spawn" | "ready"; readonly afterMs: number }
    /** At the `nth` time that the window opens. `variant` chooses among the steps that make it up. */
    | { readonly at: Window; readonly nth: number; readonly variant: number };
  /** True: what was not fsynced dies with the process, as in a power cut. */
  readonly powerCut: boolean;
  readonly faults: readonly PlannedFault[];
  /** Jumps of the trainer's wall clock: this many ms after it is ready, by so much. */
  readonly clockJumps: readonly { readonly afterMs: number; readonly byMs: number }[];
}

export interface JobPlan {
  readonly jobId: string;
  readonly projectId: string;
  readonly storage: "s3" | "clearml";
  readonly ending: "completed" | "failed" | "stopped";
  readonly starts: readonly Start[];
}

/** Lives of one job before it may finish; the last two end in the final barrier. */
const KILLS_PER_JOB = 8;
const FINAL_KILLS_PER_JOB = 2;
const HOUR_MS = 3_600_000;

/** The whole schedule: `kills` kills over as many jobs as they need. */
export function planOf(seed: number, kills: number): JobPlan[] {
  const random = seeded(seed);
  const faults = faultDeck(random);
  const windows = deck<Window | "random">(random, [
    "random",
    "random",
    "random",
    ...WINDOWS.filter((name) => name !== "in-final-barrier"),
    "in-compaction",
  ]);
  const variants = new Map(WINDOWS.map((name) => [name, deck(random, [0, 1, 2, 3])]));
  const jobs: JobPlan[] = [];
  for (let left = kills; left > 0; left -= KILLS_PER_JOB) {
    const count = Math.min(left, KILLS_PER_JOB);
    const number = jobs.length + 1;
    const storage = number % 3 === 0 ? "clearml" : "s3";
    const starts = Array.from({ length: count }, (_, index): Start => {
      const window = index >= count - Math.min(FINAL_KILLS_PER_JOB, Math.ceil(count / 4)) ? "in-final-barrier" : windows();
      return {
        kill:
          window === "random"
            ? {
                at: window,
                ...(random() < 0.25
                  ? { from: "spawn", afterMs: between(random, 60, 300) }
                  : { from: "ready", afterMs: between(random, 0, 500) }),
              }
            : { at: window, nth: nthOf(window, random), variant: variants.get(window)?.() ?? 0 },
        powerCut: random() < 0.4,
        faults: Array.from({ length: between(random, 0, 3) }, () => faults(storage === "s3" ? "s3" : "files")),
        clockJumps: random() < 0.4 ? [{ afterMs: between(random, 20, 200), byMs: Math.round((random() * 2 - 1) * 6 * HOUR_MS) }] : [],
      };
    });
    jobs.push({
      jobId: `chaos-${String(seed)}-${String(number)}`,
      projectId: `chaos-${String(seed)}-${String(number % 3)}`,
      storage,
      ending: number % 5 === 3 ? "failed" : number % 5 === 4 ? "stopped" : "completed",
      starts,
    });
  }
  return jobs;
}

function nthOf(window: Window, random: Random): number {
  switch (window) {
    case "in-compaction":
      return between(random, 1, 2);
    case "after-upload-before-announcement":
    case "in-final-barrier":
      return 1;
    default:
      return between(random, 2, 25);
  }
}

/** Every fault at every server that has it, in turn: none is left out by chance. */
function faultDeck(random: Random): (storage: Channel) => PlannedFault {
  const decks = new Map(
    CHANNELS.map((channel) => [
      channel,
      deck(
        random,
        FAULTS.filter((fault) => fault !== "expire-tokens" || channel === "api"),
      ),
    ]),
  );
  return (storage) => {
    const channel = (["api", "callbacks", storage] as const)[between(random, 0, 2)] ?? "api";
    // Files are few.
    const skip = channel === "files" || channel === "s3" ? between(random, 0, 1) : between(random, 0, 4);
    return { channel, fault: decks.get(channel)?.() ?? "refuse", skip, times: between(random, 1, 3) };
  };
}

/** Draws each thing once before any comes again. */
function deck<T>(random: Random, things: readonly T[]): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = shuffled(random, things);
    return left.pop() as T;
  };
}
