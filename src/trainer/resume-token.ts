/**
 * How far a job has come, for its next start: a small JSON file in the journal's folder, and the same value in the journal
 * itself, which survives a kill. It tells where to go on; loading weights is the trainer's own business.
 */
import { open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { describeError, DownloadError } from "../base/errors.js";
import type { JsonObject } from "../base/json.js";
import type { Logger } from "../base/logger.js";
import { onFirstUse } from "../base/on-first-use.js";
import { UPLOAD } from "../outbox/ledger.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Outcome } from "../outbox/receipts.js";
import { surveyJournal } from "../outbox/survey-journal.js";
import type { CheckpointFact } from "../records/facts.js";
import { checkObject, checkText } from "./check.js";

/** Name of the file in the journal's folder. */
export const RESUME_FILE = "resume.json";
const MEMORY_OWNER = "trainer";
const MEMORY_KEY = "resume";

const tokenSchema = onFirstUse(() => {
  const checkpoint = z.object({
    uri: z.string(),
    sha256: z.string(),
    sizeBytes: z.number(),
    epoch: z.number().optional(),
    iteration: z.number().optional(),
    stored: z.boolean(),
    sequence: z.number(),
  });
  return z.object({
    version: z.literal(1),
    runId: z.string(),
    jobId: z.string(),
    reason: z.string().optional(),
    epoch: z.number().optional(),
    iteration: z.number().optional(),
    checkpoints: z.record(z.string(), checkpoint),
    writtenAtMs: z.number(),
  });
});

/** The newest checkpoint of a type. */
export interface ResumeCheckpoint {
  /** Where it is, or will be once what is pending has been delivered. */
  readonly uri: string;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly epoch?: number | undefined;
  readonly iteration?: number | undefined;
  /** False: its bytes were still waiting to be uploaded when the token was written. */
  readonly stored: boolean;
  /** Of its record in the run. */
  readonly sequence: number;
}

/** Where the next start of a job goes on. */
export interface ResumeToken {
  readonly version: 1;
  readonly runId: string;
  readonly jobId: string;
  /** Why the run ended, where it said so: `SIGTERM`, say. Absent after a kill. */
  readonly reason?: string | undefined;
  /** The last that was reported. */
  readonly epoch?: number | undefined;
  readonly iteration?: number | undefined;
  /** By checkpoint type: `last`, `best`, ... */
  readonly checkpoints: Readonly<Record<string, ResumeCheckpoint>>;
  /** Wall clock, milliseconds since the epoch. */
  readonly writtenAtMs: number;
}

export interface ResumePointOptions {
  readonly outbox: Outbox;
  readonly jobId: string;
  /** The journal's folder; undefined: memory alone, and nothing to come back to. */
  readonly directory: string | undefined;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Keeps the token of a run that goes on. */
export class ResumePoint {
  readonly #options: ResumePointOptions;
  // By type, in their order, those whose bytes are stored or may yet be: the last counts, the others stand in when it is lost.
  readonly #checkpoints = new Map<string, readonly ResumeCheckpoint[]>();
  #epoch: number | undefined;
  #iteration: number | undefined;
  #saved: Promise<void> = Promise.resolve();
  #end: { readonly completed: boolean; readonly reason: string | undefined } | undefined;

  private constructor(options: ResumePointOptions) {
    this.#options = options;
  }

  /** Begins with what the earlier process left, and answers that. */
  static async begin(options: ResumePointOptions): Promise<{ readonly point: ResumePoint; readonly previous: ResumeToken | undefined }> {
    const { outbox, directory } = options;
    const point = new ResumePoint(options);
    const previous = newest(readToken(outbox.memory(MEMORY_OWNER).get(MEMORY_KEY)), await readFileToken(directory));
    if (previous) {
      point.#epoch = previous.epoch;
      point.#iteration = previous.iteration;
      for (const [type, checkpoint] of Object.entries(previous.checkpoints)) {
        point.#checkpoints.set(type, [checkpoint]);
        if (outbox.isUploadPending(checkpoint.sequence)) point.#follow(type, checkpoint.sequence, outbox.outcome(checkpoint));
      }
    }
    return { point, previous: previous && { ...previous, checkpoints: point.#newestCheckpoints() } };
  }

  noteProgress(epoch: number | undefined, iteration: number | undefined): void {
    this.#epoch = epoch ?? this.#epoch;
    this.#iteration = iteration ?? this.#iteration;
  }

  /** A checkpoint is durable. Once the promise resolves, a kill leaves a token that names it. Never rejects. */
  noteCheckpoint(sequence: number, { type, file, epoch, iteration }: CheckpointFact, delivered: Promise<Outcome>): Promise<void> {
    const { uri, sha256, sizeBytes } = file;
    const known = this.#checkpoints.get(type) ?? [];
    this.#checkpoints.set(type, [...known, { uri, sha256, sizeBytes, epoch, iteration, sequence, stored: false }]);
    this.#follow(type, sequence, delivered);
    return this.#remember();
  }

  /** Bytes that were not stored are nothing to go on from; those that were need no older ones behind them. */
  #follow(type: string, sequence: number, delivered: Promise<Outcome>): void {
    void delivered.then(async (outcome) => {
      if (outcome.status === "pending") return;
      const isLost = outcome.status === "superseded" || (outcome.status === "rejected" && UPLOAD in outcome.reasons);
      const known = this.#checkpoints.get(type) ?? [];
      this.#checkpoints.set(
        type,
        known.filter((checkpoint) => (isLost ? checkpoint.sequence !== sequence : checkpoint.sequence >= sequence)),
      );
      if (isLost && known.at(-1)?.sequence === sequence) await this.#remember();
    });
  }

  #newestCheckpoints(): Record<string, ResumeCheckpoint> {
    return Object.fromEntries(
      [...this.#checkpoints].flatMap(([type, known]) => {
        const newest = known.at(-1);
        return newest ? [[type, this.#asOfNow(newest)]] : [];
      }),
    );
  }

  /** The job has told its end. A completed job has nothing to resume. */
  noteEnd(completed: boolean, reason: string | undefined): void {
    this.#end = { completed, reason };
  }

  token(): ResumeToken {
    const { outbox, jobId, now } = this.#options;
    return {
      version: 1,
      runId: outbox.runId,
      jobId,
      ...(this.#end?.reason === undefined ? {} : { reason: this.#end.reason }),
      ...(this.#epoch === undefined ? {} : { epoch: this.#epoch }),
      ...(this.#iteration === undefined ? {} : { iteration: this.#iteration }),
      checkpoints: this.#newestCheckpoints(),
      writtenAtMs: now(),
    };
  }

  /**
   * Writes the token down, in both places; after completion, takes it away. One at a time: a signal and a close of the
   * trainer's own come at one moment, and would rename each other's file away. Never rejects.
   */
  save(): Promise<void> {
    this.#saved = this.#saved.then(() => this.#save());
    return this.#saved;
  }

  async #save(): Promise<void> {
    const { directory, logger } = this.#options;
    const kept = this.#remember();
    try {
      if (directory !== undefined) {
        const target = path.join(directory, RESUME_FILE);
        if (this.#end?.completed === true) await rm(target, { force: true });
        else await writeDurably(target, `${JSON.stringify(this.token(), undefined, 2)}\n`);
      }
    } catch (error) {
      logger.warn(`the resume token could not be written as a file; it is in the journal alone: ${describeError(error)}`);
    }
    await kept;
  }

  #asOfNow(checkpoint: ResumeCheckpoint): ResumeCheckpoint {
    return { ...checkpoint, stored: !this.#options.outbox.isUploadPending(checkpoint.sequence) };
  }

  #remember(): Promise<void> {
    const value = this.#end?.completed === true ? null : (JSON.parse(JSON.stringify(this.token())) as JsonObject);
    return this.#options.outbox.memory(MEMORY_OWNER).set(MEMORY_KEY, value);
  }
}

/**
 * What the last run in a journal's folder left. Takes no lock and changes nothing.
 *
 * @returns undefined when there is no folder, no run in it, or its job was completed.
 * @throws JournalError `JOURNAL_VERSION` when a newer version of this package wrote the folder.
 */
export async function readResumeToken(directory: string): Promise<ResumeToken | undefined> {
  const file = await readFileToken(directory);
  try {
    const survey = await surveyJournal(directory);
    const token = newest(readToken(survey.recall(MEMORY_OWNER, MEMORY_KEY)), file);
    if (!token) return undefined;
    // The token was written before the last deliveries; the journal knows of them.
    const asOfNow = Object.entries(token.checkpoints).map(([type, checkpoint]) => [
      type,
      { ...checkpoint, stored: !survey.isUploadPending(checkpoint.sequence) },
    ]);
    return { ...token, checkpoints: Object.fromEntries(asOfNow) as ResumeToken["checkpoints"] };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return file;
    throw error;
  }
}

/**
 * The newest checkpoint of a type.
 *
 * @throws ValidationError without a type; DownloadError when there is none, or its bytes have not been stored yet.
 */
export function earlierCheckpoint(token: ResumeToken | undefined, wanted: { readonly type: string }): ResumeCheckpoint {
  const verb = "downloadCheckpoint";
  checkObject(verb, "source", wanted);
  checkText(verb, "source.type", wanted.type);
  const { type } = wanted;
  const known = Object.keys(token?.checkpoints ?? {});
  const checkpoint = known.includes(type) ? token?.checkpoints[type] : undefined;
  if (!checkpoint) {
    const there = known.length === 0 ? "none at all" : `only ${known.join(", ")}`;
    throw new DownloadError(`There is no checkpoint ${JSON.stringify(type)} to go on from: there is ${there}. Name its address.`, {
      uri: type,
      retryable: false,
    });
  }
  if (!checkpoint.stored) {
    throw new DownloadError(
      `The checkpoint ${checkpoint.uri} is not stored yet: its bytes wait to be uploaded. Call \`flush\` first, or wait.`,
      {
        uri: checkpoint.uri,
        retryable: true,
      },
    );
  }
  return checkpoint;
}

function readToken(value: unknown): ResumeToken | undefined {
  const parsed = tokenSchema().safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

async function readFileToken(directory: string | undefined): Promise<ResumeToken | undefined> {
  if (directory === undefined) return undefined;
  try {
    return readToken(JSON.parse(await readFile(path.join(directory, RESUME_FILE), "utf8")));
  } catch {
    // None, or half of one: the journal's own is as good.
    return undefined;
  }
}

function newest(one: ResumeToken | undefined, other: ResumeToken | undefined): ResumeToken | undefined {
  if (!one || !other) return one ?? other;
  return other.writtenAtMs > one.writtenAtMs ? other : one;
}

async function writeDurably(target: string, text: string): Promise<void> {
  const draft = `${target}.tmp`;
  const file = await open(draft, "w", 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, target);
}
