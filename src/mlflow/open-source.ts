/** From what a user names to the source that it is: the address of a server, or a SQLite file. Opens files, calls nobody. */
import { MlflowClient } from "./mlflow-client.js";
import type { MlflowOptions } from "./mlflow-options.js";
import type { MlflowSource } from "./mlflow-source.js";
import { MlflowSqliteSource, type SqliteSourceOptions } from "./sqlite-source.js";

/**
 * Opens a source: `sqlite:///path` and a path that ends in `.db`, `.sqlite` or `.sqlite3` are a database, all else is for
 * {@link MlflowClient}. Default: `MLFLOW_TRACKING_URI`.
 *
 * @throws ConfigError when it cannot be used.
 */
export async function openMlflowSource(
  options: MlflowOptions & SqliteSourceOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<MlflowSource> {
  const place = options.trackingUri ?? env["MLFLOW_TRACKING_URI"]?.trim() ?? "";
  const path = databasePath(place);
  return path === undefined ? new MlflowClient(options, env) : MlflowSqliteSource.open(path, options, env);
}

/** As SQLAlchemy reads it: three slashes before a relative path, four before an absolute one. */
function databasePath(place: string): string | undefined {
  const path = /^sqlite(?:\+\w+)?:\/\/\/(.+)$/.exec(place)?.[1];
  if (path !== undefined) return path.replace(/\?.*$/, "");
  return !/^[a-z]+:\/\//i.test(place) && /\.(db|sqlite3?)$/i.test(place) ? place : undefined;
}
