/** The downloads as functions, for whoever has no SDK. What they need is loaded when they are called: importing the package stays cheap. */
import type { CheckpointExpectation, DatasetSource, DownloadedCheckpoint, DownloadedDataset } from "./download-dataset.js";
import { checkDownloadOptions, type StandaloneDownloadOptions } from "./download-options.js";

/**
 * Fetches a data set: several files at a time, each held against size and checksum, gone on with after a kill, and there
 * whole or not at all. Without `to` it goes to a cache that all processes of the machine share, and what is there already
 * in the state that the source has now is not fetched again.
 *
 * @throws (as rejections) ValidationError for an argument that makes no sense; DownloadError for a file that is gone, refused,
 * damaged or keeps changing, for a name that would leave the folder, and when there is no room; ConnectionError when a source
 * did not answer for `retryBudgetMs`; ConfigError for a package or variable that is missing; the signal's reason.
 */
export async function downloadDataset(source: DatasetSource, options: StandaloneDownloadOptions = {}): Promise<DownloadedDataset> {
  checkDownloadOptions("downloadDataset", options);
  const { downloadDatasetWith, standalone } = await import("./download-dataset.js");
  return standalone(options, (context) => downloadDatasetWith(context, source, options));
}

/**
 * Fetches one file, such as the weights to begin with: as {@link downloadDataset}, and `to` is the path of the file itself.
 *
 * @param uri `s3://bucket/key`, `s3://host:port/bucket/key`, `file:///file`, or an http address.
 * @throws as {@link downloadDataset}.
 */
export async function downloadCheckpoint(
  uri: string,
  options: StandaloneDownloadOptions & CheckpointExpectation = {},
): Promise<DownloadedCheckpoint> {
  checkDownloadOptions("downloadCheckpoint", options);
  const { downloadCheckpointWith, standalone } = await import("./download-dataset.js");
  return standalone(options, (context) => downloadCheckpointWith(context, uri, options));
}
