/**
 * A journal that would die with its machine goes to object storage, as one archive: the journal's files, the dead letters
 * and the bytes that still wait. `sync` delivers from there. The folder itself is left as it is.
 */
import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Clock } from "../base/clock.js";
import type { Issue } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { surveyJournal, type JournalSurvey } from "../outbox/survey-journal.js";
import type { Attachment } from "../records/record.js";
import { parseCheckpointUri } from "../storage/checkpoint-uri.js";
import type { ObjectStore } from "../storage/object-store.js";
import { createObjectStore, type StoreCollaborators } from "../storage/open-object-store.js";
import { raceWithSignal } from "../storage/race-with-signal.js";
import { folderName } from "./options.js";
import { RESUME_FILE } from "./resume-token.js";
import { noteHandOver } from "./retire-hand-overs.js";

/** Ending of an archive's key. */
export const ARCHIVE_SUFFIX = ".tar.gz";
/** Name of the archive's own description, its first entry. */
export const MANIFEST_FILE = "handover.json";
/** Names the place. */
const HANDOVER_VARIABLE = "TRAINER_HANDOVER_URI";
/** What packing and sending get through in a second, at the least; bytes that would not fit are left behind. */
const ASSUMED_BYTES_PER_SECOND = 20_000_000;

/** What an archive says of itself. */
export interface HandOverManifest {
  readonly version: 1;
  readonly runId: string;
  readonly jobId: string;
  readonly createdAtMs: number;
  /** Waiting files by the path that their records name: their place in the archive. */
  readonly files: Readonly<Record<string, string>>;
}

export interface HandOverOptions {
  readonly directory: string;
  readonly store: ObjectStore;
  readonly jobId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From now until it is given up. */
  readonly deadlineMs: number;
}

/** The store for hand-overs; opens nothing. */
export function handOverStore(
  uri: string,
  collaborators: Omit<StoreCollaborators, "fileServer" | "namedBy">,
): { readonly store: ObjectStore | undefined; readonly issues: readonly Issue[] } {
  const parsed = parseCheckpointUri(uri, HANDOVER_VARIABLE);
  if (parsed.status === "invalid") return { store: undefined, issues: parsed.issues };
  if (parsed.spec.kind === "fileserver") {
    const message = "cannot be ClearML's file server, from which sync could not list what was left; use s3:// or file:///";
    return { store: undefined, issues: [{ path: HANDOVER_VARIABLE, message }] };
  }
  for (const { path: name, message } of parsed.warnings) collaborators.logger.warn(`${name}: ${message}`);
  return { store: createObjectStore(parsed.spec, { ...collaborators, namedBy: HANDOVER_VARIABLE }), issues: [] };
}

/**
 * Packs what is pending and stores it, verified.
 *
 * @returns the archive's address.
 * @throws what the store throws; an Error for a folder without a journal, and when the deadline has passed.
 */
export async function handOver(options: HandOverOptions): Promise<string> {
  const { directory, store, jobId, clock, logger, deadlineMs } = options;
  const endsAt = clock.monotonic() + deadlineMs;
  const deadline = new AbortController();
  const timer = new AbortController();
  void clock.sleep(deadlineMs, { signal: timer.signal, keepAlive: true }).then(
    () => deadline.abort(new Error(`there was no more time for it (${String(Math.round(deadlineMs))} ms)`)),
    () => undefined,
  );
  let work: string | undefined;
  try {
    const survey = await surveyJournal(directory);
    if (survey.runId === undefined) throw new Error(`there is no journal in ${directory}`);
    work = await workFolder(directory);
    const archive = path.join(work, `archive${ARCHIVE_SUFFIX}`);
    const waiting = fitting(survey.attachments, endsAt - clock.monotonic(), logger);
    const sha256 = await pack(directory, survey, waiting, { jobId, createdAtMs: clock.now() }, archive, deadline.signal);
    const { size } = await stat(archive);
    const key = `handover/${folderName(jobId)}/${survey.runId}-${sha256.slice(0, 8)}${ARCHIVE_SUFFIX}`;
    await raceWithSignal(
      store.put(key, { path: archive, sizeBytes: size, sha256, contentType: "application/gzip" }, { signal: deadline.signal }),
      deadline.signal,
    );
    const uri = store.uriOf(key);
    // Without the note the archive is delivered once more, which changes nothing unless the job has gone on since.
    await noteHandOver(directory, { place: store.uriOf("").replace(/\/+$/, ""), key, uri }).catch(() => undefined);
    return uri;
  } catch (error) {
    // A pipeline's own word for an abort says nothing.
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    timer.abort();
    if (work !== undefined) await rm(work, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Beside the journal, whose disk had room for it all; where that is full, in the temporary folder. */
async function workFolder(directory: string): Promise<string> {
  const name = `handover-${randomUUID().slice(0, 8)}-`;
  return mkdtemp(path.join(directory, name)).catch(() => mkdtemp(path.join(tmpdir(), name)));
}

/** The small ones first, as many as the time is likely to do for: records come before bytes. */
function fitting(attachments: readonly Attachment[], remainingMs: number, logger: Logger): Attachment[] {
  let room = (remainingMs / 1000 / 2) * ASSUMED_BYTES_PER_SECOND;
  const taken: Attachment[] = [];
  const left: Attachment[] = [];
  for (const attachment of [...attachments].sort((one, other) => one.sizeBytes - other.sizeBytes)) {
    room -= attachment.sizeBytes;
    (room >= 0 ? taken : left).push(attachment);
  }
  if (left.length > 0)
    logger.error(`the hand-over leaves ${String(left.length)} files behind for want of time; they are in the journal's folder alone`, {
      bytes: left.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    });
  return taken;
}

async function pack(
  directory: string,
  survey: JournalSurvey,
  attachments: readonly Attachment[],
  facts: Pick<HandOverManifest, "jobId" | "createdAtMs">,
  target: string,
  signal: AbortSignal,
): Promise<string> {
  const { packTar } = await import("modern-tar/fs");
  const files: Record<string, string> = {};
  const sources: { type: "file"; source: string; target: string }[] = [];
  for (const [index, attachment] of attachments.entries()) {
    const name = attachment.pinned ? `pins/${path.basename(attachment.path)}` : `files/${String(index)}-${path.basename(attachment.path)}`;
    // A file that the caller promised to leave alone may be gone all the same.
    if (
      !(await stat(attachment.path).then(
        (found) => found.isFile(),
        () => false,
      ))
    )
      continue;
    files[attachment.path] = name;
    sources.push({ type: "file", source: attachment.path, target: name });
  }
  const names = [...survey.files.map(({ name }) => name), RESUME_FILE];
  for (const name of names) {
    const source = path.join(directory, name);
    if (
      await stat(source).then(
        () => true,
        () => false,
      )
    )
      sources.push({ type: "file", source, target: name });
  }
  const manifest: HandOverManifest = { version: 1, runId: survey.runId ?? "", ...facts, files };
  const hash = createHash("sha256");
  await pipeline(
    packTar([{ type: "content", content: `${JSON.stringify(manifest, undefined, 2)}\n`, target: MANIFEST_FILE }, ...sources]),
    // Weights hardly shrink, and the time is short.
    createGzip({ level: 1 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(target),
    { signal },
  );
  return hash.digest("hex");
}
