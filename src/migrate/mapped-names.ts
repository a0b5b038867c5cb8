/**
 * Names of MLflow as ClearML keeps them. ClearML strips names, wants three characters of some, and reads dates out of
 * others; what would fall together there is told apart here, always in the same way, so that a second migration finds
 * the names of the first. Pure.
 */
import { nameText } from "../clearml/clearml-text.js";
import { otherWorkspace } from "../mlflow/workspaces.js";
import { NAME_MIN_LENGTH, PROJECT_MAX_DEPTH } from "../protocol/clearml/limits.js";

/** An experiment, as far as its project is named by it. */
interface NamedExperiment {
  readonly experiment_id: string;
  readonly name: string;
  readonly workspace?: string | undefined;
}

/**
 * A project's path for each experiment, by experiment id; a workspace that is not the default one is a project above its own. Give all that the server has, whatever is to be moved: of two
 * that would share a path the older one gets it, whoever is asked for.
 */
export function projectPaths(experiments: readonly NamedExperiment[], into: string | undefined): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  const taken = new Set<string>();
  for (const experiment of experiments.toSorted(byId)) {
    const { experiment_id } = experiment;
    const path = projectPath(experiment, into);
    const kept = taken.has(path) ? `${path} (mlflow ${experiment_id})` : path;
    taken.add(kept);
    paths.set(experiment_id, kept);
  }
  return paths;
}

/** The path that an experiment's project would have if ClearML took every name as it is. */
export function plainPath({ name, ...experiment }: NamedExperiment, into: string | undefined): string {
  return [into, otherWorkspace(experiment), name].filter((part) => part !== undefined).join("/");
}

/** Name of a run's task. */
export function taskNameOf(runName: string | undefined, runId: string): string {
  const name = runName?.trim() ?? "";
  return padded(name === "" ? runId : name);
}

/**
 * ClearML's key for each name, by name; names of `reserved` are given away already. The order of `names` does not
 * matter.
 */
export function mappedNames(names: Iterable<string>, reserved: Iterable<string> = []): ReadonlyMap<string, string> {
  const mapped = new Map<string, string>();
  const taken = new Set(reserved);
  // A name that stays as it is comes before those that would take its place.
  const sorted = [...new Set(names)].toSorted((one, other) => Number(isKept(other)) - Number(isKept(one)) || (one < other ? -1 : 1));
  for (const name of sorted) {
    const readable = keyText(name);
    let key = readable;
    for (let copy = 2; taken.has(key); copy++) key = `${readable} (${String(copy)})`;
    taken.add(key);
    mapped.set(name, key);
  }
  return mapped;
}

function projectPath({ name, ...experiment }: NamedExperiment, into: string | undefined): string {
  const workspace = otherWorkspace(experiment);
  const above = [...(into === undefined ? [] : into.split("/")), ...(workspace === undefined ? [] : [workspace])];
  const parts = name
    .split("/")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const room = Math.max(1, PROJECT_MAX_DEPTH - above.length);
  // What lies too deep becomes one name.
  const own = parts.length > room ? [...parts.slice(0, room - 1), parts.slice(room - 1).join(" - ")] : parts;
  return [...above, ...(own.length === 0 ? ["unnamed"] : own)].map(padded).join("/");
}

function padded(name: string): string {
  return nameText(name.trim()).padEnd(NAME_MIN_LENGTH, "_");
}

function keyText(name: string): string {
  const text = nameText(name.trim());
  return text === "" ? "(no name)" : text;
}

function isKept(name: string): boolean {
  return keyText(name) === name;
}

function byId(one: { readonly experiment_id: string }, other: { readonly experiment_id: string }): number {
  const [left, right] = [one.experiment_id, other.experiment_id];
  return left.length - right.length || (left < right ? -1 : 1);
}
