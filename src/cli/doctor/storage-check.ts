/** Whether files could be stored, and what is pending handed over, wherever it is that they go. Leaves nothing behind. */
import { parseCheckpointUri, type StorageSpec } from "../../storage/checkpoint-uri.js";
import { SIGNED } from "../../trainer/storage-place.js";
import { checkFileServer } from "./fileserver-check.js";
import type { Examination, Finding } from "./finding.js";
import { checkPlace, type PlaceReport } from "./place-checks.js";
import type { Configuration } from "./settings.js";
import { checkSigned } from "./signed-check.js";

/** The place for checkpoints, models and artifacts. */
export async function checkStorage(configuration: Configuration, examination: Examination): Promise<PlaceReport> {
  const { storage, resolved, clearml } = configuration;
  if (storage === undefined) {
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
  if (storage.uri === SIGNED) return { findings: await checkSigned(resolved, examination), settings: [] };
  const { spec, findings } = read(storage.uri, "CHECKPOINT_URI", "storage.address");
  if (!spec) return { findings, settings: [] };
  if (spec.kind === "fileserver")
    return { findings: [...findings, ...(await checkFileServer(clearml.options, examination))], settings: [] };
  const { findings: own, settings } = await checkPlace(spec, { id: "storage", what: "Files", variable: "CHECKPOINT_URI" }, examination);
  return { findings: [...findings, ...own], settings };
}

/** The place where a close, or a SIGTERM, leaves what is pending. */
export async function checkHandOver(uri: string, examination: Examination): Promise<PlaceReport> {
  const variable = "TRAINER_HANDOVER_URI";
  const { spec, findings } = read(uri, variable, "handover.address");
  if (!spec) return { findings, settings: [] };
  if (spec.kind === "fileserver") {
    const message = `${variable} cannot be ClearML's file server, from which sync could not list what was left.`;
    return { findings: [{ id: "handover.address", severity: "error", message, advice: "Use s3:// or file:///." }], settings: [] };
  }
  const { findings: own, settings } = await checkPlace(spec, { id: "handover", what: "Hand-overs", variable }, examination);
  return { findings: [...findings, ...own], settings };
}

/** Which place is meant; findings when it cannot be told. */
function read(uri: string, variable: string, id: string): { readonly spec?: StorageSpec; readonly findings: readonly Finding[] } {
  const parsed = parseCheckpointUri(uri, variable);
  if (parsed.status === "invalid")
    return { findings: parsed.issues.map(({ path, message }) => ({ id, severity: "error", message: `${path}: ${message}` })) };
  return {
    spec: parsed.spec,
    findings: parsed.warnings.map(({ path, message }) => ({ id, severity: "warning", message: `${path}: ${message}.` })),
  };
}
