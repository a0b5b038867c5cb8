/** Whose reports are read: a task's, or a model's own. */
import { taskIdOf, type TaskArgument } from "./task-argument.js";

/** A task (its id, or what has it), or a model by its id. */
export type ReadingSubject = TaskArgument | { readonly modelId: string };

/** The id, and whether it is a model's. */
export function subjectOf(subject: ReadingSubject): { readonly id: string; readonly isModel: boolean } {
  if (typeof subject === "object" && "modelId" in subject) return { id: subject.modelId, isModel: true };
  return { id: taskIdOf(subject), isModel: false };
}
