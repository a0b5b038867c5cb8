/**
 * `currentTask()`: the ClearML task in the trainer's hand. There is always one: until the server knows the task, what it
 * is told lies in the journal under the local run id and lands on the task later.
 */
import { keptUp } from "../base/background.js";
import { metricValue, nameProblem } from "./metric-values.js";
import { checkObject, checkOptionalText, checkText, checkTexts, countProblem, wrongType } from "./check.js";
import type { BoundTask } from "./events.js";
import { flattenParameters, type ParameterTree } from "./hyperparameters.js";
import { rejectedReceipt, type Receipt, type UploadReceipt } from "./receipt.js";
import { log, present, type LogLevelInput } from "./report-progress.js";
import type { Run } from "./run.js";
import { uploadArtifact, type ArtifactInput } from "./upload-artifact.js";

/** One point of one line of one chart. */
export interface ScalarInput {
  /** The chart. */
  readonly title: string;
  /** The line in it. */
  readonly series: string;
  readonly value: number;
  /** A whole number of 0 or more, absolute. */
  readonly iteration: number;
}

/** Charts and console of a task, under ClearML's own names. Promises mean durable, as everywhere. */
export class TaskLogger {
  readonly #run: Run;

  /** @internal */
  constructor(run: Run) {
    this.#run = run;
  }

  /** One point. The same title, series and iteration again overwrites it. */
  reportScalar(input: ScalarInput): Promise<Receipt> {
    const verb = "reportScalar";
    checkObject(verb, "input", input);
    checkText(verb, "title", input.title);
    checkText(verb, "series", input.series);
    if (typeof input.value !== "number") wrongType(verb, "value", "a number", input.value);
    if (typeof input.iteration !== "number") wrongType(verb, "iteration", "a number", input.iteration);
    const run = this.#run;
    const problem = countProblem(verb, "iteration", input.iteration) ?? nameProblem(input.title) ?? nameProblem(input.series);
    const refusal = run.refusal(verb);
    if (refusal) return Promise.resolve(refusal);
    if (problem !== undefined) return Promise.resolve(run.reject(verb, problem));
    const { title, series, iteration } = input;
    run.noteIteration(iteration);
    run.drawHealth();
    const value = run.metricValues.note("scalar", `${title}/${series}`, input.value, iteration);
    return run.say(verb, { kind: "scalar", title, series, value, iteration }, { shed: "scalar" });
  }

  /** A number without an iteration, for the task's summary table. The same name again overwrites it. */
  reportSingleValue(input: { readonly name: string; readonly value: number }): Promise<Receipt> {
    const verb = "reportSingleValue";
    checkObject(verb, "input", input);
    checkText(verb, "name", input.name);
    if (typeof input.value !== "number") wrongType(verb, "value", "a number", input.value);
    const run = this.#run;
    const problem = nameProblem(input.name);
    if (problem !== undefined) return Promise.resolve(run.refusal(verb) ?? run.reject(verb, problem));
    if (!Number.isFinite(input.value)) run.metricValues.note("summary", input.name, input.value, undefined);
    return run.say(verb, { kind: "scalar", title: "Summary", series: input.name, value: metricValue(input.value) }, { shed: "scalar" });
  }

  /** Console text. Each call is one entry. */
  reportText(message: string, options: { readonly level?: LogLevelInput } = {}): Promise<Receipt> {
    return log(this.#run, options.level ?? "info", message);
  }
}

/** The task. Every method journals a fact; none waits for the network. */
export class TaskHandle {
  readonly #run: Run;
  /** Charts and console. */
  readonly logger: TaskLogger;

  /** @internal */
  constructor(run: Run) {
    this.#run = run;
    this.logger = new TaskLogger(run);
  }

  /** ClearML's id of the task; `undefined` until it is known. */
  get id(): string | undefined {
    return this.#run.parts.boundTask()?.id;
  }

  /** The task's page in ClearML; `undefined` until the task is known. */
  get webUrl(): string | undefined {
    return this.#run.parts.boundTask()?.webUrl;
  }

  /**
   * Waits for the task. Resolves with `undefined` when there will be none: ClearML is not configured or refused, or the
   * SDK was closed first. Rejects only with the reason of an aborted `signal`.
   */
  bound(options: { readonly signal?: AbortSignal } = {}): Promise<BoundTask | undefined> {
    return keptUp(this.#bound(options.signal));
  }

  async #bound(signal: AbortSignal | undefined): Promise<BoundTask | undefined> {
    const { whenBound } = this.#run.parts;
    if (!signal) return whenBound;
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => {
      aborted.reject(signal.reason as Error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([whenBound, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Keeps a file, a text or a JSON value with the task. Resolves when its bytes are pinned and durable. */
  uploadArtifact(input: ArtifactInput): Promise<UploadReceipt> {
    return uploadArtifact(this.#run, input);
  }

  addTags(...tags: readonly string[]): Promise<Receipt> {
    checkTexts("addTags", "tags", tags);
    return this.#run.say("addTags", { kind: "tags", add: tags, remove: [] }, {});
  }

  removeTags(...tags: readonly string[]): Promise<Receipt> {
    checkTexts("removeTags", "tags", tags);
    return this.#run.say("removeTags", { kind: "tags", add: [], remove: tags }, {});
  }

  /** Hyperparameters, merged into a section. Nested objects become names with slashes. Default section `General`. */
  connect(parameters: ParameterTree, options: { readonly section?: string } = {}): Promise<Receipt> {
    const verb = "connect";
    checkObject(verb, "parameters", parameters);
    checkOptionalText(verb, "section", options.section);
    const values = flattenParameters(parameters);
    if (Object.keys(values).length === 0) return Promise.resolve(this.#run.refusal(verb) ?? rejectedReceipt("there is no parameter in it"));
    return this.#run.say(verb, { kind: "hyperparameters", section: options.section ?? "General", values }, {});
  }

  /** A configuration object: a text as it is, anything else as JSON. The same name again replaces it. Default name `General`. */
  connectConfiguration(configuration: unknown, options: { readonly name?: string; readonly description?: string } = {}): Promise<Receipt> {
    const verb = "connectConfiguration";
    checkOptionalText(verb, "name", options.name);
    const text = typeof configuration === "string" ? configuration : jsonText(verb, configuration);
    const type = typeof configuration === "string" ? "text" : "json";
    return this.#run.say(
      verb,
      { kind: "configuration", name: options.name ?? "General", text, type, ...present({ description: options.description }) },
      {},
    );
  }
}

function jsonText(verb: string, value: unknown): string {
  try {
    // `undefined`, functions and symbols have no JSON text, whatever the declaration says.
    const text = JSON.stringify(value, undefined, 2) as string | undefined;
    if (text !== undefined) return text;
  } catch {
    // A cycle or a bigint: the same answer.
  }
  return wrongType(verb, "configuration", "a text or a plain JSON value", value);
}
