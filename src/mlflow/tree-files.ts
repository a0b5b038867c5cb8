/**
 * Every file below a folder, by its path. Links are followed, as MLflow follows them: a large file is often a link. What is
 * neither file nor folder is left out; a link that leads nowhere, or back to where it lies, is an error and not a hole.
 */
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** Paths relative to `folder`, with `/`, sorted. @throws The system's errors, such as ENOENT for a folder that is not there. */
export async function treeFiles(folder: string, signal: AbortSignal): Promise<readonly string[]> {
  const found: string[] = [];
  await walk(folder, "", [], found, signal);
  return found.sort();
}

async function walk(folder: string, below: string, above: readonly string[], found: string[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  // Only a link can lead back, so only behind one the way is remembered.
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isFile()) found.push(name);
    else if (entry.isDirectory()) await walk(path, name, above, found, signal);
    else if (entry.isSymbolicLink()) {
      const target = await stat(path);
      if (target.isFile()) found.push(name);
      else if (target.isDirectory()) {
        const real = await realpath(path);
        if (above.includes(real) || `${await realpath(folder)}/`.startsWith(`${real}/`))
          throw Object.assign(new Error(`ELOOP: a link leads back to where it lies, '${path}'`), {
            code: "ELOOP",
            syscall: "scandir",
            path,
          });
        await walk(path, name, [...above, real], found, signal);
      }
    }
  }
}
