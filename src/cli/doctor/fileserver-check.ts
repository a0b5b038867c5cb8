/** Whether ClearML's file server takes a file: a small one is stored, looked at, and deleted. */
import { Readable } from "node:stream";
import { describeError } from "../../base/errors.js";
import { publicUrl, undiciTransport } from "../../base/http.js";
import { newId } from "../../base/ids.js";
import { readNetwork } from "../../base/network.js";
import { clearmlCertificates, type ResolvedClearMLConnection } from "../../clearml/options.js";
import type { Examination, Finding } from "./finding.js";

const CONTENT = Buffer.from("trainer-sdk doctor looks whether files can be stored here\n");

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
    const url = await files.upload(path, () => Readable.from([CONTENT]), { sizeBytes: CONTENT.length, contentType: "text/plain", signal });
    const stored = await files.head(url, { signal });
    const found: Finding[] =
      stored === undefined || (stored.sizeBytes ?? CONTENT.length) !== CONTENT.length
        ? [
            {
              id,
              severity: "error",
              message: `What ${server} took is not there afterwards${stored === undefined ? "" : ` as it was sent (${String(stored.sizeBytes)} bytes of ${String(CONTENT.length)})`}.`,
              advice: "Look at its disk and at the proxy before it.",
            },
          ]
        : [{ id, severity: "ok", message: `Files can be stored on ${server}.` }];
    const left = await files.delete(url, { signal }).then(
      () => undefined,
      (error: unknown) => describeError(error),
    );
    if (left !== undefined)
      found.push({
        id: "storage.left",
        severity: "note",
        message: `The file that was stored to try it is still there, at ${publicUrl(url)}: ${left}`,
      });
    return found;
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
  } finally {
    await clearml.close();
    await transport.close();
  }
}
