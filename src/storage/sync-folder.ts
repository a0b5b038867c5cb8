/** Makes a rename survive a power loss: the folder's own entry list is fsynced. */
import { open } from "node:fs/promises";
import { errnoOf } from "./file-errors.js";

/** Fsyncs a folder. Platforms that cannot (Windows answers `EPERM`, some network file systems `EINVAL`) are left as they are. */
export async function syncFolder(directory: string): Promise<void> {
  try {
    const handle = await open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code !== "EPERM" && code !== "EINVAL" && code !== "EISDIR" && code !== "ENOTSUP") throw error;
  }
}
