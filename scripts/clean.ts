/**
 * Empties the build folder, so that no file of an earlier build is packed or tested, and notes the time: what is edited
 * while the build runs is newer than the build.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";

const dist = new URL("../dist/", import.meta.url);
await rm(dist, { recursive: true, force: true });
await mkdir(dist);
await writeFile(new URL(".building", dist), "");
