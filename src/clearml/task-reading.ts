/** What is known of a task: its document as it was read last, and the way to read it again. Changes nothing. */
import type { JsonValue } from "../base/json.js";
import type { OpenEnum } from "../protocol/clearml/field-types.js";
import type { TaskDocument, TaskStatus, TaskType } from "../protocol/clearml/task-document.js";
import { taskWebUrl } from "../protocol/clearml/web-urls.js";
import type { ClearML } from "./create-clearml.js";
import { readParameter } from "./parameter-values.js";
import type { CallOptions } from "./session.js";
import { TaskApi } from "./task-api.js";
import { artifactsByName, type Artifact } from "./task-artifacts.js";
import { configurationObject, configurationText } from "./task-connect.js";
import { PROPERTIES_SECTION, parameterAddress, readParameters, sectionOf } from "./task-parameters.js";
import type { TaskContainer } from "./task-script.js";
import type { TaskScript } from "./script-detection.js";

/** A property that users set, as it is kept. */
export interface UserProperty {
  readonly value: string;
  readonly type?: string | undefined;
  readonly description?: string | undefined;
}

/** The reading half of a task. What `document` holds is as old as the last `reload`; methods that return a promise ask the server. */
export class TaskReading {
  /** @internal */
  protected readonly api: TaskApi;
  #document: TaskDocument;

  /** @internal */
  constructor(clearml: ClearML, document: TaskDocument) {
    this.api = new TaskApi(clearml, document.id);
    this.#document = document;
  }

  /** The client that it was made with. */
  get clearml(): ClearML {
    return this.api.clearml;
  }
  get id(): string {
    return this.api.id;
  }
  /** Everything that the server said of it when it was read last. */
  get document(): TaskDocument {
    return this.#document;
  }
  get name(): string {
    return this.#document.name ?? "";
  }
  /** As it was read last; others change it at any time. */
  get status(): OpenEnum<TaskStatus> {
    return this.#document.status ?? "unknown";
  }
  get type(): OpenEnum<TaskType> {
    return this.#document.type ?? "custom";
  }
  /** Id of its project. */
  get projectId(): string | undefined {
    return this.#document.project ?? undefined;
  }
  /** Id of its parent. */
  get parent(): string | undefined {
    return this.#document.parent ?? undefined;
  }
  get comment(): string {
    return this.#document.comment ?? "";
  }
  /** Where its artifacts and models go; undefined: the project's destination, else the file server. */
  get outputUri(): string | undefined {
    return this.#document.output?.destination ?? undefined;
  }
  get lastIteration(): number {
    return this.#document.last_iteration ?? 0;
  }
  /** Its artifacts, as they were when it was read last. */
  get artifacts(): Readonly<Record<string, Artifact>> {
    return artifactsByName(this.api, this.#document.execution?.artifacts ?? []);
  }
  /** Its page in the web application; undefined where that is not known. */
  get webUrl(): string | undefined {
    const { webHost } = this.clearml.session;
    return webHost === undefined ? undefined : taskWebUrl(webHost, { taskId: this.id, projectId: this.projectId });
  }

  /** Reads the task again. @throws NotFoundError when it is gone; else as the session's calls. */
  async reload(options?: CallOptions): Promise<this> {
    this.#document = await this.api.read(options);
    return this;
  }

  /** @returns the status as it is now. */
  async getStatus(options?: CallOptions): Promise<OpenEnum<TaskStatus>> {
    return (await this.reload(options)).status;
  }

  /** Full path of its project; undefined when it has none. */
  async getProjectName(options?: CallOptions): Promise<string | undefined> {
    const { projectId } = this;
    if (projectId === undefined) return undefined;
    return (await this.clearml.projects.getById({ project: projectId }, options)).project.name ?? undefined;
  }

  /** Hyperparameters by `Section/name`, as text; with `cast` in the types that they were written with. User properties are apart. */
  async getParameters(options: CallOptions & { readonly cast?: boolean | undefined } = {}): Promise<Record<string, JsonValue>> {
    const { cast = false, ...call } = options;
    return readParameters(await this.reloaded(call), cast);
  }

  /** One hyperparameter in its type; `undefined` when there is none. Without a section, of `General`. */
  async getParameter(name: string, options?: CallOptions): Promise<JsonValue | undefined> {
    const address = parameterAddress(name);
    const items = sectionOf(await this.reloaded(options), address.section);
    const kept = Object.hasOwn(items, address.name) ? items[address.name] : undefined;
    return kept && readParameter(kept);
  }

  /** Texts of all configurations by name. */
  async getConfigurations(options?: CallOptions): Promise<Record<string, string>> {
    const { configuration } = await this.reloaded(options);
    return Object.fromEntries(Object.entries(configuration ?? {}).map(([name, item]) => [name, item.value ?? ""]));
  }

  /** Text of one configuration; `undefined` when there is none of that name. */
  async getConfiguration(name: string, options?: CallOptions): Promise<string | undefined> {
    return configurationText(await this.reloaded(options), name);
  }

  /**
   * One configuration as an object: JSON, or HOCON as ClearML's own client writes it; `undefined` when there is none.
   *
   * @throws ValidationError when its text is neither.
   */
  async getConfigurationAsDict(name: string, options?: CallOptions): Promise<JsonValue | undefined> {
    const text = await this.getConfiguration(name, options);
    return text === undefined ? undefined : configurationObject(name, text);
  }

  async getUserProperties(options?: CallOptions): Promise<Record<string, UserProperty>> {
    const items = (await this.reloaded(options)).hyperparams?.[PROPERTIES_SECTION] ?? {};
    return Object.fromEntries(
      Object.entries(items).map(([name, { value, type, description }]) => [
        name,
        { value: value ?? "", ...(typeof type === "string" ? { type } : {}), ...(typeof description === "string" ? { description } : {}) },
      ]),
    );
  }

  async getTags(options?: CallOptions): Promise<readonly string[]> {
    return (await this.reloaded(options)).tags ?? [];
  }

  /** 0 to 100; `undefined` when nobody said. */
  async getProgress(options?: CallOptions): Promise<number | undefined> {
    const progress = (await this.reloaded(options)).runtime?.["progress"];
    const number = typeof progress === "string" && progress.trim() !== "" ? Number(progress) : progress;
    return typeof number === "number" && Number.isFinite(number) ? number : undefined;
  }

  async getScript(options?: CallOptions): Promise<TaskScript> {
    const { script } = await this.reloaded(options);
    const requirements = Object.entries(script?.requirements ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
    return {
      repository: script?.repository ?? undefined,
      branch: script?.branch ?? undefined,
      commit: script?.version_num ?? undefined,
      diff: script?.diff ?? undefined,
      workingDir: script?.working_dir ?? undefined,
      entryPoint: script?.entry_point ?? undefined,
      binary: script?.binary ?? undefined,
      requirements: Object.fromEntries(requirements),
    };
  }

  async getContainer(options?: CallOptions): Promise<TaskContainer> {
    const container = (await this.reloaded(options)).container as Readonly<Record<string, string | undefined>> | null | undefined;
    return { image: container?.["image"], arguments: container?.["arguments"], setupShellScript: container?.["setup_shell_script"] };
  }

  /** @internal */
  protected async reloaded(options: CallOptions | undefined): Promise<TaskDocument> {
    return (await this.reload(options)).#document;
  }
}
