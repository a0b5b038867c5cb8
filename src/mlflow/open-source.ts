/** From what a user names to the source that it is: the address of a server, or a SQLite file. Opens files, calls nobody. */
import { MlflowClient } from "./mlflow-client.js";
import type { MlflowOptions } from "./mlflow-options.js";
import type { MlflowSource } from "./mlflow-source.js";
import type { SqliteSourceOptions } from "./sqlite-source.js";

/**
 * Opens a source for a migration: `sqlite:///path` and a path that ends in `.db`, `.sqlite` or `.sqlite3` are a database, all else is for
 * {@link MlflowClient}. Default: `MLFLOW_TRACKING_URI`.
 *
 * @throws ConfigError when it cannot be used.
 */
export async function openMlflowSource(
  options: MlflowOptions & SqliteSourceOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<MlflowSource> {
  const place = options.trackingUri ?? env["MLFLOW_TRACKING_URI"]?.trim() ?? "";
  const path = databasePath(place);
  if (path === undefined) return new MlflowClient(options, env);
  // With it comes all that reads files where they lie, which a server's clients do without.
  const { MlflowSqliteSource } = await import("./sqlite-source.js");
  return MlflowSqliteSource.open(path, options, env);
}

/** As SQLAlchemy reads it: three slashes before a relative path, four before an absolute one. */
function databasePath(place: string): string | undefined {
  const path = /^sqlite(?:\+\w+)?:\/\/\/(.+)$/.exec(place)?.[1];
  if (path !== undefined) return path.replace(/\?.*$/, "");
  return !/^[a-z]+:\/\//i.test(place) && /\.(db|sqlite3?)$/i.test(place) ? place : undefined;
}
