/**
 * Workspaces of an MLflow (3.10 and later, where a server was started with them): names of experiments and models repeat across them,
 * ids of experiments, runs and logged models do not. What has no workspaces is all in the default one. Source: MLflow's
 * `workspace_utils` and its database models. Pure.
 */

/** The workspace that a request without the header is about. */
export const DEFAULT_WORKSPACE = "default";
/** Header that names a request's workspace. Releases that know none ignore it, and a server without them refuses it. */
export const WORKSPACE_HEADER = "x-mlflow-workspace";

/** A document's workspace, when it is not the default one. */
export function otherWorkspace({ workspace }: { readonly workspace?: string | undefined }): string | undefined {
  return workspace === undefined || workspace === "" || workspace === DEFAULT_WORKSPACE ? undefined : workspace;
}

/** The document, with its workspace named where that is not the default one. */
export function inWorkspace<Document extends object>(document: Document, workspace: string | undefined): Document {
  const name = otherWorkspace({ workspace });
  return name === undefined ? document : { ...document, workspace: name };
}
