/** Whether files could be stored, with the rights that storing needs and no others. Leaves nothing behind. */
import { access, constants, mkdtemp, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { describeError, ConfigError } from "../../base/errors.js";
import { describeFileError } from "../../storage/file-errors.js";
import { inWords } from "../../storage/download/evict.js";
import { probeS3 } from "../../storage/probe-s3.js";
import { resolveS3Settings, type S3Settings } from "../../storage/s3-settings.js";
import type { S3Spec } from "../../storage/checkpoint-uri.js";
import { SIGNED } from "../../trainer/checkpoint-store.js";
import type { Examination, Finding, Setting } from "./finding.js";
import { storageSpec } from "./settings.js";

export async function checkStorage(
  uri: string | undefined,
  examination: Examination,
): Promise<{ readonly findings: readonly Finding[]; readonly settings: readonly Setting[] }> {
  if (uri === undefined) {
    const message = "There is no place for checkpoints, models and artifacts: uploads would be rejected.";
    return {
      findings: [
        {
          id: "storage.none",
          severity: "warning",
          message,
          advice: "Set CHECKPOINT_URI (s3://bucket/prefix, s3://host:port/bucket/prefix, file:///folder or clearml).",
        },
      ],
      settings: [],
    };
  }
  if (uri === SIGNED) {
    const message = "The backend signs an address for each file: whether it does shows with the first upload.";
    return { findings: [{ id: "storage.signed", severity: "note", message }], settings: [] };
  }
  const { spec, findings } = storageSpec(uri);
  if (!spec) return { findings, settings: [] };
  if (spec.kind === "folder") return { findings: [...findings, await folder(spec.directory)], settings: [] };
  if (spec.kind === "fileserver")
    return {
      findings: [...findings, { id: "storage.fileserver", severity: "ok", message: "Files go to ClearML's file server." }],
      settings: [],
    };
  const s3 = await bucket(spec, examination);
  return { findings: [...findings, ...s3.findings], settings: s3.settings };
}

async function bucket(spec: S3Spec, { env, signal, clocks }: Examination): ReturnType<typeof checkStorage> {
  let settings: S3Settings;
  try {
    settings = resolveS3Settings(spec, {}, env);
  } catch (error) {
    const issues = error instanceof ConfigError ? error.issues : [{ path: "CHECKPOINT_URI", message: describeError(error) }];
    return {
      findings: issues.map(({ path: name, message }) => ({ id: "storage.address", severity: "error", message: `${name} ${message}.` })),
      settings: [],
    };
  }
  const where = `bucket ${settings.bucket} at ${settings.endpoint ?? `AWS${settings.region === undefined ? "" : ` (${settings.region})`}`}`;
  const { putFailure, abortFailure, serverDate } = await probeS3(settings, signal);
  if (serverDate !== undefined) clocks.push({ who: "The S3 store", date: serverDate, receivedAtMs: Date.now() });
  const findings: Finding[] = [];
  if (putFailure)
    findings.push({ id: "storage.put", severity: "error", message: `Nothing can be stored in ${where}. ${describeError(putFailure)}` });
  else findings.push({ id: "storage.put", severity: "ok", message: `Files can be stored in ${where}.` });
  if (abortFailure)
    findings.push({
      id: "storage.abort",
      severity: "warning",
      message: `An upload that was begun could not be taken back. ${describeError(abortFailure)}`,
      advice:
        "Allow s3:AbortMultipartUpload, or give the bucket a lifecycle rule that ends unfinished uploads: they cost money and nobody sees them.",
    });
  const key = settings.credentials && `${settings.credentials.accessKeyId.slice(0, 2)}***`;
  const { origins } = settings;
  return {
    findings,
    settings: [
      { name: "S3 endpoint", value: settings.endpoint ?? "AWS", from: origins?.endpoint ?? "" },
      { name: "S3 region", value: settings.region ?? "(by AWS's chain)", from: origins?.region ?? "" },
      { name: "S3 access key", value: key ?? "(by AWS's chain)", from: origins?.credentials ?? "" },
    ],
  };
}

async function folder(directory: string): Promise<Finding> {
  const id = "storage.put";
  try {
    // What is not there yet is made with the first upload: its parent counts.
    const there = await nearest(directory);
    const probe = await mkdtemp(path.join(there, ".trainer-sdk-doctor-"));
    await rm(probe, { recursive: true });
    const { bavail, bsize } = await statfs(there);
    const free = bavail * bsize;
    if (free < 1e9)
      return {
        id,
        severity: "warning",
        message: `The folder ${directory} has ${inWords(free)} left.`,
        advice: "Make room, or name another place in CHECKPOINT_URI.",
      };
    return { id, severity: "ok", message: `Files can be stored in ${directory} (${inWords(free)} free).` };
  } catch (error) {
    return {
      id,
      severity: "error",
      message: `Nothing can be stored in ${directory}: ${describeFileError(error)}.`,
      advice: "Mount a volume that can be written, or name another place in CHECKPOINT_URI.",
    };
  }
}

/** The folder, or the nearest one above it that is there. @throws Node's own error. */
export async function nearest(directory: string): Promise<string> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return directory;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || path.dirname(directory) === directory) throw error;
    return nearest(path.dirname(directory));
  }
}
