/**
 * Where files lie on ClearML's file server, and the URLs under which they are announced. Both are quoted in two passes
 * that must not be mixed up: names become an object path, and an object path becomes a URL. A stored URL is used as it
 * stands and never decoded or encoded again (`clearml-protocol`, 10.2).
 */
import { createHash } from "node:crypto";

/** Whose file it is. */
export interface ObjectOwner {
  /** Full project path. */
  readonly projectName: string;
  /** Used when the project's name is too long to be a folder. */
  readonly projectId?: string | undefined;
  readonly taskName: string;
  readonly taskId: string;
}

/** Python's always-safe characters for percent-quoting. */
const UNRESERVED = /[A-Za-z0-9_.~-]/;
/** Besides letters and digits these stay as they are in names of projects and tasks. */
const SAFE_IN_NAMES = "'[]{}()$^,.; -_+=/";
/** These become `0x` and two hexadecimal digits in names of artifacts and files. */
const REPLACED_IN_FILES = /[#"';?:@&=+$,%!\r\n]/g;
const MAX_PROJECT_FOLDER = 256;
const MAX_TASK_FOLDER = 128;
const MAX_FILE_PART = 250;

/** Object path of an artifact's file: `<project>/<task name>.<task id>/artifacts/<artifact>/<file>`. */
export function artifactObjectPath(owner: ObjectOwner, artifactName: string, fileName: string): string {
  return `${taskFolder(owner)}/artifacts/${cleanObjectName(artifactName)}/${cleanObjectName(fileName)}`;
}

/** Object path of a model's file: `<project>/<task name>.<task id>/models/<file>`. The file's name is used as given. */
export function modelObjectPath(owner: ObjectOwner, fileName: string): string {
  return `${taskFolder(owner)}/models/${fileName}`;
}

/** Object path of a debug sample's file: `<project>/<task name>.<task id>/metrics/<title>/<series>/<file>`. */
export function metricObjectPath(owner: ObjectOwner, title: string, series: string, fileName: string): string {
  return `${taskFolder(owner)}/metrics/${cleanObjectName(title)}/${cleanObjectName(series)}/${cleanObjectName(fileName)}`;
}

/** Address of an object on an http(s) host: the path is percent-quoted once more, slashes stay. */
export function quoteObjectUrl(filesHost: string, objectPath: string): string {
  return `${filesHost.replace(/\/+$/, "")}/${quote(objectPath.replace(/^\/+/, ""), "/")}`;
}

/** Object path of an address that {@link quoteObjectUrl} made for this host: decoded exactly once. Undefined for another host's. */
export function objectPathOfUrl(filesHost: string, url: string): string | undefined {
  const prefix = `${filesHost.replace(/\/+$/, "")}/`;
  if (!url.startsWith(prefix)) return undefined;
  try {
    return decodeURIComponent(url.slice(prefix.length));
  } catch {
    return undefined;
  }
}

/**
 * A name as one part of an object path: backslashes and slashes no longer divide it, special characters are spelled
 * out, and a part of more than 250 characters becomes its MD5 with the extension kept.
 */
export function cleanObjectName(name: string): string {
  const cleaned = name
    .replaceAll("\\", "/")
    .replace(/^\/+|\/+$/g, "")
    .replaceAll("/", ".slash.")
    .replaceAll(REPLACED_IN_FILES, (character) => `0x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
  if (cleaned.length <= MAX_FILE_PART) return cleaned;
  const extension = /\.[^.]{1,20}$/.exec(cleaned)?.[0] ?? "";
  return createHash("md5").update(cleaned, "utf8").digest("hex") + extension;
}

function taskFolder(owner: ObjectOwner): string {
  const project = Array.from(owner.projectName);
  const suffix = `.${owner.projectId ?? ""}`;
  const projectFolder =
    project.length >= MAX_PROJECT_FOLDER && owner.projectId !== undefined
      ? project.slice(0, MAX_PROJECT_FOLDER - suffix.length).join("") + suffix
      : owner.projectName;
  const task = Array.from(owner.taskName)
    .slice(0, MAX_TASK_FOLDER - owner.taskId.length - 1)
    .join("");
  // A task without a project has no folder above its own.
  return [projectFolder, `${task}.${owner.taskId}`]
    .filter((folder) => folder !== "")
    .map((folder) => quote(folder, SAFE_IN_NAMES))
    .join("/");
}

/** Percent-quotes the UTF-8 of everything but letters, digits, `_.-~` and `safe`. */
function quote(text: string, safe: string): string {
  let quoted = "";
  for (const character of text) {
    if (UNRESERVED.test(character) || safe.includes(character)) quoted += character;
    else for (const byte of Buffer.from(character, "utf8")) quoted += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return quoted;
}
