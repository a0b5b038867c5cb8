/** From what a user names to the source that it is: the address of a server, a tracking folder, or a SQLite file. Calls nobody. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { ConfigError } from "../base/errors.js";
import { folderOfFileAddress } from "./file-address.js";
import type { FileSourceOptions } from "./file-source.js";
import { MlflowClient } from "./mlflow-client.js";
import type { MlflowOptions } from "./mlflow-options.js";
import type { MlflowSource } from "./mlflow-source.js";
import type { SqliteSourceOptions } from "./sqlite-source.js";

/**
 * Opens a source for a migration: a folder of this machine, or `file:` and its path, is a tracking folder (`mlruns`); `sqlite:///path`
 * and a file of this machine are a database; all else is for {@link MlflowClient}. Default: `MLFLOW_TRACKING_URI`.
 *
 * @throws ConfigError when it cannot be used.
 */
export async function openMlflowSource(
  options: MlflowOptions & SqliteSourceOptions & FileSourceOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<MlflowSource> {
  const place = (options.trackingUri ?? env["MLFLOW_TRACKING_URI"] ?? "").trim();
  const found = await localSource(place);
  if (found === undefined) {
    if (place !== "" && !place.includes("://")) throw nothingAt(place);
    return new MlflowClient(options, env);
  }
  // With them comes all that reads files where they lie, which a server's clients do without.
  if (found.kind === "database") {
    const { MlflowSqliteSource } = await import("./sqlite-source.js");
    return MlflowSqliteSource.open(found.path, options, env);
  }
  const { MlflowFileSource } = await import("./file-source.js");
  return MlflowFileSource.open(found.path, options, env);
}

/** What is no address at all was meant as a path. */
function nothingAt(place: string): ConfigError {
  const message = `there is no ${path.resolve(place)}: name a tracking folder (mlruns) or a SQLite file that is here, sqlite:///path, or the http or https address of an MLflow server`;
  return new ConfigError(`MLflow cannot be read: ${message}.`, [{ path: "MLFLOW_TRACKING_URI", message }]);
}

/** Undefined for what is not on this machine. */
async function localSource(place: string): Promise<{ readonly kind: "database" | "folder"; readonly path: string } | undefined> {
  // As SQLAlchemy reads it: three slashes before a relative path, four before an absolute one.
  const database = /^sqlite(?:\+\w+)?:\/\/\/(.+)$/.exec(place)?.[1];
  if (database !== undefined) return { kind: "database", path: database.replace(/\?.*$/, "") };
  const folder = folderOfFileAddress(place, process.cwd());
  if (folder !== undefined) return { kind: "folder", path: folder };
  if (place === "" || /^[a-z][a-z0-9+.-]*:\/\//i.test(place)) return undefined;
  const what = await stat(place).catch(() => undefined);
  if (what?.isDirectory() === true) return { kind: "folder", path: place };
  return what?.isFile() === true || /\.(db|sqlite3?)$/i.test(place) ? { kind: "database", path: place } : undefined;
}
