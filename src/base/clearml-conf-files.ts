/**
 * The files that `clearml.conf` is made of, found where ClearML's own client finds them (`clearml-protocol`, 2.4), read and
 * laid over each other. A file that cannot be used is an issue, and the others still count. Knows no key of theirs.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describeError, type Issue } from "./errors.js";
import { HoconError, type HoconObject, type ObjectNode } from "./hocon/hocon-tree.js";
import { parseHocon } from "./hocon/parse-hocon.js";
import { mergeObjects, resolveHocon } from "./hocon/resolve-hocon.js";
import { hasCode } from "./system-error.js";

/** What came of all files. */
export interface ConfFiles {
  /** Files that were read, in order: what a later one says wins. */
  readonly files: readonly string[];
  readonly values: HoconObject;
  readonly issues: readonly Issue[];
}

/** An environment: `process.env`, or what a test says. */
export type ConfVariables = Readonly<Record<string, string | undefined>>;

/** A file to read, and the name under which it was asked for. */
interface Candidate {
  readonly file: string;
  /** Key under which its text stands; empty: its text is the whole. */
  readonly below: readonly string[];
  /** The variable that names it; undefined: it is looked for, and may be missing. */
  readonly variable: string | undefined;
}

const MAX_INCLUDES = 10;
/** Folders below `CLEARML_CONFIG_PATH` that ClearML's client knows. */
const CONF_ENVIRONMENTS = ["default", "demo", "local"] as const;

/** Reads them all, synchronously: some kilobytes, when they are first wanted. Never throws. */
export function readConfFiles(env: ConfVariables): ConfFiles {
  const issues: Issue[] = [];
  const files: string[] = [];
  let values: HoconObject = {};
  for (const { file, below, variable } of [...inFolder(env, issues), ...byName(env)]) {
    try {
      const own = resolveHocon(readTree(file, 0), env);
      const placed = below.reduceRight<HoconObject>((inner, key) => ({ [key]: inner }), own);
      values = mergeObjects(values, placed);
      files.push(file);
    } catch (error) {
      if (variable === undefined && (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR"))) continue;
      issues.push(issueOf(error, variable ?? file, file));
    }
  }
  return { files, values, issues };
}

/** `CLEARML_CONFIG_FILE`, else what lies in the home folder of `env`. */
function byName(env: ConfVariables): readonly Candidate[] {
  const found = first(env, "CLEARML_CONFIG_FILE", "TRAINS_CONFIG_FILE");
  if (found) return [{ file: inHome(found.value, env), below: [], variable: found.name }];
  const home = homeOf(env);
  if (home === undefined) return [];
  return ["trains.conf", "clearml.conf"].map((name) => ({ file: path.join(home, name), below: [], variable: undefined }));
}

/**
 * `CLEARML_CONFIG_PATH`: a folder, in it `default` and, over it, the one that `CLEARML_ENV` names; in those the file
 * `api.conf` holds what stands under `api`, and `aws/s3.conf` what stands under `aws.s3`.
 */
function inFolder(env: ConfVariables, issues: Issue[]): readonly Candidate[] {
  const found = first(env, "CLEARML_CONFIG_PATH", "TRAINS_CONFIG_PATH");
  if (!found) return [];
  const folder = inHome(found.value, env);
  const chosen = first(env, "CLEARML_ENV", "TRAINS_ENV");
  const names = new Set(["default", chosen?.value ?? "default"]);
  if (chosen && !(CONF_ENVIRONMENTS as readonly string[]).includes(chosen.value)) {
    names.delete(chosen.value);
    issues.push({
      path: chosen.name,
      message: `must be ${CONF_ENVIRONMENTS.join(", ")}, not ${JSON.stringify(chosen.value.slice(0, 40))}`,
    });
  }
  const candidates: Candidate[] = [];
  let seen = 0;
  for (const name of names) {
    try {
      candidates.push(...filesBelow(path.join(folder, name), [], found.name));
      seen++;
    } catch (error) {
      if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) continue;
      issues.push(issueOf(error, found.name, path.join(folder, name)));
      seen++;
    }
  }
  if (seen === 0)
    issues.push({
      path: found.name,
      message: `names ${folder}, in which there is no folder ${[...names].join(" or ")} with files such as api.conf; to name one file, set CLEARML_CONFIG_FILE`,
    });
  return candidates;
}

/** Files that end in `.conf`, by name; mounted ones are links, and their hidden folders hold the same once more. */
function filesBelow(folder: string, below: readonly string[], variable: string): Candidate[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name): Candidate[] => {
      const file = path.join(folder, name);
      // A link that leads nowhere is a file that cannot be read, and takes no other one with it.
      const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
      if (isFolder) return name.startsWith("..") ? [] : filesBelow(file, [...below, ...name.split(".")], variable);
      return name.endsWith(".conf") ? [{ file, below: [...below, ...name.slice(0, -".conf".length).split(".")], variable }] : [];
    });
}

function readTree(file: string, depth: number): ObjectNode {
  const include = (name: string): ObjectNode | undefined => {
    if (depth >= MAX_INCLUDES)
      throw new HoconError("includes lead deeper than ten files; one includes itself", file, { line: 1, column: 1 });
    try {
      return readTree(path.resolve(path.dirname(file), name), depth + 1);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  };
  return parseHocon(readFileSync(file, "utf8"), { file, include });
}

function issueOf(error: unknown, where: string, file: string): Issue {
  const what =
    error instanceof HoconError
      ? `is not read, for its text is wrong: ${error.message}`
      : `names ${file}, which cannot be read: ${describeError(error)}`;
  return { path: where, message: `${what}. What it says is left out` };
}

/** The home folder of an environment. */
export function homeOf(env: ConfVariables): string | undefined {
  return first(env, "HOME", "USERPROFILE")?.value;
}

/** A path that may begin with `~`. */
export function inHome(file: string, env: ConfVariables): string {
  return file.replace(/^~(?=[/\\]|$)/, () => homeOf(env) ?? "~");
}

/** The first of some variables that is set; an empty one is not. */
function first(env: ConfVariables, ...names: readonly string[]): { readonly name: string; readonly value: string } | undefined {
  for (const name of names) {
    const value = env[name]?.trim();
    if (value !== undefined && value !== "") return { name, value };
  }
  return undefined;
}
