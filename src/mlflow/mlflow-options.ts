/** Where an MLflow server is and who asks: what was given, then MLflow's own environment variables. Reads nothing else. */
import type { Clock } from "../base/clock.js";
import { ConfigError, type Issue } from "../base/errors.js";
import type { StreamingHttpTransport } from "../base/http.js";
import type { Random } from "../base/ids.js";
import type { Logger } from "../base/logger.js";

type Environment = Readonly<Record<string, string | undefined>>;

export interface MlflowOptions {
  /** Address of the server, with the prefix that a proxy may ask for. `MLFLOW_TRACKING_URI`. */
  readonly trackingUri?: string | undefined;
  /** `MLFLOW_TRACKING_USERNAME`. Goes with `password`. */
  readonly username?: string | undefined;
  /** `MLFLOW_TRACKING_PASSWORD`. */
  readonly password?: string | undefined;
  /** Sent as a bearer token. `MLFLOW_TRACKING_TOKEN`. User and password win over it, as in MLflow's own client. */
  readonly token?: string | undefined;
  /**
   * The workspace that a writer writes to (MLflow 3.10 and later). `MLFLOW_WORKSPACE`; default: the server's default one. A reader
   * reads all of them, whatever is given here.
   */
  readonly workspace?: string | undefined;
  /** False accepts any certificate. `MLFLOW_TRACKING_INSECURE_TLS`; default true. */
  readonly verifyCertificates?: boolean | undefined;
  /** A file with certificates to trust beside the usual ones. `MLFLOW_TRACKING_SERVER_CERT_PATH`. */
  readonly certificateFile?: string | undefined;
  /**
   * Folder or `s3://` address that is the server's `--artifacts-destination`: for the few files that a server has and cannot hand
   * out, because their names hold escapes such as `%20`.
   */
  readonly artifactsRoot?: string | undefined;
  /** Requests a second, at most. Default: as fast as they come. */
  readonly requestsPerSecond?: number | undefined;
  /** Points of a metric in one answer. Default 25,000, which is the most. */
  readonly historyPageSize?: number | undefined;
  /** Time within which a failed request is tried again. Default 5 minutes: a server that restarts is no reason to give up. */
  readonly retryBudgetMs?: number | undefined;
  /** Hears, at `debug`, of requests that failed and are tried again. Default: silent. */
  readonly logger?: Logger | undefined;
  /** Default: one of the client's own, by the usual variables for proxies and certificates. The caller's to close. */
  readonly transport?: StreamingHttpTransport | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** The connection with nothing left open. */
export interface MlflowConnection {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly authorization: string | undefined;
  readonly username: string | undefined;
  readonly workspace: string | undefined;
  readonly verifyCertificates: boolean;
  readonly certificateFile: { readonly name: string; readonly file: string } | undefined;
}

/** @throws ConfigError with everything that is wrong or missing. */
export function resolveMlflowConnection(given: MlflowOptions, env: Environment): MlflowConnection {
  const issues: Issue[] = [];
  const find = (value: string | undefined, name: string): string | undefined => {
    const text = value ?? env[name]?.trim();
    return text === undefined || text === "" ? undefined : text;
  };
  const uri = find(given.trackingUri, "MLFLOW_TRACKING_URI");
  const baseUrl = uri === undefined ? undefined : serverUrl(uri);
  if (uri === undefined) issues.push({ path: "MLFLOW_TRACKING_URI", message: "is missing: give the address of the MLflow server" });
  else if (baseUrl === undefined)
    issues.push({
      path: "MLFLOW_TRACKING_URI",
      message:
        "must be the http or https address of an MLflow server; a migration also reads a tracking folder (mlruns) or a SQLite file that is here, or sqlite:///path; for other databases start `mlflow server` on them",
    });
  const username = find(given.username, "MLFLOW_TRACKING_USERNAME");
  const password = find(given.password, "MLFLOW_TRACKING_PASSWORD");
  const token = find(given.token, "MLFLOW_TRACKING_TOKEN");
  if ((username === undefined) !== (password === undefined))
    issues.push({ path: "MLFLOW_TRACKING_PASSWORD", message: "and MLFLOW_TRACKING_USERNAME go together; one of them is missing" });
  const file = find(given.certificateFile, "MLFLOW_TRACKING_SERVER_CERT_PATH");
  if (issues.length > 0 || baseUrl === undefined) {
    const words = issues.map(({ path, message }) => `${path} ${message}`).join("; ");
    throw new ConfigError(`MLflow cannot be used as configured: ${words}.`, issues);
  }
  return {
    baseUrl,
    authorization:
      username !== undefined && password !== undefined
        ? `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`
        : token === undefined
          ? undefined
          : `Bearer ${token}`,
    username,
    workspace: find(given.workspace, "MLFLOW_WORKSPACE"),
    verifyCertificates: given.verifyCertificates ?? !/^(1|true|yes)$/i.test(env["MLFLOW_TRACKING_INSECURE_TLS"]?.trim() ?? ""),
    certificateFile: file === undefined ? undefined : { name: "MLFLOW_TRACKING_SERVER_CERT_PATH", file },
  };
}

/** User and password of an address are not for URLs that come to be shown; they are refused here, not dropped. */
function serverUrl(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "" || url.hash !== "") return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}
