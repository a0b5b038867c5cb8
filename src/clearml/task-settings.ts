/**
 * What is written on a task: settings, words about it, files. Each edit is one request where the server has an endpoint
 * for it, so edits of other programs stay; what the server closes when the task ends is reopened by `force` alone.
 */
import { ValidationError } from "../base/errors.js";
import type { ArtifactSource } from "./artifact-source.js";
import { freeText, nameText } from "./clearml-text.js";
import { editTask } from "./locked-task.js";
import { Logger } from "./logger.js";
import { linkModel } from "./model-links.js";
import { taskModels, type TaskModels } from "./models-of-task.js";
import type { ParameterTree } from "./parameter-values.js";
import type { TaskScript } from "./script-detection.js";
import type { CallOptions } from "./session.js";
import type { TaskEditOptions } from "./task-api.js";
import { deleteArtifacts, uploadArtifact, type Artifact, type UploadArtifactOptions } from "./task-artifacts.js";
import {
  connectConfigurationText,
  connectParameters,
  type ConfigurationSource,
  type ConnectConfigurationOptions,
  type ConnectOptions,
} from "./task-connect.js";
import { configurationOf, setRuntime } from "./task-edits.js";
import {
  PROPERTIES_SECTION,
  deleteParameters,
  flatParameters,
  namedParameter,
  parameterAddress,
  replaceParameters,
  sectionParameters,
  updateParameters,
  type DescribedParameter,
} from "./task-parameters.js";
import { checkTag } from "./task-query.js";
import { TaskReading } from "./task-reading.js";
import { setContainer, setScript, type TaskContainer } from "./task-script.js";
import { taskName } from "./task-start.js";

/** A user property: a value, or one with what is said about it. */
export type UserPropertyInput = string | number | boolean | null | DescribedParameter;

/** The writing half of a task. Errors of all methods: NotFoundError, TaskStatusError, and those of the session's calls. */
export class TaskSettings extends TaskReading {
  /** @internal */
  protected isRemoteRun = false;
  /** @internal */
  protected reporter: Logger | undefined;

  /**
   * True when this process was started for the task by an agent or a platform (`CLEARML_TASK_ID`): what is connected is
   * then read from the task, not written to it.
   */
  get isRemote(): boolean {
    return this.isRemoteRun;
  }

  /**
   * Connects settings: written to a section of hyperparameters, nested ones under `a/b`; in a remote run read back from
   * it. Resolves with the settings to use, of the shape and the types that were handed in.
   */
  connect<Settings extends object>(settings: Settings, options: ConnectOptions = {}): Promise<Settings> {
    return connectParameters(this.api, settings, this.isRemote, options);
  }

  /**
   * Connects a configuration: written under a name; in a remote run read back. Resolves with the text to use, which is
   * JSON for `json` unless somebody edited it into another form.
   */
  async connectConfiguration(source: ConfigurationSource, options: ConnectConfigurationOptions = {}): Promise<string> {
    return connectConfigurationText(this.api, source, this.isRemote, options);
  }

  /** Sets hyperparameters by `Section/name` in the place of all others; user properties stay. */
  async setParameters(values: Readonly<Record<string, unknown>>, options: TaskEditOptions = {}): Promise<void> {
    await replaceParameters(this.api, flatParameters(values), options);
  }

  /** Sets hyperparameters by `Section/name`; others stay. */
  async updateParameters(values: Readonly<Record<string, unknown>>, options: TaskEditOptions = {}): Promise<void> {
    await updateParameters(this.api, flatParameters(values), options);
  }

  /** Sets the hyperparameters of nested settings, each first level a section; others stay. */
  async setParametersAsDict(sections: Readonly<Record<string, ParameterTree>>, options: TaskEditOptions = {}): Promise<void> {
    const parameters = Object.entries(sections).flatMap(([section, tree]) => sectionParameters(section, tree));
    await updateParameters(this.api, parameters, options);
  }

  /** Sets one hyperparameter. Without a section in its name it goes to `General`. */
  async setParameter(
    name: string,
    value: unknown,
    options: TaskEditOptions & { readonly type?: string | undefined; readonly description?: string | undefined } = {},
  ): Promise<void> {
    const { type, description, ...edit } = options;
    const address = parameterAddress(name);
    await updateParameters(this.api, [namedParameter(address.section, address.name, { value, type, description })], edit);
  }

  /** Resolves with whether there was one. */
  async deleteParameter(name: string, options: TaskEditOptions = {}): Promise<boolean> {
    return (await deleteParameters(this.api, [parameterAddress(name)], options)) > 0;
  }

  /** Sets user properties; others stay. Possible in every status. */
  async setUserProperties(properties: Readonly<Record<string, UserPropertyInput>>, options: CallOptions = {}): Promise<void> {
    const parameters = Object.entries(properties).map(([name, property]) =>
      namedParameter(PROPERTIES_SECTION, name, typeof property === "object" && property !== null ? property : { value: property }),
    );
    await updateParameters(this.api, parameters, options);
  }

  /** Resolves with how many there were. */
  deleteUserProperties(names: readonly string[], options: CallOptions = {}): Promise<number> {
    return deleteParameters(
      this.api,
      names.map((name) => ({ section: PROPERTIES_SECTION, name: name.trim() })),
      options,
    );
  }

  /** Deletes a configuration. Resolves with whether there was one. */
  async deleteConfiguration(name: string, options: TaskEditOptions = {}): Promise<boolean> {
    const items = (await this.reloaded(options)).configuration ?? {};
    const key = name.trim();
    if (!Object.hasOwn(items, key)) return false;
    const left = Object.entries(items).flatMap(([other, item]) =>
      other === key ? [] : [{ ...configurationOf(item), name: other, value: item.value ?? "" }],
    );
    const { id: task } = this;
    await this.api.edit("its configuration", options, (calls) =>
      editTask(
        calls,
        // The server takes some names for commands when it deletes (3.6); what is left is written instead.
        () =>
          left.length === 0
            ? calls.port.call("tasks.delete_configuration", { task, configuration: [key], force: true }, calls)
            : calls.port.call("tasks.edit_configuration", { task, configuration: left, replace_configuration: true, force: true }, calls),
        { fields: [], merge: () => ({ configuration: Object.fromEntries(left.map((item) => [item.name, item])) }) },
      ),
    );
    return true;
  }

  /**
   * Stores a file, folder, text, JSON value, table or bytes as an artifact, and registers it once it is verified.
   * Resolves with the artifact. The same name again takes the older one's place.
   *
   * @throws ValidationError for a source that is none; UploadError, `FILE_CHANGED` when it was written to meanwhile;
   * ConfigError for a destination that cannot be used.
   */
  uploadArtifact(name: string, source: ArtifactSource, options: UploadArtifactOptions = {}): Promise<Artifact> {
    return uploadArtifact(this.api, name, source, options);
  }

  /** Takes artifacts off the task. Their files stay where they are. */
  async deleteArtifacts(names: readonly string[], options: TaskEditOptions = {}): Promise<void> {
    await deleteArtifacts(this.api, names, options);
  }

  /**
   * What the task's charts, plots, samples and console are reported with; one for this object, made at the first look. What
   * waits in it is delivered by its `flush`, and by the task's `close`.
   */
  get logger(): Logger {
    return (this.reporter ??= new Logger(this.clearml, this.id));
  }

  /** The models that the task reads and those that it made, under its own names for them. */
  getModels(options: CallOptions = {}): Promise<TaskModels> {
    return taskModels(this.clearml, this.id, options);
  }

  /** Notes a model that the task reads. The same name again takes the older one's place. */
  async setInputModel(
    model: { readonly id: string },
    options: TaskEditOptions & { readonly name?: string | undefined } = {},
  ): Promise<void> {
    const { name = "Input Model", ...edit } = options;
    await this.api.edit("its models", edit, (calls) => linkModel(calls, { type: "input", name, modelId: model.id }));
  }

  async addTags(tags: readonly string[], options?: CallOptions): Promise<void> {
    await this.#editTags({ add_tags: checked(tags) }, options);
  }

  async removeTags(tags: readonly string[], options?: CallOptions): Promise<void> {
    await this.#editTags({ remove_tags: checked(tags) }, options);
  }

  /** Sets the tags in the place of all others. */
  async setTags(tags: readonly string[], options?: CallOptions): Promise<void> {
    await this.api.call("tasks.update", { task: this.id, tags: checked(tags) }, options);
  }

  async setName(name: string, options?: CallOptions): Promise<void> {
    await this.api.call("tasks.update", { task: this.id, name: taskName(name) }, options);
  }

  async setComment(comment: string, options?: CallOptions): Promise<void> {
    await this.api.call("tasks.update", { task: this.id, comment: freeText(comment) }, options);
  }

  /** Moves the task to a project, by its full path; made where it is missing. */
  async moveToProject(project: string, options: CallOptions = {}): Promise<void> {
    const { id } = await this.clearml.projects.findOrCreate(project, options);
    await this.api.call("tasks.update", { task: this.id, project: id }, options);
  }

  /** @param parent a task, or its id. */
  async setParent(parent: string | { readonly id: string }, options: TaskEditOptions = {}): Promise<void> {
    const id = typeof parent === "string" ? parent : parent.id;
    await this.api.editWhole("its parent", options, [], () => ({ parent: id }));
  }

  /** Where artifacts and models go from now on: `s3://...`, `file:///...`, an address of the file server. */
  async setOutputUri(uri: string, options: TaskEditOptions = {}): Promise<void> {
    await this.api.editWhole("its output destination", options, [], () => ({ output_dest: freeText(uri) }));
  }

  /** @param percent whole, 0 to 100. @throws ValidationError for anything else. */
  async setProgress(percent: number, options: TaskEditOptions = {}): Promise<void> {
    if (!Number.isInteger(percent) || percent < 0 || percent > 100) {
      const message = "must be a whole number from 0 to 100";
      throw new ValidationError(`The progress ${String(percent)} ${message}.`, [{ path: "percent", message }]);
    }
    await this.api.edit("its progress", options, (calls) => setRuntime(calls, { progress: String(percent) }));
  }

  /** Sets parts of the script; the others stay. User and password are taken out of the repository's address. */
  async setScript(script: TaskScript, options: TaskEditOptions = {}): Promise<void> {
    await setScript(this.api, script, options);
  }

  /** Sets the packages, one `name@version` or `name==version` a line. `manager`: `pip` is what ClearML's agent installs. Default `npm`. */
  async setPackages(packages: readonly string[], options: TaskEditOptions & { readonly manager?: string | undefined } = {}): Promise<void> {
    const { manager = "npm", ...edit } = options;
    await setScript(this.api, { requirements: { [manager]: packages.map((line) => `${line}\n`).join("") } }, edit);
  }

  /** Sets parts of the container; the others stay. `set_base_docker` in Python. */
  async setContainer(container: TaskContainer, options: TaskEditOptions = {}): Promise<void> {
    await setContainer(this.api, container, options);
  }

  async #editTags(
    change: { readonly add_tags?: string[]; readonly remove_tags?: string[] },
    options: CallOptions | undefined,
  ): Promise<void> {
    if ((change.add_tags ?? change.remove_tags ?? []).length === 0) return;
    await this.api.call("tasks.update_tags", { ids: [this.id], ...change }, options);
  }
}

function checked(tags: readonly string[]): string[] {
  for (const tag of tags) checkTag(tag);
  return tags.map(nameText);
}
