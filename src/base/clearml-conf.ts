/**
 * `clearml.conf`, the file that ClearML's own programs are set up with (`clearml-protocol`, 2.4): found where they find it,
 * read when it is first wanted, and never required. What is wrong with it is an issue; the rest of what was given still counts.
 */
import { inHome, readConfFiles, type ConfVariables } from "./clearml-conf-files.js";
import type { Issue } from "./errors.js";
import type { HoconObject, HoconValue } from "./hocon/hocon-tree.js";

/** The part `api`. */
export interface ConfApi {
  readonly apiHost?: string | undefined;
  readonly webHost?: string | undefined;
  readonly filesHost?: string | undefined;
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  /** True, false, or the path of a file with certificates to trust. */
  readonly verifyCertificate?: boolean | string | undefined;
}

/** Keys for one bucket or one host, of `sdk.aws.s3.credentials`, or for all others, of `sdk.aws.s3` itself. */
export interface ConfS3Entry {
  readonly bucket?: string | undefined;
  readonly subdir?: string | undefined;
  /** `host` or `host:port`. */
  readonly host?: string | undefined;
  readonly key?: string | undefined;
  readonly secret?: string | undefined;
  readonly token?: string | undefined;
  readonly region?: string | undefined;
  readonly secure?: boolean | undefined;
  readonly verify?: boolean | string | undefined;
  readonly useCredentialsChain?: boolean | undefined;
}

/** What of the file this package uses. */
export interface ClearMLConf {
  /** Files that were read. */
  readonly files: readonly string[];
  readonly issues: readonly Issue[];
  readonly api: ConfApi;
  readonly s3: ConfS3Entry & { readonly entries: readonly ConfS3Entry[] };
  /** `sdk.storage.cache.default_base_dir`. */
  readonly cacheDirectory?: string | undefined;
  /** `sdk.development.default_output_uri`: where files go when nothing else says so. */
  readonly defaultOutputUri?: string | undefined;
  /** The section `environment`, where `sdk.apply_environment` or `CLEARML_ENABLE_ENV_CONFIG_SECTION` turns it on. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** True: `sdk.apply_files` asks for the files of the section `files` to be written. This package writes none of them. */
  readonly hasFilesToWrite?: boolean | undefined;
}

/** What says where the file is. */
export const CONF_VARIABLES = [
  "CLEARML_CONFIG_FILE",
  "TRAINS_CONFIG_FILE",
  "CLEARML_CONFIG_PATH",
  "TRAINS_CONFIG_PATH",
  "CLEARML_ENV",
  "TRAINS_ENV",
  "HOME",
  "USERPROFILE",
] as const;

/**
 * Reads the files below `CLEARML_CONFIG_PATH`, and over them the one that `CLEARML_CONFIG_FILE` (`TRAINS_CONFIG_FILE`) names,
 * else `~/trains.conf` and over it `~/clearml.conf`. The home folder is that of `env`. Never throws: a file that is not there
 * is none, unless it was named.
 */
export function readClearMLConf(env: ConfVariables): ClearMLConf {
  const { files, values, issues } = readConfFiles(env);
  const at = (...keys: readonly string[]): HoconValue | undefined => {
    let value: HoconValue | undefined = values;
    for (const key of keys) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    return value;
  };
  const s3 = at("sdk", "aws", "s3");
  const list = at("sdk", "aws", "s3", "credentials");
  return {
    files,
    issues,
    api: {
      apiHost: text(at("api", "api_server")) ?? text(at("api", "host")),
      webHost: text(at("api", "web_server")),
      filesHost: text(at("api", "files_server")),
      accessKey: text(at("api", "credentials", "access_key")),
      secretKey: text(at("api", "credentials", "secret_key")),
      verifyCertificate: verification(at("api", "verify_certificate")),
    },
    s3: {
      ...s3Entry(isObject(s3) ? s3 : {}),
      entries: Array.isArray(list) ? (list as readonly HoconValue[]).filter(isObject).map(s3Entry) : [],
    },
    cacheDirectory: inHomeOf(text(at("sdk", "storage", "cache", "default_base_dir")), env),
    defaultOutputUri: text(at("sdk", "development", "default_output_uri")),
    environment: switched(env, "CLEARML_ENABLE_ENV_CONFIG_SECTION", at("sdk", "apply_environment"))
      ? variablesOf(at("environment"))
      : undefined,
    hasFilesToWrite: switched(env, "CLEARML_ENABLE_FILES_CONFIG_SECTION", at("sdk", "apply_files")) && isFilled(at("files")),
  };
}

function s3Entry(entry: HoconObject): ConfS3Entry {
  return {
    bucket: text(entry["bucket"]),
    subdir: text(entry["subdir"])?.replace(/^\/+|\/+$/g, ""),
    host: text(entry["host"])
      ?.replace(/^(?:s3|https?):\/\//i, "")
      .replace(/\/+$/, ""),
    key: text(entry["key"]),
    secret: text(entry["secret"]),
    token: text(entry["token"]),
    region: text(entry["region"]),
    secure: truth(entry["secure"]),
    verify: verification(entry["verify"]),
    useCredentialsChain: truth(entry["use_credentials_chain"]),
  };
}

function inHomeOf(file: string | undefined, env: ConfVariables): string | undefined {
  return file === undefined ? undefined : inHome(file, env);
}

/** A switch of the file that a variable overrules. */
function switched(env: ConfVariables, variable: string, value: HoconValue | undefined): boolean {
  return truth(env[variable]) ?? truth(value) ?? false;
}

/** Values as ClearML's client makes them: nothing for what is false or 0, `True` for what is true. */
function variablesOf(section: HoconValue | undefined): Readonly<Record<string, string>> {
  if (!isObject(section)) return {};
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(section)) {
    if (value === null || typeof value !== "object") variables[name] = value === true ? "True" : value ? String(value) : "";
  }
  return variables;
}

function isFilled(section: HoconValue | undefined): boolean {
  return isObject(section) && Object.keys(section).length > 0;
}

/** The init wizard writes empty texts for what was not answered. */
function text(value: HoconValue | undefined): string | undefined {
  return typeof value === "string" ? set(value) : typeof value === "number" ? String(value) : undefined;
}

function truth(value: HoconValue | undefined): boolean | undefined {
  if (typeof value === "boolean") return value;
  const word = text(value)?.toLowerCase();
  return word === "true" || word === "yes" || word === "1" ? true : word === "false" || word === "no" || word === "0" ? false : undefined;
}

function verification(value: HoconValue | undefined): boolean | string | undefined {
  return truth(value) ?? text(value);
}

function set(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === "" ? undefined : trimmed;
}

function isObject(value: HoconValue | undefined): value is HoconObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
