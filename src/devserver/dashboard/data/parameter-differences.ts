/** Hyperparameters of several tasks side by side. Pure. */
import type { TaskDocument } from "./documents.js";

/** One parameter: its value in each task, in the tasks' order; undefined where a task has none. */
export interface ComparedParameter {
  readonly name: string;
  readonly values: readonly (string | undefined)[];
  readonly differs: boolean;
}

/** One section with its parameters. */
export interface ComparedSection {
  readonly name: string;
  readonly parameters: readonly ComparedParameter[];
}

/** All parameters that any of the tasks has, by section, in order of name; configuration objects as a section of their own. */
export function compareParameters(tasks: readonly TaskDocument[]): ComparedSection[] {
  const flat = tasks.map(parametersOf);
  const sections = [...new Set(flat.flatMap((each) => [...each.keys()]))].sort(byName);
  return sections.map((section) => {
    const names = [...new Set(flat.flatMap((each) => [...(each.get(section)?.keys() ?? [])]))].sort(byName);
    return {
      name: section,
      parameters: names.map((name) => {
        const values = flat.map((each) => each.get(section)?.get(name));
        return { name, values, differs: new Set(values.map(comparable)).size > 1 };
      }),
    };
  });
}

function parametersOf(task: TaskDocument): Map<string, Map<string, string>> {
  const sections = new Map(
    Object.entries(task.hyperparams ?? {}).map(([section, values]) => [
      section,
      new Map(Object.entries(values).map(([name, entry]) => [entry.name ?? name, entry.value ?? ""])),
    ]),
  );
  const objects = Object.entries(task.configuration ?? {});
  if (objects.length > 0) {
    sections.set("Configuration", new Map(objects.map(([name, entry]) => [entry.name ?? name, entry.value ?? ""])));
  }
  return sections;
}

/** `0.10` and `0.1` are one value: the wire holds texts, and two clients write a number in two ways. */
function comparable(value: string | undefined): string | number | undefined {
  if (value === undefined || value.trim() === "") return value;
  const number = Number(value);
  return Number.isNaN(number) ? value : number;
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
