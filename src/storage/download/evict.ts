/**
 * Keeps the cache within its size: what was not used for longest goes first, unfinished downloads among it. Nothing goes
 * that a live process uses or fetches.
 */
import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../base/clock.js";
import { DownloadError } from "../../base/errors.js";
import { newId } from "../../base/ids.js";
import type { Logger } from "../../base/logger.js";
import { takeTurn, tryTurn } from "./folder-turn.js";
import { readManifest } from "./manifest.js";

/** Beside unfinished downloads: how much they will be. */
export const PLAN_FILE = "plan.json";
const TRASH = "trash-";

export interface RoomOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** What the room is for. */
  readonly uri: string;
  /** Folder of that source, whose turn the caller has. */
  readonly own: string;
  readonly bytes: number;
}

/** Something that takes room. */
interface Holding {
  readonly source: string;
  readonly path: string;
  readonly bytes: number;
  readonly usedAtMs: number;
}

/** @throws DownloadError when there cannot be enough room. */
export async function makeRoom(options: RoomOptions): Promise<void> {
  const { directory, maxBytes, bytes, uri, clock, signal, logger } = options;
  const refuse = (why: string): DownloadError =>
    new DownloadError(
      `${uri} takes ${inWords(bytes)}, and ${why}. Allow more (TRAINER_CACHE_MAX_GB, maxCacheBytes), or fetch it to a folder of its own (\`to\`).`,
      { uri, retryable: false },
    );
  if (bytes > maxBytes) throw refuse(`the cache in ${directory} may hold ${inWords(maxBytes)} in all`);
  const turn = await takeTurn(directory, clock, signal);
  try {
    await emptyTrash(directory);
    const holdings = await survey(options);
    let held = holdings.reduce((sum, holding) => sum + holding.bytes, 0);
    for (const holding of holdings.sort((one, other) => one.usedAtMs - other.usedAtMs)) {
      if (held + bytes <= maxBytes) break;
      if (!(await remove(holding, options))) continue;
      held -= holding.bytes;
      logger.info(`the cache let ${inWords(holding.bytes)} go to make room for ${uri}`, { path: holding.path });
    }
    await emptyTrash(directory);
    if (held + bytes > maxBytes)
      throw refuse(`of ${inWords(maxBytes)} that the cache in ${directory} may hold, ${inWords(held)} are in use`);
  } finally {
    await turn.end();
  }
}

async function survey({ directory, own }: RoomOptions): Promise<Holding[]> {
  const holdings: Holding[] = [];
  const sets = path.join(directory, "sets");
  for (const name of await readdir(sets).catch(() => [])) {
    const source = path.join(sets, name);
    for (const entry of await readdir(source).catch(() => [])) {
      const file = path.join(source, entry, "manifest.json");
      const manifest = await readManifest(file);
      if (!manifest) continue;
      const facts = await stat(file).catch(() => undefined);
      holdings.push({ source, path: path.join(source, entry), bytes: manifest.sizeBytes, usedAtMs: facts?.mtimeMs ?? 0 });
    }
    // Our own unfinished files are a part of what we ask room for.
    if (source === own) continue;
    const parts = path.join(source, "parts");
    const facts = await stat(parts).catch(() => undefined);
    if (facts)
      holdings.push({ source, path: parts, bytes: Math.max(await plannedBytes(source), await bytesIn(parts)), usedAtMs: facts.mtimeMs });
  }
  return holdings;
}

/** False when somebody has it. */
async function remove(holding: Holding, { directory, own, clock }: RoomOptions): Promise<boolean> {
  const turn = holding.source === own ? undefined : await tryTurn(holding.source, clock);
  if (!turn && holding.source !== own) return false;
  try {
    if (await isInUse(holding.path, clock)) return false;
    // Out of sight by one step: nobody may find half of it.
    await rename(holding.path, path.join(directory, `${TRASH}${newId().slice(0, 12)}`));
    return true;
  } catch {
    return false;
  } finally {
    await turn?.end();
  }
}

async function isInUse(content: string, clock: Clock): Promise<boolean> {
  const uses = path.join(content, "uses");
  for (const name of await readdir(uses).catch(() => [])) {
    const mark = await tryTurn(path.join(uses, name), clock);
    if (!mark) return true;
    await mark.end();
  }
  return false;
}

async function emptyTrash(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (name.startsWith(TRASH)) await rm(path.join(directory, name), { recursive: true, force: true }).catch(() => undefined);
}

async function plannedBytes(source: string): Promise<number> {
  try {
    const { bytes } = JSON.parse(await readFile(path.join(source, PLAN_FILE), "utf8")) as { bytes?: unknown };
    return typeof bytes === "number" ? bytes : 0;
  } catch {
    return 0;
  }
}

async function bytesIn(folder: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(folder).catch(() => [])) sum += (await stat(path.join(folder, name)).catch(() => undefined))?.size ?? 0;
  return sum;
}

/** A size for a person. */
export function inWords(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}
