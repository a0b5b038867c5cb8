/** From an address to the reader it means. Opens nothing. */
import type { StorageSpec } from "./checkpoint-uri.js";
import { createFolderReader } from "./folder-object-reader.js";
import type { ObjectReader } from "./object-reader.js";
import { importAws, type AwsLoader } from "./s3-client.js";
import { createS3Reader } from "./s3-object-reader.js";
import { resolveS3Settings, type StorageEnvironment } from "./s3-settings.js";

/**
 * A reader of a bucket or a folder.
 *
 * @throws ConfigError when a variable cannot be used.
 */
export function createObjectReader(
  spec: Exclude<StorageSpec, { readonly kind: "fileserver" }>,
  env: StorageEnvironment,
  loadAws: AwsLoader = importAws,
): ObjectReader {
  return spec.kind === "folder"
    ? createFolderReader(spec.directory)
    : createS3Reader(resolveS3Settings(spec, { namedBy: "the address" }, env), loadAws);
}
