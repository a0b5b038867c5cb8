/** What ClearML shows otherwise than MLflow did, counted by kind, with the reason and an example of each. */

/** Of what kind it is. */
export type LossyKind =
  | "not-finite"
  | "too-large"
  | "step"
  | "same-step"
  | "reported-not-finite"
  | "renamed"
  | "iso-value"
  | "credentials"
  | "unended"
  | "times"
  | "parent"
  | "project"
  | "empty-experiment"
  | "datasets"
  | "model-metrics"
  | "linked-model"
  | "no-model-files"
  | "version-numbers";

/** Something that ClearML shows otherwise than MLflow did. The original is in the copy of its run all the same. */
export interface LossyThing {
  readonly what: LossyKind;
  readonly count: number;
  /** Why, and what becomes of it. */
  readonly why: string;
  /** One of them. */
  readonly example: string;
}

/** Every kind that there is, with its reason. */
const WHY: Readonly<Record<LossyKind, string>> = {
  "not-finite": "a point that is NaN or infinite cannot be in a chart; it is kept in the copy",
  "too-large": "a point beyond 32 bits of floating point cannot be in a chart (databases keep infinities so); it is kept in the copy",
  step: "a step or time that a number cannot hold, or that means something else to ClearML, cannot be in a chart; it is kept in the copy",
  "same-step": "a chart holds one point a step: the latest is shown, all are kept in the copy",
  "reported-not-finite": "a trainer marks a point that no chart can hold in the chart nonfinite: which number it was is in MLflow alone",
  renamed: "ClearML would confuse the name with another or read a date in it; the task says what it was called",
  "iso-value": "ClearML would read the text as a date: a space is put behind it",
  credentials:
    "an address with user or password loses them wherever ClearML shows it, lest they be read there; the copy of the run has it whole",
  unended: "the run never ended: its task is stopped, with MLflow's word as the reason",
  times: "a task begins and ends when it is migrated: the run's own times are user properties, and points keep theirs",
  parent: "the parent is not among the runs that are moved, or leads back to the run: the tag alone tells of it",
  project: "the experiment's name cannot be a project's path as it is; the project's description has the exact name",
  "empty-experiment": "an experiment without runs is a project: its times and the place of its files are kept nowhere",
  datasets: "a data set of MLflow has no content: it is kept in the copy, and ClearML has no data set of it",
  "model-metrics": "values that MLflow ties to a logged model are in the model's metadata, and in no chart of the model",
  "linked-model": "the files of a model lie in MLflow's store: its model in ClearML names their addresses",
  "no-model-files": "MLflow lists no file of the model: its model in ClearML names where MLflow says that they are",
  "version-numbers": "ClearML has no versions, stages or aliases: each version is a model of its own, and they are its tags",
};

/** A count of each kind, and the first one that was met. */
export class LossyThings {
  readonly #found = new Map<LossyKind, { count: number; readonly example: string }>();

  note(kind: LossyKind, example: string, count = 1): void {
    const known = this.#found.get(kind);
    if (known) known.count += count;
    else if (count > 0) this.#found.set(kind, { count, example });
  }

  absorb(others: LossyThings): void {
    for (const [kind, { count, example }] of others.#found) this.note(kind, example, count);
  }

  /** In the order in which the kinds were met. */
  list(): readonly LossyThing[] {
    return [...this.#found].map(([what, { count, example }]) => ({ what, count, why: WHY[what], example }));
  }
}
