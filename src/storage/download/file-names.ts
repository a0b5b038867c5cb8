/** Names of files as a source has them, before any of them becomes a path of this machine: a bucket is somebody else's word. */
import { DownloadError } from "../../base/errors.js";

/** What Windows and its shares would take for something else than a name. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

/** Why a name cannot be a path below a folder; undefined when it can. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  // eslint-disable-next-line no-control-regex -- those are meant
  if (/[\u0000-\u001f]/.test(name)) return "holds control characters";
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) return "is an absolute path";
  const parts = name.split(/[/\\]/);
  if (parts.includes("..")) return "climbs out of its folder with ..";
  if (parts.includes(".") || parts.includes("")) return "has an empty part or a part that is a dot";
  if (name.includes("\\")) return "holds a backslash, which is a separator on some machines";
  if (process.platform === "win32" && parts.some((part) => RESERVED.test(part))) return "is no file's name on this system";
  if (parts.some((part) => Buffer.byteLength(part) > 255)) return "has a part of more than 255 bytes";
  return undefined;
}

/** A file that goes to a name. */
export interface NamedFile {
  readonly name: string;
  readonly uri: string;
}

/**
 * Checks all of them before anything is fetched.
 *
 * @throws DownloadError naming each that would leave the folder, and each two that would take one place.
 */
export function checkNames(files: readonly NamedFile[], uri: string): void {
  const problems: string[] = [];
  const places = new Map<string, NamedFile>();
  for (const file of files) {
    const problem = nameProblem(file.name);
    if (problem !== undefined) problems.push(`${JSON.stringify(file.name)} (${file.uri}) ${problem}`);
    const other = places.get(file.name);
    if (other) problems.push(`${JSON.stringify(file.name)} is the name of two: ${other.uri} and ${file.uri}`);
    places.set(file.name, file);
  }
  for (const { name } of files) {
    for (let slash = name.indexOf("/"); slash > 0; slash = name.indexOf("/", slash + 1)) {
      const folder = places.get(name.slice(0, slash));
      if (folder) problems.push(`${JSON.stringify(folder.name)} is a file and the folder of ${JSON.stringify(name)}`);
    }
  }
  if (problems.length === 0) return;
  const shown = problems.slice(0, 5).join("; ");
  const more = problems.length > 5 ? `; and ${String(problems.length - 5)} more` : "";
  throw new DownloadError(
    `Nothing of ${uri} was fetched, because of the names in it: ${shown}${more}. Rename them at the source, or name the files one by one with a \`path\` each.`,
    {
      uri,
      retryable: false,
    },
  );
}
