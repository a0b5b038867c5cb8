/** Where a run's files are put: the route by which the server takes them, if it does. Pure. */

const ROUTE = "/api/2.0/mlflow-artifacts/artifacts";

/**
 * The path, below the server's address, of a run's folder; undefined when the server does not take files for it (its
 * artifacts lie in a bucket or a folder of their own) or another host does, to which our credentials must not go.
 */
export function artifactRoute(artifactUri: string | undefined, baseUrl: string): string | undefined {
  if (artifactUri === undefined || !URL.canParse(artifactUri)) return undefined;
  const { protocol, host, pathname } = new URL(artifactUri);
  const root = pathname.replace(/\/+$/, "");
  if (protocol === "mlflow-artifacts:") return host === "" || host === new URL(baseUrl).host ? `${ROUTE}${root}` : undefined;
  const own = new URL(baseUrl);
  if (protocol !== own.protocol || host !== own.host) return undefined;
  const at = /\/(?:ajax-)?api\/2\.0\/mlflow-artifacts\/artifacts(?=\/)/.exec(root);
  return at === null ? undefined : `${ROUTE}${root.slice(at.index + at[0].length)}`;
}

/** The route of one file below it. */
export function fileRoute(route: string, path: string): string {
  return `${route}/${path.split("/").map(encodeURIComponent).join("/")}`;
}
