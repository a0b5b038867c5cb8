/**
 * `clearml.conf`, the file that ClearML's own programs are set up with (`clearml-protocol`, 2.4): found where they find it,
 * read when it is first wanted, and never required. What is wrong with it is an issue; the rest of what was given still counts.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describeError, type Issue } from "./errors.js";
import { HoconError, type HoconObject, type HoconValue, type ObjectNode } from "./hocon/hocon-tree.js";
import { parseHocon } from "./hocon/parse-hocon.js";
import { resolveHocon } from "./hocon/resolve-hocon.js";
import { hasCode } from "./system-error.js";

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
}

/** What says where the file is. */
export const CONF_VARIABLES = ["CLEARML_CONFIG_FILE", "TRAINS_CONFIG_FILE", "HOME", "USERPROFILE"] as const;

/** An environment: `process.env`, or what a test says. */
type Environment = Readonly<Record<string, string | undefined>>;

const MAX_INCLUDES = 10;

/**
 * Reads the file that `CLEARML_CONFIG_FILE` (`TRAINS_CONFIG_FILE`) names, else `~/trains.conf` and over it `~/clearml.conf`.
 * The home folder is that of `env`. Never throws: a file that is not there is none, unless it was named.
 */
export function readClearMLConf(env: Environment): ClearMLConf {
  const issues: Issue[] = [];
  const home = set(env["HOME"]) ?? set(env["USERPROFILE"]);
  const variable = set(env["CLEARML_CONFIG_FILE"]) === undefined ? "TRAINS_CONFIG_FILE" : "CLEARML_CONFIG_FILE";
  const named = set(env[variable])?.replace(/^~(?=[/\\]|$)/, () => home ?? "~");
  const candidates =
    named === undefined ? (home === undefined ? [] : [path.join(home, "trains.conf"), path.join(home, "clearml.conf")]) : [named];
  const files: string[] = [];
  const root: ObjectNode = { kind: "object", fields: new Map() };
  for (const file of candidates) {
    try {
      const tree = readTree(file, 0);
      files.push(file);
      for (const [key, values] of tree.fields) root.fields.set(key, [...(root.fields.get(key) ?? []), ...values]);
    } catch (error) {
      if (named === undefined && (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR"))) continue;
      issues.push(issueOf(error, named === undefined ? file : variable, file));
    }
  }
  if (files.length === 0) return { files, issues, api: {}, s3: { entries: [] } };
  try {
    return viewOf(resolveHocon(root, env), files, issues, home);
  } catch (error) {
    return {
      files,
      issues: [...issues, issueOf(error, named === undefined ? (files.at(-1) ?? "") : variable, files.at(-1) ?? "")],
      api: {},
      s3: { entries: [] },
    };
  }
}

function readTree(file: string, depth: number): ObjectNode {
  const include = (name: string): ObjectNode | undefined => {
    if (depth >= MAX_INCLUDES)
      throw new HoconError("includes lead deeper than ten files; one includes itself", file, { line: 1, column: 1 });
    try {
      return readTree(path.resolve(path.dirname(file), name), depth + 1);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  };
  return parseHocon(readFileSync(file, "utf8"), { file, include });
}

function issueOf(error: unknown, where: string, file: string): Issue {
  const what =
    error instanceof HoconError
      ? `is not read, for its text is wrong: ${error.message}`
      : `names ${file}, which cannot be read: ${describeError(error)}`;
  return { path: where, message: `${what}. What it says is left out` };
}

function viewOf(values: HoconObject, files: readonly string[], issues: readonly Issue[], home: string | undefined): ClearMLConf {
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
    cacheDirectory: text(at("sdk", "storage", "cache", "default_base_dir"))?.replace(/^~(?=[/\\]|$)/, () => home ?? "~"),
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
