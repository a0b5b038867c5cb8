/** What an operation of the double gets, and the right that AWS asks for it. */
import type { WireRequest, WireResponse } from "../../protocol/handler.js";
import type { BucketStore } from "./bucket-store.js";

/** IAM's names of the rights; several operations share `s3:PutObject`. */
export type S3Right =
  | "s3:PutObject"
  | "s3:AbortMultipartUpload"
  | "s3:GetObject"
  | "s3:DeleteObject"
  | "s3:ListBucket"
  | "s3:ListBucketMultipartUploads"
  | "s3:ListMultipartUploadParts";

export interface OperationContext {
  readonly request: WireRequest;
  readonly bucket: string;
  /** Empty for operations on the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly store: BucketStore;
  readonly nowMs: number;
  readonly minPartBytes: number;
  /** A fresh id for an upload. */
  readonly newUploadId: () => string;
}

export interface Operation {
  readonly name: string;
  readonly right: S3Right;
  readonly run: (context: OperationContext) => Promise<WireResponse>;
}

/** An answer in XML. */
export function xmlAnswer(body: string, headers: Readonly<Record<string, string>> = {}): WireResponse {
  return { status: 200, headers: { "content-type": "application/xml", ...headers }, body };
}
