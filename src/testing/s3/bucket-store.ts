/** What the double holds: objects and unfinished uploads, in memory. */
import { createHash } from "node:crypto";
import type { Checksum, ChecksumName } from "./checksums.js";

/** One stored object. */
export interface S3Object {
  readonly bucket: string;
  readonly key: string;
  readonly body: Uint8Array;
  readonly contentType: string;
  /** `x-amz-meta-*`, without the prefix. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  readonly modifiedAtMs: number;
}

export interface S3Part {
  readonly number: number;
  readonly body: Uint8Array;
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  readonly modifiedAtMs: number;
}

/** An upload that was begun and neither completed nor aborted: it costs its owner money until it is. */
export interface S3Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly algorithm: ChecksumName | undefined;
  readonly checksumType: "COMPOSITE" | "FULL_OBJECT";
  readonly startedAtMs: number;
  readonly parts: Map<number, S3Part>;
}

/** All buckets. */
export class BucketStore {
  readonly buckets: ReadonlySet<string>;
  readonly #objects = new Map<string, S3Object>();
  readonly uploads = new Map<string, S3Upload>();
  /** Objects that uploads became, so that a completion whose answer was lost can be asked for again. */
  readonly completed = new Map<string, S3Object>();

  constructor(buckets: readonly string[]) {
    this.buckets = new Set(buckets);
  }

  put(object: S3Object): void {
    this.#objects.set(`${object.bucket}/${object.key}`, object);
  }

  get(bucket: string, key: string): S3Object | undefined {
    return this.#objects.get(`${bucket}/${key}`);
  }

  delete(bucket: string, key: string): void {
    this.#objects.delete(`${bucket}/${key}`);
  }

  /** In the order of their keys' bytes, as S3 lists. */
  list(bucket?: string): S3Object[] {
    return [...this.#objects.values()]
      .filter((object) => bucket === undefined || object.bucket === bucket)
      .sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
  }
}

/** MD5 in hexadecimal: the ETag of what was sent in one piece. */
export function etagOf(body: Uint8Array): string {
  return createHash("md5").update(body).digest("hex");
}
