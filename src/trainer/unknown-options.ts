/** Options that there are not: without a compiler's word a misspelt one would be ignored in silence. Pure. */
import type { Issue } from "../base/errors.js";
import type { TrainerClearMLOptions, CallbackOptions, TrainerMlflowOptions, TrainerOptions } from "./options.js";

/** Tables, so that the compiler misses none. */
type Names<T> = Readonly<Record<keyof T, true>>;

const OPTIONS: Names<TrainerOptions> = {
  ...{ env: true, jobId: true, projectId: true, operation: true, config: true, configSchema: true, callback: true, clearml: true },
  ...{ mlflow: true, sinks: true, extraSinks: true, storage: true, storageCredentials: true, checkpointKey: true },
  ...{ checkpointAlias: true, journalDir: true, handover: true, strict: true, rankScope: true, metricAddress: true, nonFinite: true },
  ...{ captureConsole: true, resourceMonitor: true, taskOwner: true, fence: true, maxJournalBytes: true, maxPinnedBytes: true },
  ...{ batchAgeMs: true, finalWaitMs: true, stopPollIntervalMs: true, signal: true, logger: true, clock: true, random: true },
  ...{ dispatcher: true, fetch: true, journal: true },
};
const CALLBACK: Names<CallbackOptions> = { url: true, token: true, dialect: true, timeoutMs: true };
const CLEARML: Names<TrainerClearMLOptions> = {
  ...{ apiHost: true, webHost: true, filesHost: true, accessKey: true, secretKey: true },
  ...{ taskId: true, projectName: true, taskName: true },
};
const MLFLOW: Names<TrainerMlflowOptions> = {
  ...{ trackingUri: true, username: true, password: true, token: true, experimentName: true, experimentId: true },
  ...{ runId: true, workspace: true, files: true },
};

/** An issue for each; the values are not in it, for they may be secrets. */
export function unknownOptions(given: object): Issue[] {
  const { callback, clearml, mlflow } = given as Readonly<Record<string, unknown>>;
  return [
    ...unknownIn("", given, OPTIONS),
    ...unknownIn("callback.", callback, CALLBACK),
    ...unknownIn("clearml.", clearml, CLEARML),
    ...unknownIn("mlflow.", mlflow, MLFLOW),
  ];
}

function unknownIn(above: string, given: unknown, names: Readonly<Record<string, true>>): Issue[] {
  if (typeof given !== "object" || given === null) return [];
  return Object.keys(given)
    .filter((name) => !Object.hasOwn(names, name))
    .map((name) => {
      const meant = Object.keys(names).find((known) => plain(known) === plain(name));
      return { path: `${above}${name}`, message: `is no option${meant === undefined ? "" : `; ${above}${meant} is`}` };
    });
}

/** Without what is mistaken most: the case of letters, and what parts words. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}
