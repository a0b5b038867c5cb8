/** A model that a task reads: one that is registered, or weights from anywhere that are registered by their address. It is never given weights. */
import { ValidationError } from "../base/errors.js";
import { freeText, nameText } from "./clearml-text.js";
import type { ClearML } from "./create-clearml.js";
import { frameworkOfFile } from "./model-framework.js";
import { linkModel } from "./model-links.js";
import { findModels } from "./model-query.js";
import { Model, PACKAGE_TAG } from "./model.js";
import { checkedLabels, checkedName } from "./output-model.js";
import type { CallOptions } from "./session.js";
import { setConfiguration } from "./task-edits.js";
import { taskIdOf, type TaskArgument } from "./task-argument.js";

/** Configuration item in which the official client keeps a network's design. */
const DESIGN_CONFIGURATION = "General";

/** Weights that are registered by their address. Everything but the address is ignored when it is registered already. */
export interface ImportedModel {
  /** Address of the weights: http, https, s3, file, or of any other store. */
  readonly weightsUrl: string;
  /** Default: by the file's name. */
  readonly name?: string;
  /** Path of its project, made where it is missing. Default: none. */
  readonly project?: string;
  /** Default: by the file's name. */
  readonly framework?: string;
  readonly labels?: Readonly<Record<string, number>>;
  readonly design?: string | object;
  readonly tags?: readonly string[];
  readonly comment?: string;
  /** The weights are a zipped folder. Default false. */
  readonly isPackage?: boolean;
  /** Default false. */
  readonly publish?: boolean;
}

/** A model to start from. */
export class InputModel extends Model {
  /**
   * The model of this address: found, archived ones left aside, or registered. No task is named as its maker, so it is
   * on no task's list of output models.
   *
   * @throws ValidationError for an address that is none; ApiError, ConnectionError; the signal's reason.
   */
  static async import(clearml: ClearML, model: ImportedModel, options: CallOptions = {}): Promise<InputModel> {
    const uri = model.weightsUrl.trim();
    if (!/^[a-z][a-z0-9+.-]*:\/\/.+/i.test(uri)) {
      const message = `must be an address such as https://host/file.pt or s3://bucket/file.pt, not ${JSON.stringify(model.weightsUrl.slice(0, 200))}`;
      throw new ValidationError(`InputModel.import: weightsUrl ${message}.`, [{ path: "weightsUrl", message }]);
    }
    for await (const found of findModels(clearml, { uri, maxResults: 1 }, options)) return new InputModel(clearml, found);
    const file =
      uri
        .replace(/[?#].*$/, "")
        .split("/")
        .at(-1) ?? "";
    const project = model.project === undefined ? undefined : (await clearml.projects.findOrCreate(model.project, options)).id;
    const framework = model.framework ?? frameworkOfFile(file);
    const { design } = model;
    const { id } = await clearml.models.create(
      {
        name: checkedName(model.name ?? `Imported ${file.replace(/\.[^.]+$/, "")}`),
        uri,
        ready: false,
        labels: checkedLabels(model.labels ?? {}),
        tags: (model.tags ?? []).map(nameText),
        ...(model.isPackage === true ? { system_tags: [PACKAGE_TAG] } : {}),
        ...(model.comment === undefined ? {} : { comment: freeText(model.comment) }),
        ...(project === undefined ? {} : { project }),
        ...(framework === undefined ? {} : { framework }),
        ...(design === undefined
          ? {}
          : { design: { design: typeof design === "string" ? freeText(design) : JSON.stringify(design, undefined, 4) } }),
      },
      options,
    );
    const imported = await InputModel.get(clearml, { id }, options);
    if (model.publish === true) await imported.publish(options);
    return imported;
  }

  /**
   * Lists it among a task's input models, under `name` or its own. A task that has no labels or no design of its own takes
   * over the model's. An entry of the same name is replaced.
   *
   * @throws ApiError when the task is published or gone; ConnectionError; the signal's reason.
   */
  async connect(task: TaskArgument, { name = this.name, ...options }: CallOptions & { readonly name?: string } = {}): Promise<void> {
    const signal = options.signal ?? new AbortController().signal;
    const calls = { port: this.clearml.session, taskId: taskIdOf(task), signal };
    await linkModel(calls, { type: "input", name, modelId: this.id });
    const labels = this.labels;
    if (this.design === "" && Object.keys(labels).length === 0) return;
    const { task: document } = await this.clearml.tasks.getById({ task: calls.taskId }, options);
    if (Object.keys(labels).length > 0 && Object.keys(document.execution?.model_labels ?? {}).length === 0)
      await this.clearml.tasks.edit({ task: calls.taskId, force: true, execution: { model_labels: checkedLabels(labels) } }, options);
    if (this.design !== "" && document.configuration?.[DESIGN_CONFIGURATION] === undefined)
      await setConfiguration(calls, { name: DESIGN_CONFIGURATION, value: freeText(this.design), type: "dictionary" });
  }
}
