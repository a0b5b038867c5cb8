/** Finds the supervisor's program: beside the built files, or in the sources. */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Where this file is, in either module format and from source. */
function here(): string {
  return typeof __dirname === "string" ? __dirname : path.dirname(fileURLToPath(import.meta.url));
}

/** From `dist/temporal/`, from `dist/`, and from `src/temporal/subprocess/`. */
const PLACES = ["supervisor.cjs", "temporal/supervisor.cjs", "supervisor.ts"];

/** @throws Error when the package is incomplete. */
export function supervisorFile(): string {
  for (const place of PLACES) {
    const file = path.join(here(), place);
    if (existsSync(file)) return file;
  }
  throw new Error(`trainer-sdk is incomplete: there is no supervisor.cjs beside ${here()}. Install the package again.`);
}
