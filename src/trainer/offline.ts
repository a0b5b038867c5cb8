/**
 * A job without a server (`CLEARML_OFFLINE_MODE`, the official client's own variable): nothing is connected and nothing
 * is asked for; all that ClearML is owed waits in the journal, for `trainer-sdk sync`, or for a zip of its own.
 */
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Sink } from "../outbox/sink.js";
import type { ResolvedTrainerOptions } from "./options.js";

/** Stands in ClearML's place: the journal counts every record as owed to it. */
export function offlineSink(): Sink {
  const reason = "CLEARML_OFFLINE_MODE is set: deliver later with trainer-sdk sync, or write a session with trainer-sdk journal export";
  return {
    name: "clearml",
    limits: { maxRecords: 1_000, maxBytes: 8_000_000 },
    accepts: () => true,
    open: () => Promise.resolve({ status: "rejected", reason }),
    deliver: () => Promise.resolve({ status: "retry", cause: "unreachable", reason }),
  };
}

/** Where files go when no place was named: beside the journal, from where a session takes them. */
export function offlineFilesUri({ journalDirectory }: ResolvedTrainerOptions, workingDirectory: string): string {
  return pathToFileURL(path.join(journalDirectory ?? path.join(workingDirectory, ".trainer-sdk"), "files")).href;
}
