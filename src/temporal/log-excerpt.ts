/** The end of a trainer's log: fit for a failure, which stays in the history for ever, so short and without secrets. */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describeError } from "../base/errors.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import { createObjectStore } from "../storage/open-object-store.js";
import type { Settings } from "./settings.js";
import type { TrainingHandle } from "./training-manager.js";

/** Of a failure's details, as JSON: a line of quotes or of control characters takes several times its length. */
const MAX_TAIL_BYTES = 2_048;
/** Of what is kept behind an address. */
const MAX_KEPT_BYTES = 1_048_576;
/** Shorter values would black out half of the text. */
const MIN_SECRET_LENGTH = 6;

export interface LogExcerpt {
  readonly logTail: string;
  readonly logUri?: string;
}

/** Never fails: a log that cannot be had is no log. */
export async function logExcerpt(
  settings: Settings,
  handle: TrainingHandle,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<LogExcerpt> {
  const { manager, logUri, logger } = settings;
  try {
    const kept = logUri === undefined ? MAX_TAIL_BYTES * 4 : MAX_KEPT_BYTES;
    const text = withoutSecrets(await manager.logTail(handle, { signal, maxBytes: kept }), secrets);
    const uri = logUri === undefined || text === "" ? undefined : await keep(settings, logUri, handle, text, signal);
    return { logTail: lastLines(text), ...(uri === undefined ? {} : { logUri: uri }) };
  } catch (error) {
    logger.warn(`the log of ${handle.id} could not be had: ${describeError(error)}`);
    return { logTail: "" };
  }
}

/** As a terminal would show it, the last of it: progress bars overwrite themselves, and half a line at the start is dropped. */
export function lastLines(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.replace(/\r+$/, "").split("\r").at(-1) ?? "")
    .map((line) => stripVTControlCharacters(line).trimEnd())
    .filter((line) => line !== "");
  const taken: string[] = [];
  let size = 0;
  for (const line of lines.reverse()) {
    size += jsonBytes(line) + 2;
    if (size > MAX_TAIL_BYTES) {
      if (taken.length === 0) taken.push(endOf(line));
      break;
    }
    taken.push(line);
  }
  return taken.reverse().join("\n");
}

/** As much of a line's end as fits, in whole characters. */
function endOf(line: string): string {
  const characters: string[] = [];
  let size = 0;
  for (const character of Array.from(line.slice(-MAX_TAIL_BYTES)).reverse()) {
    size += jsonBytes(character);
    if (size > MAX_TAIL_BYTES) break;
    characters.push(character);
  }
  return characters.reverse().join("");
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

/** Every occurrence of a secret, whatever printed it. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .sort((one, other) => other.length - one.length)
    .reduce((cleaned, secret) => cleaned.replaceAll(secret, "***"), text);
}

async function keep(
  settings: Settings,
  place: string,
  handle: TrainingHandle,
  text: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const parsed = parseCheckpointUri(place, "logUri");
  if (parsed.status === "invalid") {
    settings.logger.warn(`logUri ${parsed.issues.map(({ message }) => message).join("; ")}`);
    return undefined;
  }
  const store = createObjectStore(parsed.spec, { env: settings.env, logger: settings.logger });
  const folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-log-"));
  try {
    const file = path.join(folder, "output.log");
    await writeFile(file, text);
    const sha256 = createHash("sha256").update(text).digest("hex");
    const key = `logs/${handle.id}/${String(handle.fence)}.log`;
    await store.put(key, { path: file, sizeBytes: Buffer.byteLength(text), sha256, contentType: "text/plain; charset=utf-8" }, { signal });
    return store.uriOf(key);
  } catch (error) {
    signal.throwIfAborted();
    settings.logger.warn(`the log of ${handle.id} could not be kept: ${describeError(error)}`);
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
    await store.close();
  }
}
