/** A task as an argument: its id, or anything that has it. */

/** A task's id, or an object that has it, such as a `Task` or a task's document. */
export type TaskArgument = string | { readonly id: string };

/** The id that is meant. */
export function taskIdOf(task: TaskArgument): string {
  return typeof task === "string" ? task : task.id;
}
