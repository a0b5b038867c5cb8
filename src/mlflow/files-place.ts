/**
 * By which routes a server lists and hands out the files of a run or a model. Runs and logged models have routes that work for
 * every store; versions of registered models have none to list with and are led back to what they were made from. Pure.
 */

export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

interface Route {
  readonly path: string;
  readonly query: Query;
}

export interface FilesPlace {
  /** For messages. */
  readonly name: string;
  /** The path of a file or folder that the server is asked for. */
  full(path: string): string;
  list(folder: string): Route;
  file(path: string): Route;
  /** The path below the owner's root of an entry of a listing. */
  ownPath(folder: string, listed: string): string;
}

const PROXY = "/api/2.0/mlflow-artifacts/artifacts";

/** Files of a run, or of a folder below its root. */
export function runFiles(runId: string, below = ""): FilesPlace {
  const full = (path: string): string => joined(below, path);
  return {
    name: `run ${runId}`,
    full,
    list: (folder) => ({ path: "/api/2.0/mlflow/artifacts/list", query: { run_id: runId, path: full(folder) || undefined } }),
    file: (path) => ({ path: "/get-artifact", query: { run_uuid: runId, path: full(path) } }),
    ownPath: (_folder, listed) => (below === "" ? listed : listed.slice(below.length + 1)),
  };
}

/** Files of a logged model. */
export function loggedModelFiles(modelId: string): FilesPlace {
  const id = encodeURIComponent(modelId);
  return {
    name: `logged model ${modelId}`,
    full: (path) => path,
    list: (folder) => ({
      path: `/api/2.0/mlflow/logged-models/${id}/artifacts/directories`,
      query: { artifact_directory_path: folder || undefined },
    }),
    file: (path) => ({ path: `/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files`, query: { artifact_file_path: path } }),
    ownPath: (_folder, listed) => listed,
  };
}

/** Files of a registered model's version by the address that it resolves to; undefined when the server cannot list that. */
export function versionFiles(uri: string): FilesPlace | undefined {
  const model = /^models:\/+(m-[0-9a-f]+)$/.exec(uri)?.[1];
  if (model !== undefined) return loggedModelFiles(model);
  const root = /^mlflow-artifacts:\/(?:\/[^/]*)?\/*(.+?)\/*$/.exec(uri)?.[1];
  if (root === undefined) return undefined;
  return {
    name: `model at ${uri}`,
    full: (path) => joined(root, path),
    list: (folder) => ({ path: PROXY, query: { path: joined(root, folder) } }),
    file: (path) => ({ path: `${PROXY}/${joined(root, path).split("/").map(encodeURIComponent).join("/")}`, query: {} }),
    // The proxy answers names alone.
    ownPath: (folder, listed) => joined(folder, listed.slice(listed.lastIndexOf("/") + 1)),
  };
}

function joined(folder: string, path: string): string {
  return [folder, path].filter((part) => part !== "").join("/");
}
