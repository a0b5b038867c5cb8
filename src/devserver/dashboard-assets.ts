/** Finds and reads the files of the web page, which the build puts beside the server's own file. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where this file is, in either module format and from source. */
function here(): string {
  return typeof __dirname === "string" ? __dirname : dirname(fileURLToPath(import.meta.url));
}

/** From `dist/` and `dist/devserver/`, and from `src/devserver/`. */
const PLACES = ["dashboard", "../dashboard", "../../dist/dashboard"];

/** A file of the page, or undefined when there is none of that name or the page was not built. */
export async function readAsset(name: string): Promise<Uint8Array | undefined> {
  for (const place of PLACES) {
    const folder = join(here(), place);
    try {
      // The source folder also holds an index.html, but no script: only a built page is served.
      await readFile(join(folder, "app.js"));
      return await readFile(join(folder, name));
    } catch {
      continue;
    }
  }
  return undefined;
}
