/** Whether ClearML's file server takes a file: a small one is stored, looked at, and deleted. */
import { Readable } from "node:stream";
import { describeError } from "../../base/errors.js";
import { publicUrl, undiciTransport } from "../../base/http.js";
import { newId } from "../../base/ids.js";
import { readNetwork } from "../../base/network.js";
import { clearmlCertificates, type ResolvedClearMLConnection } from "../../clearml/options.js";
import type { FileServer } from "../../clearml/file-server.js";
import type { Examination, Finding } from "./finding.js";

const CONTENT = Buffer.from("trainer-sdk doctor looks whether files can be stored here\n");
/** For taking the file away after the doctor was told to stop. */
const DELETE_TIMEOUT_MS = 3_000;

/** Asks it, with the keys that a trainer would have. Every failure is a finding. */
export async function checkFileServer(
  connection: ResolvedClearMLConnection | undefined,
  { env, signal }: Examination,
): Promise<readonly Finding[]> {
  const id = "storage.fileserver";
  if (connection?.filesHost === undefined)
    return [
      {
        id,
        severity: "error",
        message: "Files would go to ClearML's file server, and there is none: ClearML is not configured, or its address is not known.",
        advice: "Set CLEARML_API_HOST, CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY and, where it cannot be derived, CLEARML_FILES_HOST.",
      },
    ];
  const server = `ClearML's file server at ${publicUrl(connection.filesHost).replace(/\/$/, "")}`;
  const { createClearML } = await import("../../clearml/create-clearml.js");
  const transport = undiciTransport({
    verifyCertificates: connection.verifyCertificates,
    network: readNetwork(env, clearmlCertificates(env)),
  });
  const clearml = createClearML({ ...connection, transport, retry: false }, {});
  try {
    const { files } = clearml;
    const path = `.trainer-sdk-doctor/${newId()}.txt`;
    let url: string;
    try {
      url = await files.upload(path, () => Readable.from([CONTENT]), { sizeBytes: CONTENT.length, contentType: "text/plain", signal });
    } catch (error) {
      signal.throwIfAborted();
      return [
        {
          id,
          severity: "error",
          message: `Nothing can be stored on ${server}. ${describeError(error)}`,
          advice: "Check CLEARML_FILES_HOST and the keys, or name another place in CHECKPOINT_URI.",
        },
      ];
    }
    const seen = await look(files, url, { id, server, signal });
    // Whatever came of looking, and when the doctor was stopped meanwhile: what was stored is ours to take away.
    const left = await takeAway(files, url, signal);
    signal.throwIfAborted();
    return left === undefined ? [seen] : [seen, left];
  } finally {
    await clearml.close();
    await transport.close();
  }
}

/** Never rejects. */
async function look(
  files: FileServer,
  url: string,
  { id, server, signal }: { readonly id: string; readonly server: string; readonly signal: AbortSignal },
): Promise<Finding> {
  try {
    const stored = await files.head(url, { signal });
    if (stored !== undefined && (stored.sizeBytes ?? CONTENT.length) === CONTENT.length)
      return { id, severity: "ok", message: `Files can be stored on ${server}.` };
    const otherwise = stored === undefined ? "" : ` as it was sent (${String(stored.sizeBytes)} bytes of ${String(CONTENT.length)})`;
    return {
      id,
      severity: "error",
      message: `What ${server} took is not there afterwards${otherwise}.`,
      advice: "Look at its disk and at the proxy before it.",
    };
  } catch (error) {
    return {
      id,
      severity: "error",
      message: `What ${server} took cannot be looked at. ${describeError(error)}`,
      advice: "Artifacts and checkpoints could not be checked or read back. Look at the proxy before it: HEAD must be let through.",
    };
  }
}

/** Deletes the small file; a finding when it stays. Never rejects. */
async function takeAway(files: FileServer, url: string, signal: AbortSignal): Promise<Finding | undefined> {
  try {
    await files.delete(url, { signal: signal.aborted ? AbortSignal.timeout(DELETE_TIMEOUT_MS) : signal });
    return undefined;
  } catch (error) {
    return {
      id: "storage.left",
      severity: "note",
      message: `The file that was stored to try it is still there, at ${publicUrl(url)}: ${describeError(error)}`,
    };
  }
}
