/**
 * Where a run's file lies, as an address that others can open: for artifacts that are registered in place. What only the
 * machine of the MLflow server can read gets the server's own route. Pure.
 */
import { pathToFileURL } from "node:url";
import type { MlflowRun } from "../mlflow/mlflow-documents.js";
import type { MlflowFilesOwner } from "../mlflow/mlflow-source.js";
import { withoutPasswords } from "./shown-text.js";

/**
 * The address of a file of a run.
 *
 * @param source - Address of the source: of a server its URL, of a folder or a database its path.
 */
export function linkedAddress(run: MlflowRun, path: string, source: string): string {
  const root = withoutPasswords(run.info.artifact_uri ?? "").replace(/\/+$/, "");
  const isServer = /^https?:\/\//.test(source);
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*):(.*)$/i.exec(root) ?? [];
  if (scheme === "mlflow-artifacts") return `${proxyOf(rest, source)}/${segments(`${proxyPath(rest)}/${path}`)}`;
  // One letter is a drive, not a scheme.
  if (scheme.length > 1 && scheme !== "file") return `${root}/${/^https?$/.test(scheme) ? segments(path) : path}`;
  if (isServer) return `${source}/get-artifact?run_uuid=${encodeURIComponent(run.info.run_id)}&path=${encodeURIComponent(path)}`;
  return scheme === "file" ? `${root}/${segments(path)}` : pathToFileURL(`${root}/${path}`).href;
}

/**
 * The address of a file of a model.
 *
 * @param place - Where MLflow says that the model's files are.
 * @param source - As of {@link linkedAddress}.
 */
export function linkedModelAddress(owner: MlflowFilesOwner, place: string, path: string, source: string): string {
  const root = withoutPasswords(place);
  const [, scheme = ""] = /^([a-z][a-z0-9+.-]+):/i.exec(root) ?? [];
  const isReachable = scheme !== "" && !["file", "mlflow-artifacts", "models", "runs"].includes(scheme);
  const below = `${root.replace(/\/+$/, "")}/${path}`;
  if (isReachable) return /^https?$/.test(scheme) ? `${root.replace(/\/+$/, "")}/${segments(path)}` : below;
  if (!/^https?:\/\//.test(source)) return scheme === "" ? pathToFileURL(below).href : below;
  if (typeof owner === "string") return `${source}/get-artifact?run_uuid=${encodeURIComponent(owner)}&path=${encodeURIComponent(path)}`;
  if ("modelId" in owner)
    return `${source}/ajax-api/2.0/mlflow/logged-models/${encodeURIComponent(owner.modelId)}/artifacts/files?artifact_file_path=${encodeURIComponent(path)}`;
  const { name, version } = owner;
  return `${source}/model-versions/get-artifact?name=${encodeURIComponent(name)}&version=${version}&path=${encodeURIComponent(path)}`;
}

/** `mlflow-artifacts://host:port/...` names a server of its own; without a host it is the tracking server's. */
function proxyOf(rest: string, source: string): string {
  const host = /^\/\/([^/]+)/.exec(rest)?.[1];
  const server = host === undefined ? source : `${source.startsWith("https:") ? "https" : "http"}://${host}`;
  return `${server}/api/2.0/mlflow-artifacts/artifacts`;
}

function proxyPath(rest: string): string {
  return rest.replace(/^\/\/[^/]+/, "").replace(/^\/+/, "");
}

function segments(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
