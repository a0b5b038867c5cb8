/** A project by its full path, made where it is missing. The server itself keeps names unique and makes missing parents. */
import { NAME_MIN_LENGTH } from "../../protocol/clearml/limits.js";
import { CLEARML_ERRORS } from "../../protocol/clearml/error-kinds.js";
import type { ClearMLPort } from "./clearml-port.js";
import { nameText } from "./clearml-text.js";
import { isAnswer } from "./is-answer.js";

/**
 * Id of the project.
 *
 * @throws ApiError, ConnectionError as the port does; trying again is safe.
 */
export async function findOrCreateProject(port: ClearMLPort, wanted: string, signal: AbortSignal): Promise<string> {
  const name = projectPath(wanted);
  const found = await find(port, name, signal);
  if (found !== undefined) return found;
  try {
    const { id } = await port.call("projects.create", { name }, { signal });
    return id;
  } catch (error) {
    if (!isAnswer(error, CLEARML_ERRORS.NOT_UNIQUE)) throw error;
    // Another process was faster.
    const made = await find(port, name, signal);
    if (made === undefined) throw error;
    return made;
  }
}

async function find(port: ClearMLPort, name: string, signal: AbortSignal): Promise<string | undefined> {
  // The server's filter is a regular expression over the whole path (6).
  const { projects } = await port.call(
    "projects.get_all",
    { name: `^${escapePattern(name)}$`, search_hidden: true, only_fields: ["id", "name"] },
    { signal },
  );
  return projects.find((project) => project.name === name)?.id;
}

/**
 * The path as the server keeps it: parts stripped, empty ones left out, and those that it would refuse as too short
 * filled up, so that a project called `AI` does not stop a job from being reported.
 */
export function projectPath(name: string): string {
  const parts = name.split("/").flatMap((part) => {
    const stripped = nameText(part.trim());
    return stripped === "" ? [] : [stripped.padEnd(NAME_MIN_LENGTH, "_")];
  });
  return parts.length > 0 ? parts.join("/") : "Trainer SDK";
}

/** Python's and MongoDB's patterns alike take a backslash before any punctuation. */
function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
