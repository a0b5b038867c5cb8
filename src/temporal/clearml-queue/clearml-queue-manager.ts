/**
 * Trainers through a ClearML queue: what a worker's code names. The manager itself is loaded at the first call.
 *
 * - Each number of a key is a ClearML task of its own, made and queued by the manager and run by a clearml-agent. It is
 *   never the job's task: an agent gives statuses as it likes, and a new attempt would have to reset what was reported.
 *   The job's task is its parent, and `CLEARML_TASK_ID` of the trainer names that one.
 * - It is found again by a system tag made of the key. Its configuration holds key, number and labels; its script holds
 *   command and variables, as the fence does (`TRAINER_FENCE`). No secret: what a task holds, every user of ClearML reads.
 *   Keys and tokens come from the environment of the agent, or from its `clearml.conf`.
 * - The agent runs our launcher, which runs the trainer: an agent alone kills at once and keeps no more than a code.
 */
import type { Clock } from "../../base/clock.js";
import { ConfigError } from "../../base/errors.js";
import { resolveClearMLOptions, type ClearMLConnection, type Environment } from "../../clearml/options.js";
import { lazyManager } from "../lazy-manager.js";
import { BACKENDS, type TrainingManager } from "../training-manager.js";

/** Which queue, and how its trainers are run and followed. */
export interface ClearMLQueueManagerOptions {
  /** Name of a queue that exists, and that agents serve. */
  readonly queue: string;
  /** ClearML, in the place of the environment's. */
  readonly clearml?: ClearMLConnection;
  /** `CLEARML_*`. Default `process.env`. */
  readonly env?: Environment;
  /** Full path of the project of the trainers' tasks. Default `Trainer SDK/Trainers`. */
  readonly project?: string;
  /** Image of jobs that name none; for agents that run in Docker mode. Default: the agent's own. */
  readonly image?: string;
  /** Further arguments of `docker run`, such as `--ipc=host`. They go with an image. */
  readonly dockerArguments?: readonly string[];
  /** Shell script that an agent in Docker mode runs first in the container. Goes with an image. */
  readonly setupShellScript?: string;
  /** How often a task is read. Default 10 s. */
  readonly pollIntervalMs?: number;
  /** How often the launcher beside a trainer asks ClearML whether it is to end. Default 5 s. */
  readonly launcherPollIntervalMs?: number;
  /** From SIGTERM to SIGKILL when nobody says otherwise: a stop in ClearML's web UI, a later trainer. Default 60 s, at most 29 minutes. */
  readonly terminationGraceMs?: number;
  /** How long an agent may take to say what its launcher has said, or to answer to a stop once the grace is over. Default 90 s. */
  readonly agentTimeoutMs?: number;
  /** A running task of which nothing was heard for so long, while ClearML itself answered, has lost its agent. Agents ping each minute. Default 10 minutes. */
  readonly lostAfterMs?: number;
  /** How long a task may wait for an agent before the training fails as `BackendUnavailable`. Default: for ever. */
  readonly queueLimitMs?: number;
  /** How long each call bears a ClearML that does not answer; a trainer that runs goes on meanwhile. 0: not at all. Default 10 minutes. */
  readonly outageMs?: number;
  /** The kernel's counters of memory kills (`memory.events`), as the agent sees them. Default: of the control group that trainers start in. */
  readonly memoryEventsFile?: string;
  readonly clock?: Clock;
}

/** An agent waits no longer for a launcher, whatever is asked of it, and the launcher needs some of that. */
const MAX_TERMINATION_GRACE_MS = 29 * 60_000;

/**
 * Trainers through a ClearML queue.
 *
 * @throws ConfigError with everything that is wrong or missing in the options and the environment.
 */
export function clearmlQueueManager(options: ClearMLQueueManagerOptions): TrainingManager {
  const clearml = resolveClearMLOptions(options.clearml ?? {}, options.env ?? process.env);
  const issues = clearml.options === undefined ? [...clearml.issues] : [];
  if (options.queue.trim() === "") issues.push({ path: "queue", message: "must be the name of a queue" });
  if ((options.terminationGraceMs ?? 0) > MAX_TERMINATION_GRACE_MS)
    issues.push({ path: "terminationGraceMs", message: "must be 29 minutes at most: an agent waits no longer than 30 before it kills" });
  if (issues.length > 0 || clearml.options === undefined)
    throw new ConfigError(`clearmlQueueManager: ${issues.map(({ path, message }) => `${path} ${message}`).join("; ")}`, issues);
  const connection = clearml.options;
  const { agentTimeoutMs = 90_000, outageMs = 600_000 } = options;
  return lazyManager({ backend: BACKENDS.queue, hostBound: false, leaseMs: 0, stopMarginMs: agentTimeoutMs + outageMs }, async () => {
    const { QueueManager } = await import("./queue-manager.js");
    return new QueueManager({ ...options, agentTimeoutMs, outageMs }, connection);
  });
}
