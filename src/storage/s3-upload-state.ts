/**
 * What is known of an unfinished upload, and kept where its record is kept: the id that S3 gave it, and each part that S3
 * has taken, with the digest of what was sent. Pages of some parts each, so that noting one never writes all of them.
 */
import * as z from "zod";
import { onFirstUse } from "../base/on-first-use.js";
import type { FileToStore, UploadMemory } from "./object-store.js";

/** Parts of one page; some 100 bytes each. */
const PAGE_PARTS = 64;
const HEAD_PAGE = "head";

/** A part that S3 has. */
export interface StoredPart {
  /** As S3 answered it, quotes included. */
  readonly etag: string;
  /** Of the bytes that were sent; base64. */
  readonly sha256: string;
}

const headSchema = onFirstUse(() =>
  z.object({
    version: z.literal(1),
    uploadId: z.string().min(1),
    sizeBytes: z.number(),
    sha256: z.string(),
    partBytes: z.number(),
  }),
);
const pageSchema = onFirstUse(() => z.array(z.tuple([z.int().min(1), z.string().min(1), z.string()])));

/** One upload's state; without a memory it lives as long as the attempt. */
export class S3UploadState {
  readonly #memory: UploadMemory | undefined;
  readonly #parts = new Map<number, StoredPart>();
  #uploadId: string | undefined;
  #partCount: number;

  private constructor(memory: UploadMemory | undefined, partCount: number) {
    this.#memory = memory;
    this.#partCount = partCount;
  }

  /** What the memory has of this very file, cut this very way; the state of a fresh upload otherwise. */
  static load(memory: UploadMemory | undefined, file: FileToStore, partBytes: number): S3UploadState {
    const state = new S3UploadState(memory, Math.ceil(file.sizeBytes / partBytes));
    const head = headSchema().safeParse(memory?.load(HEAD_PAGE));
    if (!memory || !head.success) return state;
    const { uploadId, sizeBytes, sha256 } = head.data;
    // Another version of this package may cut otherwise, and a part's number would mean other bytes.
    if (sizeBytes !== file.sizeBytes || sha256 !== file.sha256 || head.data.partBytes !== partBytes) return state;
    state.#uploadId = uploadId;
    for (let page = 0; page * PAGE_PARTS < state.#partCount; page++) {
      const parts = pageSchema().safeParse(memory.load(pageName(page)));
      for (const [number, etag, digest] of parts.data ?? []) state.#parts.set(number, { etag, sha256: digest });
    }
    return state;
  }

  /** The id of an upload that was begun and is remembered, of whatever file. */
  static unfinishedId(memory: UploadMemory): string | undefined {
    return headSchema().safeParse(memory.load(HEAD_PAGE)).data?.uploadId;
  }

  /** Forgets whatever upload the memory has. */
  static async forget(memory: UploadMemory): Promise<void> {
    const head = headSchema().safeParse(memory.load(HEAD_PAGE));
    const partCount = head.success ? Math.ceil(head.data.sizeBytes / head.data.partBytes) : 0;
    await new S3UploadState(memory, partCount).clear();
  }

  get uploadId(): string | undefined {
    return this.#uploadId;
  }

  get parts(): ReadonlyMap<number, StoredPart> {
    return this.#parts;
  }

  /** An upload has begun. Resolves when that is durable: a part sent earlier would be nobody's after a crash. */
  async begin(uploadId: string, file: FileToStore, partBytes: number): Promise<void> {
    this.#uploadId = uploadId;
    const { sizeBytes, sha256 } = file;
    await this.#memory?.save(HEAD_PAGE, { version: 1, uploadId, sizeBytes, sha256, partBytes });
  }

  /** S3 has a part. Resolves when that is durable. */
  async add(number: number, part: StoredPart): Promise<void> {
    this.#parts.set(number, part);
    if (!this.#memory) return;
    const page = Math.floor((number - 1) / PAGE_PARTS);
    const entries: [number, string, string][] = [];
    for (let at = page * PAGE_PARTS + 1; at <= (page + 1) * PAGE_PARTS; at++) {
      const known = this.#parts.get(at);
      if (known) entries.push([at, known.etag, known.sha256]);
    }
    await this.#memory.save(pageName(page), entries);
  }

  /** The upload is no more: completed, taken back, or unknown to S3. */
  async clear(): Promise<void> {
    this.#uploadId = undefined;
    this.#parts.clear();
    const memory = this.#memory;
    if (!memory) return;
    const pages = Array.from({ length: Math.ceil(this.#partCount / PAGE_PARTS) }, (_, page) => pageName(page));
    // The head goes first: pages without a head are nobody's.
    await Promise.all([HEAD_PAGE, ...pages].filter((page) => (memory.load(page) ?? null) !== null).map((page) => memory.save(page, null)));
  }
}

function pageName(page: number): string {
  return `parts:${String(page)}`;
}
