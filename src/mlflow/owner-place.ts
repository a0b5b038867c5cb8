/** Where the files of a run or a model are on a server: by which routes, in which workspace, and at what address of the store. Reads. */
import type * as z from "zod/mini";
import { NotFoundError } from "../base/errors.js";
import { loggedModelFiles, runFiles, versionFiles, type FilesPlace, type Query } from "./files-place.js";
import { downloadUriAnswer, loggedModelAnswer, modelVersionAnswer, runAnswer } from "./mlflow-documents.js";
import type { MlflowFilesOwner } from "./mlflow-source.js";
import { MLFLOW_API as API } from "./mlflow-wire.js";
import type { RequestPlace, ServerWorkspaces } from "./server-workspaces.js";
import { shownAddress } from "./shown-address.js";

/** Reads an answer by its schema. @throws ApiError, ConnectionError; the signal's reason. */
export type ReadAnswer = <T extends z.ZodMiniType>(path: string, query: Query, schema: T, at: RequestPlace) => Promise<z.output<T>>;

export interface OwnerPlace {
  readonly place: FilesPlace;
  readonly workspace: string | undefined;
  /** Asks where MLflow says that the files lie. */
  readonly root: () => Promise<string>;
}

/** @throws NotFoundError for a version of a registered model whose files the server cannot list; else as reading an answer does. */
export async function placeOfOwner(
  owner: MlflowFilesOwner,
  { read, workspaces, signal }: { readonly read: ReadAnswer; readonly workspaces: ServerWorkspaces; readonly signal: AbortSignal },
): Promise<OwnerPlace> {
  const ofRun = async (runId: string, below: string): Promise<OwnerPlace> => {
    const workspace = await workspaces.ofRun(runId, signal);
    const root = async (): Promise<string> => {
      const { run } = await read(`${API}/runs/get`, { run_id: runId }, runAnswer, { signal, workspace });
      const uri = (run.info.artifact_uri ?? "").replace(/\/+$/, "");
      return below === "" ? uri : `${uri}/${below}`;
    };
    return { place: runFiles(runId, below), workspace, root };
  };
  if (typeof owner === "string") return ofRun(owner, "");
  if ("modelId" in owner) {
    const workspace = await workspaces.ofLoggedModel(owner.modelId, signal);
    const path = `${API}/logged-models/${encodeURIComponent(owner.modelId)}`;
    const root = async (): Promise<string> =>
      (await read(path, {}, loggedModelAnswer, { signal, workspace })).model.info.artifact_uri ?? "";
    return { place: loggedModelFiles(owner.modelId), workspace, root };
  }
  const { name, version } = owner;
  const workspace = await workspaces.ofModel(owner.workspace, signal);
  const at = { signal, workspace };
  const { artifact_uri: uri = "" } = await read(`${API}/model-versions/get-download-uri`, { name, version }, downloadUriAnswer, at);
  const place = versionFiles(uri);
  if (place) return { place, workspace, root: () => Promise.resolve(uri) };
  const { model_version: found } = await read(`${API}/model-versions/get`, { name, version }, modelVersionAnswer, at);
  const run = found.run_id === undefined || found.run_id === "" ? undefined : await ofRun(found.run_id, "");
  const root = await run?.root();
  if (root !== undefined && uri.startsWith(`${root}/`)) return ofRun(found.run_id ?? "", uri.slice(root.length + 1).replace(/\/+$/, ""));
  throw new NotFoundError(
    `The files of version ${version} of the registered model ${JSON.stringify(name)} are at ${shownAddress(uri)}, which MLflow does not list.`,
  );
}
