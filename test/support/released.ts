/** A close waits for the disk no longer than its deadline; the folder is let go when the disk has answered. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { eventually } from "./fake-clock.js";

/** Resolves when the last holder of a journal's folder has let go of it. */
export function released(directory: string): Promise<void> {
  return eventually(() => {
    const lock = readdirSync(directory)
      .filter((name) => /^lock-\d+$/.test(name))
      .sort()
      .at(-1);
    return lock !== undefined && readFileSync(path.join(directory, lock), "utf8").includes('"released":true');
  }, "the release of the folder");
}
