/** Operations on a bucket: HeadBucket, ListObjectsV2, ListMultipartUploads. */
import type { WireResponse } from "../../protocol/handler.js";
import { xmlAnswer, type Operation, type OperationContext } from "./operation.js";
import { element, group, xml } from "./s3-failure.js";

export const headBucket: Operation = { name: "HeadBucket", right: "s3:ListBucket", run: async () => ({ status: 200 }) };
export const listObjects: Operation = { name: "ListObjectsV2", right: "s3:ListBucket", run: runListObjects };
export const listMultipartUploads: Operation = {
  name: "ListMultipartUploads",
  right: "s3:ListBucketMultipartUploads",
  run: runListUploads,
};

async function runListObjects({ bucket, query, store }: OperationContext): Promise<WireResponse> {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const limit = Number(query.get("max-keys") ?? 1000);
  const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
  const contents: string[] = [];
  const folders = new Set<string>();
  let last = "";
  let isTruncated = false;
  for (const object of store.list(bucket)) {
    if (!object.key.startsWith(prefix) || Buffer.compare(Buffer.from(object.key), Buffer.from(after)) <= 0) continue;
    const cut = delimiter === "" ? -1 : object.key.indexOf(delimiter, prefix.length);
    const folder = cut < 0 ? undefined : object.key.slice(0, cut + delimiter.length);
    if (folder !== undefined && (folders.has(folder) || after.startsWith(folder))) {
      last = object.key;
      continue;
    }
    if (contents.length + folders.size >= limit) {
      isTruncated = true;
      break;
    }
    last = object.key;
    if (folder !== undefined) folders.add(folder);
    else
      contents.push(
        group("Contents", [
          element("Key", object.key),
          element("LastModified", new Date(object.modifiedAtMs).toISOString()),
          element("ETag", `"${object.etag}"`),
          element("Size", object.body.length),
          element("StorageClass", "STANDARD"),
        ]),
      );
  }
  return xmlAnswer(
    xml("ListBucketResult", [
      element("Name", bucket),
      element("Prefix", prefix),
      element("MaxKeys", limit),
      element("KeyCount", contents.length + folders.size),
      element("IsTruncated", isTruncated),
      ...(isTruncated ? [element("NextContinuationToken", last)] : []),
      ...contents,
      ...[...folders].map((folder) => `<CommonPrefixes>${element("Prefix", folder)}</CommonPrefixes>`),
    ]),
  );
}

async function runListUploads({ bucket, query, store }: OperationContext): Promise<WireResponse> {
  const prefix = query.get("prefix") ?? "";
  const uploads = [...store.uploads.values()].filter((upload) => upload.bucket === bucket && upload.key.startsWith(prefix));
  return xmlAnswer(
    xml("ListMultipartUploadsResult", [
      element("Bucket", bucket),
      element("Prefix", prefix),
      element("MaxUploads", 1000),
      element("IsTruncated", false),
      ...uploads.map(
        (upload) =>
          `<Upload>${element("Key", upload.key)}${element("UploadId", upload.id)}${element("Initiated", new Date(upload.startedAtMs).toISOString())}</Upload>`,
      ),
    ]),
  );
}
