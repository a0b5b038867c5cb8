/** What a verification has laid side by side, and where the two sides differ. Keeps counts, and of differences the first ones. */

import { LossyThings } from "./lossy-things.js";

/** A difference, in words a person can act on. */
export interface Difference {
  /** Undefined: it is about more than one run. */
  readonly runId: string | undefined;
  readonly what: string;
  readonly inMlflow: string;
  readonly inClearML: string;
}

/** Of a run that a trainer wrote to both: something that MLflow has, and that no comparison with the trainer's task covers. */
export interface Uncompared {
  readonly runId: string;
  /** What, as `3 files`, with the reason where it does not go without saying. */
  readonly what: string;
}

/** More are counted and not kept: whoever lost a million points needs no list of them. */
const MAX_KEPT = 1000;
const MAX_WORDS = 200;

/** How much was looked at. */
export interface VerifiedCounts {
  projects: number;
  runs: number;
  /** Runs that a trainer wrote to both, each compared with the trainer's own task. What is counted of them is in the sums below, too. */
  reportedRuns: number;
  /** Names, texts, statuses, parameters, tags. */
  values: number;
  /** Points of MLflow, each compared with the copy. */
  points: number;
  /** Points of charts, each compared with the point of MLflow that it stands for. `points` is `events` + `collapsed` + `notChartable`. */
  events: number;
  /** Points that gave way to a later one of the same step. */
  collapsed: number;
  /** Points that no chart can hold. */
  notChartable: number;
  files: number;
  fileBytes: number;
  /** Of the files, those that ClearML has by their address alone: only that was compared. */
  linkedFiles: number;
  /** Logged models, versions of registered ones, and registered ones without a version. */
  models: number;
  /** Of the models, those of which MLflow lists no file: ClearML has an address of theirs, and nothing was compared with it. */
  modelsWithoutFiles: number;
}

/** A run, and what came of it. */
export interface RunVerification {
  readonly runId: string;
  readonly name: string;
  readonly experimentId: string;
  /** Undefined: there is none, or several. */
  readonly taskId: string | undefined;
  readonly values: number;
  readonly points: number;
  readonly collapsed: number;
  readonly notChartable: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly linkedFiles: number;
  readonly differences: number;
  /** A trainer wrote it to both: the task is the trainer's own. */
  readonly isReported: boolean;
}

export class Differences {
  readonly lossy = new LossyThings();
  readonly counts: VerifiedCounts = {
    projects: 0,
    runs: 0,
    reportedRuns: 0,
    values: 0,
    points: 0,
    events: 0,
    collapsed: 0,
    notChartable: 0,
    files: 0,
    fileBytes: 0,
    linkedFiles: 0,
    models: 0,
    modelsWithoutFiles: 0,
  };
  readonly kept: Difference[] = [];
  total = 0;
  readonly uncompared: Uncompared[] = [];
  uncomparedTotal = 0;

  /** Compares two texts or absent ones; equal means the same characters. */
  value(runId: string | undefined, what: string, inMlflow: string | undefined, inClearML: string | undefined): void {
    this.counts.values++;
    if (inMlflow !== inClearML) this.add(runId, what, inMlflow, inClearML);
  }

  /** Takes in what was found of a part. */
  absorb({ counts, kept, total, lossy, uncompared, uncomparedTotal }: Differences): void {
    for (const name of Object.keys(counts) as (keyof VerifiedCounts)[]) this.counts[name] += counts[name];
    this.kept.push(...kept.slice(0, Math.max(0, MAX_KEPT - this.kept.length)));
    this.total += total;
    this.uncompared.push(...uncompared.slice(0, Math.max(0, MAX_KEPT - this.uncompared.length)));
    this.uncomparedTotal += uncomparedTotal;
    this.lossy.absorb(lossy);
  }

  /** Tells of something that was not compared. */
  leave(runId: string, what: string): void {
    this.uncomparedTotal++;
    if (this.uncompared.length < MAX_KEPT) this.uncompared.push({ runId, what: words(what) });
  }

  add(runId: string | undefined, what: string, inMlflow: string | undefined, inClearML: string | undefined): void {
    this.total++;
    if (this.kept.length < MAX_KEPT) this.kept.push({ runId, what, inMlflow: words(inMlflow), inClearML: words(inClearML) });
  }
}

function words(text: string | undefined): string {
  if (text === undefined) return "nothing";
  return text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS).toWellFormed()}... (${String(text.length)} characters)` : text;
}
