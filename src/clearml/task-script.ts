/** Code, packages and container of a task, merged into what it has (`clearml-protocol`, 3.6, 3.13). */
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import { freeText } from "./clearml-text.js";
import { withoutCredentials, type TaskScript } from "./script-detection.js";
import type { TaskApi, TaskEditOptions } from "./task-api.js";

/** Where a task runs. An absent field is left as it is. */
export interface TaskContainer {
  readonly image?: string | undefined;
  /** Arguments of the container's start, such as `--ipc=host -e NAME=1`. */
  readonly arguments?: string | undefined;
  /** Shell script that runs in the container before the task. */
  readonly setupShellScript?: string | undefined;
}

/** The script as the wire takes it. Addresses lose user and password. */
export function scriptInput(script: TaskScript): NonNullable<RequestOf<"tasks.edit">["script"]> {
  const { repository, branch, commit, diff, workingDir, entryPoint, binary, requirements } = script;
  return given({
    repository: repository === undefined ? undefined : freeText(withoutCredentials(repository)),
    branch: text(branch),
    version_num: text(commit),
    diff: text(diff),
    working_dir: text(workingDir),
    entry_point: text(entryPoint),
    binary: text(binary),
    requirements: requirements && Object.fromEntries(Object.entries(requirements).map(([manager, list]) => [manager, freeText(list)])),
  });
}

/** The container as the wire takes it. */
export function containerInput(container: TaskContainer): Record<string, string> {
  return given({
    image: text(container.image),
    arguments: text(container.arguments),
    setup_shell_script: text(container.setupShellScript),
  });
}

/** Sets parts of the script; the others stay. */
export function setScript(api: TaskApi, script: TaskScript, options: TaskEditOptions): Promise<void> {
  const isPinned = script.branch !== undefined;
  // A tag of the repository would win over the branch. Python's client takes a script without requirements for a damaged
  // one: its `get_requirements` ends with a TypeError.
  return api.editWhole("its script", options, ["script.tag", "script.requirements"], (task) => ({
    script: {
      ...(task.script?.requirements == null ? { requirements: {} } : {}),
      ...(isPinned && typeof task.script?.tag === "string" ? { tag: "" } : {}),
      ...scriptInput(script),
    },
  }));
}

/** Sets parts of the container; the others stay. */
export function setContainer(api: TaskApi, container: TaskContainer, options: TaskEditOptions): Promise<void> {
  return api.editWhole("its container", options, ["container"], (task) => ({
    container: { ...(task.container as Record<string, string> | null | undefined), ...containerInput(container) },
  }));
}

function text(value: string | undefined): string | undefined {
  return value === undefined ? undefined : freeText(value);
}

function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
