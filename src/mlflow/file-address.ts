/** What folder a `file:` address of MLflow means on this machine: one rule for tracking folders and for recorded artifacts. Pure. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigError } from "../base/errors.js";

/**
 * The folder, absolute; undefined for an address that is no `file:` one. As MLflow reads it: `file:runs` lies below `base`, and a
 * `%` that begins no escape stands for itself.
 *
 * @param base - An absolute folder.
 * @throws ConfigError for escapes that make no path: what is not UTF-8, a slash, a zero byte.
 */
export function folderOfFileAddress(address: string, base: string): string | undefined {
  const [, slashes, rest] = /^file:(\/*)(.*)$/is.exec(address) ?? [];
  if (slashes === undefined || rest === undefined) return undefined;
  const path = rest.replace(/%(?![0-9a-f]{2})/gi, "%25");
  try {
    const folder = fileURLToPath(slashes === "" ? new URL(`./${path}`, pathToFileURL(`${base}/`)) : `file:///${path}`);
    if (!folder.includes("\0")) return folder;
  } catch {
    // Told below.
  }
  const message = `${address} names no folder: what stands behind a % in it makes no path; a % itself is written %25`;
  throw new ConfigError(`${message}.`, [{ path: "source", message }]);
}
