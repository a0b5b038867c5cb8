/**
 * `currentTask()`: the ClearML task in the trainer's hand. There is always one: until the server knows the task, what it
 * is told lies in the journal under the local run id and lands on the task later.
 */
import { keptUp } from "../base/background.js";
import { checkObject, checkOptionalText, checkTexts, wrongType } from "./check.js";
import type { BoundTask } from "./events.js";
import { flattenParameters, type ParameterTree } from "../clearml/parameter-values.js";
import { rejectedReceipt, type Receipt, type UploadReceipt } from "./receipt.js";
import { present } from "./present.js";
import type { Run } from "./run.js";
import { TaskLogger } from "./task-logger.js";
import { uploadArtifact, type ArtifactInput } from "./upload-artifact.js";

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
