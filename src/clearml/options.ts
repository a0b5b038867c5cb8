/**
 * What a session needs to know: what was given, then the environment, then `clearml.conf`, then defaults
 * (`clearml-protocol`, 2.3 and 2.4). Pure but for that file, so that it can be asked without anything being opened; all problems come out at once, and no secret with them.
 */
import { readClearMLConf, type ClearMLConf } from "../base/clearml-conf.js";
import type { Clock } from "../base/clock.js";
import type { Issue } from "../base/errors.js";
import { publicUrl, type HttpTransport, type StreamingHttpTransport } from "../base/http.js";
import type { Random } from "../base/ids.js";
import type { Logger } from "../base/logger.js";
import { DEFAULT_API_HOST, filesHostOf, webHostOf } from "./hosts.js";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where ClearML is and who asks. Each may also come from the environment or `clearml.conf`; an empty text counts as not given. */
export interface ClearMLConnection {
  /** API server, such as `https://api.clearml.example` or `http://localhost:8008`. `CLEARML_API_HOST`; default `https://api.clear.ml`. */
  readonly apiHost?: string | undefined;
  /** Web application, for links. `CLEARML_WEB_HOST`; default derived from the API's address. */
  readonly webHost?: string | undefined;
  /** File server. `CLEARML_FILES_HOST`; default derived from the web application's address. */
  readonly filesHost?: string | undefined;
  /** `CLEARML_API_ACCESS_KEY`. Goes with `secretKey`. */
  readonly accessKey?: string | undefined;
  /** `CLEARML_API_SECRET_KEY`. */
  readonly secretKey?: string | undefined;
  /** A token to begin with. `CLEARML_AUTH_TOKEN`. Renewed with the keys where they are given beside it, else with itself. */
  readonly token?: string | undefined;
  /** False accepts any certificate. `CLEARML_API_HOST_VERIFY_CERT`; default true. */
  readonly verifyCertificates?: boolean | undefined;
  /** Default of an event's `worker`. `CLEARML_WORKER_NAME`; default the machine's name. */
  readonly workerName?: string | undefined;
}

/** How calls are tried again. */
export interface CallRetry {
  /** Time from the call within which further attempts may begin. Default 60 s. */
  readonly budgetMs?: number | undefined;
}

/** A way to the network. Downloads need one that can stream, as those of this package can. */
export type SessionTransport = HttpTransport & Partial<Pick<StreamingHttpTransport, "stream">>;

/** Options of a session. */
export interface ClearMLSessionOptions extends ClearMLConnection {
  /** The way to the network; the caller's to close. Default: one of the session's own. */
  readonly transport?: SessionTransport | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
  /** Limit of one attempt of a call, unless the call says otherwise. Default 30 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** Retries unless the call says otherwise. False: one attempt, for callers with a schedule of their own. */
  readonly retry?: CallRetry | false | undefined;
}

/** A connection with nothing left open. */
export interface ResolvedClearMLConnection {
  readonly apiHost: string;
  /** Undefined when it was neither given nor can be derived. */
  readonly webHost: string | undefined;
  readonly filesHost: string | undefined;
  readonly accessKey: string | undefined;
  readonly secretKey: string | undefined;
  readonly token: string | undefined;
  readonly verifyCertificates: boolean;
  /** A file with certificates to trust beside the usual ones: `api.verify_certificate` of `clearml.conf`, when it is a path. */
  readonly certificateFile: string | undefined;
  readonly workerName: string | undefined;
}

/** Under which name each value was found: an option, a variable, a file; `default` for what was derived. */
export interface ClearMLOrigins {
  readonly apiHost: string;
  readonly webHost: string;
  readonly filesHost: string;
  readonly accessKey: string | undefined;
  readonly secretKey: string | undefined;
  readonly token: string | undefined;
  readonly verifyCertificates: string;
}

/** What came of it. */
export interface ClearMLResolution {
  /** Undefined when there is not enough to reach a server. */
  readonly options: ResolvedClearMLConnection | undefined;
  /** Everything that is wrong or missing, by option or variable. Some of it may be no obstacle: then `options` is there too. */
  readonly issues: readonly Issue[];
  readonly origins: ClearMLOrigins;
  /** True when anything at all of ClearML was given, so that what is missing is an oversight and not a choice. */
  readonly configured: boolean;
}

/** A value with the name under which it was given, for messages. */
interface Found {
  readonly name: string;
  readonly value: string;
}

/** Joins what was given with the environment and with `clearml.conf`. Reads nothing else and throws nothing. */
export function resolveClearMLOptions(
  given: ClearMLConnection,
  env: Environment,
  conf: ClearMLConf = readClearMLConf(env),
): ClearMLResolution {
  const issues: Issue[] = [...conf.issues];
  const confName = (key: string): string => `${conf.files.at(-1) ?? "clearml.conf"} (${key})`;
  const inConf = (key: string, value: string | undefined): Found | undefined =>
    value === undefined ? undefined : { name: confName(key), value };
  const find = (option: string, value: string | undefined, ...variables: readonly string[]): Found | undefined => {
    if (value !== undefined && value.trim() !== "") return { name: `clearml.${option}`, value: value.trim() };
    for (const name of variables) {
      const text = env[name]?.trim();
      if (text !== undefined && text !== "") return { name, value: text };
    }
    return undefined;
  };
  const both = (suffix: string): readonly [string, string] => [`CLEARML_${suffix}`, `TRAINS_${suffix}`];

  const api = find("apiHost", given.apiHost, ...both("API_HOST")) ?? inConf("api.api_server", conf.api.apiHost);
  const web = find("webHost", given.webHost, ...both("WEB_HOST")) ?? inConf("api.web_server", conf.api.webHost);
  const files = find("filesHost", given.filesHost, ...both("FILES_HOST")) ?? inConf("api.files_server", conf.api.filesHost);
  const apiHost = api ? hostUrl(api, issues) : DEFAULT_API_HOST;
  const webHost = (web && hostUrl(web, issues)) ?? (apiHost === undefined ? undefined : webHostOf(apiHost));
  const filesHost =
    (files && hostUrl(files, issues)) ?? (webHost === undefined || apiHost === undefined ? undefined : filesHostOf(webHost, apiHost));

  const credentials = resolveCredentials(given, find, both, inConf, conf, issues);
  const usable = apiHost !== undefined && (credentials.accessKey !== undefined || credentials.token !== undefined);
  const verify = find("verifyCertificates", undefined, ...both("API_HOST_VERIFY_CERT"));
  const inFile = conf.api.verifyCertificate;
  const verifyCertificates = given.verifyCertificates ?? (verify ? truth(verify, issues) : inFile !== false);
  return {
    options: usable
      ? Object.freeze({
          apiHost,
          webHost,
          filesHost,
          accessKey: credentials.accessKey?.value,
          secretKey: credentials.secretKey?.value,
          token: credentials.token?.value,
          verifyCertificates,
          certificateFile: typeof inFile === "string" ? inFile : undefined,
          workerName: find("workerName", given.workerName, ...both("WORKER_NAME"))?.value,
        })
      : undefined,
    issues,
    origins: {
      apiHost: api?.name ?? "default",
      webHost: web?.name ?? "derived from the API's address",
      filesHost: files?.name ?? "derived from the web application's address",
      accessKey: credentials.accessKey?.name,
      secretKey: credentials.secretKey?.name,
      token: credentials.token?.name,
      verifyCertificates:
        given.verifyCertificates === undefined
          ? (verify?.name ?? (inFile === undefined ? "default" : confName("api.verify_certificate")))
          : "clearml.verifyCertificates",
    },
    configured: api !== undefined || credentials.mentioned || conf.issues.length > 0,
  };
}

/** Certificates that `clearml.conf` names, with the name under which it does; undefined: none. */
export function clearmlCertificates(env: Environment): { readonly name: string; readonly file: string } | undefined {
  const { files, api } = readClearMLConf(env);
  const file = api.verifyCertificate;
  return typeof file === "string" ? { name: `${files.at(-1) ?? "clearml.conf"} (api.verify_certificate)`, file } : undefined;
}

/** Keys and token of one source: options, environment and file are not mixed, or a token could be renewed as somebody else. */
function resolveCredentials(
  given: ClearMLConnection,
  find: (option: string, value: string | undefined, ...variables: readonly string[]) => Found | undefined,
  both: (suffix: string) => readonly [string, string],
  inConf: (key: string, value: string | undefined) => Found | undefined,
  conf: ClearMLConf,
  issues: Issue[],
): {
  readonly accessKey: Found | undefined;
  readonly secretKey: Found | undefined;
  readonly token: Found | undefined;
  readonly mentioned: boolean;
} {
  const fromOptions = [given.accessKey, given.secretKey, given.token].some((value) => value !== undefined && value.trim() !== "");
  const from = (option: "accessKey" | "secretKey" | "token", ...variables: readonly string[]): Found | undefined =>
    find(option, given[option], ...(fromOptions ? [] : variables));
  const token = from("token", "CLEARML_AUTH_TOKEN");
  const own = { accessKey: from("accessKey", ...both("API_ACCESS_KEY")), secretKey: from("secretKey", ...both("API_SECRET_KEY")) };
  const useFile = !fromOptions && !token && !own.accessKey && !own.secretKey;
  const accessKey = useFile ? inConf("api.credentials.access_key", conf.api.accessKey) : own.accessKey;
  const secretKey = useFile ? inConf("api.credentials.secret_key", conf.api.secretKey) : own.secretKey;
  if (accessKey && !secretKey) {
    issues.push({
      path: fromOptions ? "clearml.secretKey" : "CLEARML_API_SECRET_KEY",
      message: `is missing beside ${accessKey.name} (${masked(accessKey.value)})`,
    });
  } else if (secretKey && !accessKey) {
    issues.push({
      path: fromOptions ? "clearml.accessKey" : "CLEARML_API_ACCESS_KEY",
      message: `is missing beside ${secretKey.name} (***)`,
    });
  } else if (!accessKey && !token) {
    issues.push({
      path: "CLEARML_API_ACCESS_KEY",
      message: `is missing, and so is CLEARML_AUTH_TOKEN: create credentials in ClearML's web application under Settings, Workspace. CLEARML_API_HOST names its server (default ${DEFAULT_API_HOST})`,
    });
  }
  const pair = accessKey !== undefined && secretKey !== undefined;
  return {
    accessKey: pair ? accessKey : undefined,
    secretKey: pair ? secretKey : undefined,
    token,
    mentioned: accessKey !== undefined || secretKey !== undefined || token !== undefined,
  };
}

/** The address without a slash at its end, or undefined with an issue. */
function hostUrl(found: Found, issues: Issue[]): string | undefined {
  const url = URL.canParse(found.value) ? new URL(found.value) : undefined;
  if (
    url &&
    (url.protocol === "http:" || url.protocol === "https:") &&
    url.search === "" &&
    url.hash === "" &&
    url.username === "" &&
    url.password === ""
  ) {
    return found.value.replace(/\/+$/, "");
  }
  issues.push({
    path: found.name,
    message: `must be an http or https address without user, password and query, such as http://localhost:8008, not ${publicUrl(found.value)}`,
  });
  return undefined;
}

function truth(found: Found, issues: Issue[]): boolean {
  const text = found.value.toLowerCase();
  if (["1", "true", "yes", "on", "y", "t"].includes(text)) return true;
  if (["0", "false", "no", "off", "n", "f"].includes(text)) return false;
  issues.push({ path: found.name, message: `must be 0 or 1, not ${JSON.stringify(found.value.slice(0, 20))}; certificates are verified` });
  return true;
}

/** Enough to recognise a key, too little to use it. */
function masked(value: string): string {
  return value.length < 8 ? "***" : `${value.slice(0, 2)}***`;
}
