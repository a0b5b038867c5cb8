/** Which runs have a task already: asked for many at once, as their turn comes, since each question is a request. */
import { byCreation } from "../base/find-or-create.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { externalKeyTag } from "../clearml/task-start.js";
import type { TaskDocument } from "../protocol/clearml/task-document.js";

/** Keys of one question: some kilobytes. */
const KEYS_AT_ONCE = 100;

interface Group {
  readonly keys: readonly string[];
  found: Promise<ReadonlyMap<string, string>> | undefined;
}

export class KnownTasks {
  readonly #clearml: ClearML;
  readonly #groups = new Map<string, Group>();

  constructor(clearml: ClearML) {
    this.#clearml = clearml;
  }

  /** Names what will be asked for, in the order of asking. */
  expect(keys: readonly string[]): void {
    for (let start = 0; start < keys.length; start += KEYS_AT_ONCE) {
      const group: Group = { keys: keys.slice(start, start + KEYS_AT_ONCE), found: undefined };
      for (const key of group.keys) this.#groups.set(key, group);
    }
  }

  /**
   * Id of the task of a key, of several the oldest one. Undefined: there was none when its group was asked for, which may be some
   * time ago.
   *
   * @throws ApiError, ConnectionError; the signal's reason. It can be asked again.
   */
  async idOf(key: string, signal: AbortSignal): Promise<string | undefined> {
    const group = this.#groups.get(key) ?? { keys: [key], found: undefined };
    group.found ??= this.#search(group.keys, signal);
    try {
      return (await group.found).get(key);
    } catch (error) {
      group.found = undefined;
      throw error;
    }
  }

  async #search(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const keyOf = new Map(keys.map((key) => [externalKeyTag(key), key]));
    const only_fields = ["id", "created", "system_tags"];
    const tasks: TaskDocument[] = [];
    const carrying = { system_tags: [...keyOf.keys()], search_hidden: true, only_fields };
    for await (const task of this.#clearml.tasks.getAll(carrying, { signal })) tasks.push(task);
    const found = new Map<string, string>();
    for (const { id, system_tags } of tasks.toSorted(byCreation))
      for (const tag of system_tags ?? []) {
        const key = keyOf.get(tag);
        if (key !== undefined && !found.has(key)) found.set(key, id);
      }
    return found;
  }
}
