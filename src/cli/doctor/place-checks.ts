/** Whether a bucket or a folder would take what is put there, with the rights that storing needs and no others. Leaves nothing behind. */
import { access, constants, mkdtemp, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { ConfigError, describeError } from "../../base/errors.js";
import type { S3Spec, StorageSpec } from "../../storage/checkpoint-uri.js";
import { inWords } from "../../storage/download/evict.js";
import { describeFileError } from "../../storage/file-errors.js";
import { probeS3 } from "../../storage/probe-s3.js";
import { resolveS3Settings, type S3Settings } from "../../storage/s3-settings.js";
import type { Examination, Finding, Setting } from "./finding.js";

/** What a place is for, and the variable that names it. */
export interface Purpose {
  /** Begins the ids of findings. */
  readonly id: "storage" | "handover";
  readonly what: "Files" | "Hand-overs";
  readonly variable: "CHECKPOINT_URI" | "TRAINER_HANDOVER_URI";
}

/** What was found, and settings that came to light. */
export interface PlaceReport {
  readonly findings: readonly Finding[];
  readonly settings: readonly Setting[];
}

/** Looks at it. */
export async function checkPlace(
  spec: Exclude<StorageSpec, { readonly kind: "fileserver" }>,
  purpose: Purpose,
  examination: Examination,
): Promise<PlaceReport> {
  if (spec.kind === "s3") return bucket(spec, purpose, examination);
  return { findings: [await folder(spec.directory, purpose)], settings: [] };
}

async function bucket(spec: S3Spec, { id, what, variable }: Purpose, { env, signal, clocks }: Examination): Promise<PlaceReport> {
  let settings: S3Settings;
  try {
    settings = resolveS3Settings(spec, { namedBy: variable }, env);
  } catch (error) {
    const issues = error instanceof ConfigError ? error.issues : [{ path: variable, message: describeError(error) }];
    return {
      findings: issues.map(({ path: name, message }) => ({ id: `${id}.address`, severity: "error", message: `${name} ${message}.` })),
      settings: [],
    };
  }
  const at = settings.endpoint ?? `AWS${settings.region === undefined ? "" : ` (${settings.region})`}`;
  const where = `bucket ${settings.bucket} at ${at}`;
  const { putFailure, abortFailure, serverDate } = await probeS3(settings, signal);
  if (serverDate !== undefined) clocks.push({ who: `The S3 store at ${at}`, date: serverDate, receivedAtMs: Date.now() });
  const findings: Finding[] = [];
  if (putFailure)
    findings.push({ id: `${id}.put`, severity: "error", message: `Nothing can be stored in ${where}. ${describeError(putFailure)}` });
  else findings.push({ id: `${id}.put`, severity: "ok", message: `${what} can be stored in ${where}.` });
  if (abortFailure)
    findings.push({
      id: `${id}.abort`,
      severity: "warning",
      message: `An upload that was begun could not be taken back. ${describeError(abortFailure)}`,
      advice:
        "Allow s3:AbortMultipartUpload, or give the bucket a lifecycle rule that ends unfinished uploads: they cost money and nobody sees them.",
    });
  const key = settings.credentials && `${settings.credentials.accessKeyId.slice(0, 2)}***`;
  const { origins } = settings;
  const name = id === "handover" ? "hand-over's S3" : "S3";
  return {
    findings,
    settings: [
      { name: `${name} endpoint`, value: settings.endpoint ?? "AWS", from: origins?.endpoint ?? "" },
      { name: `${name} region`, value: settings.region ?? "(by AWS's chain)", from: origins?.region ?? "" },
      { name: `${name} access key`, value: key ?? "(by AWS's chain)", from: origins?.credentials ?? "" },
    ],
  };
}

async function folder(directory: string, { id: begin, what, variable }: Purpose): Promise<Finding> {
  const id = `${begin}.put`;
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
        advice: `Make room, or name another place in ${variable}.`,
      };
    return { id, severity: "ok", message: `${what} can be stored in ${directory} (${inWords(free)} free).` };
  } catch (error) {
    return {
      id,
      severity: "error",
      message: `Nothing can be stored in ${directory}: ${describeFileError(error)}.`,
      advice: `Mount a volume that can be written, or name another place in ${variable}.`,
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
