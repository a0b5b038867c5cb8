/**
 * Which S3 is meant, settled once: endpoint, addressing, credentials, the way there, and how its addresses are announced.
 * Reads `clearml.conf` and files with certificates, where they are, and nothing else. An endpoint is what was written somewhere, never what a host name looks like, and keys go only to the endpoint they
 * were given for.
 */
import { readClearMLConf, type ClearMLConf, type ConfS3Entry } from "../base/clearml-conf.js";
import { ConfigError, type Issue } from "../base/errors.js";
import { readNetwork, type NetworkSettings } from "../base/network.js";
import type { S3Spec } from "./checkpoint-uri.js";

/** An environment: `process.env`, or what a test says. */
export type StorageEnvironment = Readonly<Record<string, string | undefined>>;

/** Keys of an S3 endpoint. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Everything that a client is made from. */
export interface S3Settings {
  readonly bucket: string;
  readonly prefix: string;
  /** Absent: AWS, by region. */
  readonly endpoint: string | undefined;
  /** Absent: AWS's own chain is asked (environment, profile, instance). */
  readonly region: string | undefined;
  /** Absent: as above. */
  readonly credentials: S3Credentials | undefined;
  /** True for Amazon itself: it takes checksums with each body and answers with them. Compatible stores may refuse both. */
  readonly isAws: boolean;
  /** What addresses begin with: `s3://bucket` or `s3://host:port/bucket`, as ClearML's client reads them. */
  readonly uriBase: string;
  /** False accepts any certificate: `verify: false` in `clearml.conf`. Default true. */
  readonly verifyCertificates?: boolean;
  /** Default: no proxy, the usual certificates. */
  readonly network?: NetworkSettings;
  /** The variable or option that named the place. Default `CHECKPOINT_URI`. */
  readonly namedBy?: string | undefined;
  /** Under which name endpoint and credentials were found. */
  readonly origins?: { readonly endpoint: string; readonly region: string; readonly credentials: string };
}

/** A value with the name under which it was found. */
interface Found<Value> {
  readonly from: string;
  readonly value: Value;
}

/**
 * Given; then what was written for this very endpoint or bucket (an entry of `sdk.aws.s3.credentials` in `clearml.conf`,
 * `INTERNAL_STORAGE_*`, `EXTERNAL_STORAGE_*`); then AWS's own variables.
 *
 * @throws ConfigError naming a variable that cannot be used.
 */
export function resolveS3Settings(
  spec: S3Spec,
  given: { readonly credentials?: S3Credentials | undefined; readonly namedBy?: string | undefined },
  env: StorageEnvironment,
  conf: ClearMLConf = readClearMLConf(env),
): S3Settings {
  const file = conf.files.at(-1) ?? "clearml.conf";
  const entry = conf.s3.entries.find((candidate) => isFor(candidate, spec));
  const place = placeOf(spec, entry, env, file);
  const endpoint = place?.value;
  const isAws = endpoint === undefined || isAmazon(endpoint);
  const host = spec.host ?? (endpoint !== undefined && !isAws ? hostAndPort(new URL(endpoint)) : undefined);
  const region = regionOf(spec, entry, env, conf, file) ?? (isAws ? undefined : { from: "default", value: "us-east-1" });
  const credentials = credentialsOf(given.credentials, endpoint, entry, env, conf, file);
  const verify = entry?.verify ?? conf.s3.verify;
  return {
    bucket: spec.bucket,
    prefix: spec.prefix,
    endpoint,
    region: region?.value,
    credentials: credentials?.value,
    isAws,
    uriBase: host === undefined ? `s3://${spec.bucket}` : `s3://${host}/${spec.bucket}`,
    verifyCertificates: verify !== false,
    network: readNetwork(env, typeof verify === "string" ? { name: `${file} (sdk.aws.s3 verify)`, file: verify } : undefined),
    namedBy: given.namedBy,
    origins: {
      endpoint: place?.from ?? "AWS, by region",
      region: region?.from ?? "AWS's own chain",
      credentials: credentials?.from ?? "AWS's own chain (profile, machine role)",
    },
  };
}

/** An entry with a host is for that host (and the bucket, if it names one); one without is for the bucket at AWS. */
function isFor(entry: ConfS3Entry, spec: S3Spec): boolean {
  if (entry.bucket !== undefined && entry.bucket !== spec.bucket) return false;
  if (entry.subdir !== undefined && entry.subdir !== "" && spec.prefix !== entry.subdir && !spec.prefix.startsWith(`${entry.subdir}/`))
    return false;
  if (entry.host !== undefined && spec.host !== undefined) return withPort(entry.host, entry.secure) === spec.host;
  return spec.host === undefined && entry.bucket !== undefined;
}

/** The endpoint; absent: AWS, by region. */
function placeOf(spec: S3Spec, entry: ConfS3Entry | undefined, env: StorageEnvironment, file: string): Found<string> | undefined {
  if (spec.host !== undefined) return { from: "its address", value: endpointOf(spec, spec.host, entry, env) };
  const configured = awsEndpoint(env);
  if (configured) return configured;
  if (entry?.host === undefined || /(^|\.)amazonaws\.com(\.cn)?(:443)?$/.test(entry.host)) return undefined;
  // As in ClearML's own client: TLS unless it is said that there is none.
  return { from: inFile(file), value: `${entry.secure === false ? "http" : "https"}://${withPort(entry.host, entry.secure)}` };
}

function regionOf(
  spec: S3Spec,
  entry: ConfS3Entry | undefined,
  env: StorageEnvironment,
  conf: ClearMLConf,
  file: string,
): Found<string> | undefined {
  if (spec.region !== undefined) return { from: "its address", value: spec.region };
  if (entry?.region !== undefined) return { from: inFile(file), value: entry.region };
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) {
    const value = set(env[name]);
    if (value !== undefined) return { from: name, value };
  }
  return conf.s3.region === undefined ? undefined : { from: inFile(file), value: conf.s3.region };
}

function credentialsOf(
  given: S3Credentials | undefined,
  endpoint: string | undefined,
  entry: ConfS3Entry | undefined,
  env: StorageEnvironment,
  conf: ClearMLConf,
  file: string,
): Found<S3Credentials> | undefined {
  if (given) return { from: "options", value: given };
  const own = entry && confCredentials(entry);
  if (own) return { from: inFile(file), value: own };
  if (entry?.useCredentialsChain === true) return undefined;
  for (const which of ["INTERNAL", "EXTERNAL"] as const) {
    const value = platformCredentials(endpoint, which, env);
    if (value) return { from: `${which}_STORAGE_ACCESS_KEY`, value };
  }
  const aws = awsCredentials(env);
  if (aws) return { from: "AWS_ACCESS_KEY_ID", value: aws };
  const general = conf.s3.useCredentialsChain === true ? undefined : confCredentials(conf.s3);
  return general && { from: inFile(file), value: general };
}

function confCredentials({ key, secret, token }: ConfS3Entry): S3Credentials | undefined {
  if (key === undefined || secret === undefined) return undefined;
  return { accessKeyId: key, secretAccessKey: secret, ...(token === undefined ? {} : { sessionToken: token }) };
}

function inFile(file: string): string {
  return `${file} (sdk.aws.s3)`;
}

function withPort(host: string, secure: boolean | undefined): string {
  return /:\d+$/.test(host) ? host : `${host}:${secure === false ? "80" : "443"}`;
}

/** `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`, unless AWS's own switch turns them off. */
function awsEndpoint(env: StorageEnvironment): Found<string> | undefined {
  if (env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.toLowerCase() === "true") return undefined;
  const name = set(env["AWS_ENDPOINT_URL_S3"]) === undefined ? "AWS_ENDPOINT_URL" : "AWS_ENDPOINT_URL_S3";
  const value = set(env[name]);
  if (value === undefined) return undefined;
  if (URL.canParse(value)) {
    const url = new URL(value);
    if (url.protocol === "http:" || url.protocol === "https:") return { from: name, value: url.origin };
  }
  const issue: Issue = { path: name, message: "must be an http or https URL, such as http://minio:9000" };
  throw new ConfigError(`${name} ${issue.message}.`, [issue]);
}

/** TLS when it was asked for, when a configured endpoint of that host uses it, or on port 443; plain otherwise. */
function endpointOf(spec: S3Spec, host: string, entry: ConfS3Entry | undefined, env: StorageEnvironment): string {
  const configured = [
    env["INTERNAL_STORAGE_ENDPOINT"],
    env["EXTERNAL_STORAGE_ENDPOINT"],
    env["AWS_ENDPOINT_URL_S3"],
    env["AWS_ENDPOINT_URL"],
  ]
    .map(urlOf)
    .find((url) => url && hostAndPort(url) === host);
  const secure = spec.secure ?? (configured ? configured.protocol === "https:" : (entry?.secure ?? host.endsWith(":443")));
  return `${secure ? "https" : "http"}://${host}`;
}

/** A pair of the existing platform (internal: checkpoints; external: data sets), for its own endpoint alone. */
function platformCredentials(
  endpoint: string | undefined,
  which: "INTERNAL" | "EXTERNAL",
  env: StorageEnvironment,
): S3Credentials | undefined {
  const own = urlOf(env[`${which}_STORAGE_ENDPOINT`]);
  const accessKeyId = set(env[`${which}_STORAGE_ACCESS_KEY`]);
  const secretAccessKey = set(env[`${which}_STORAGE_SECRET_KEY`]);
  if (!own || endpoint === undefined || accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return hostAndPort(own) === hostAndPort(new URL(endpoint)) ? { accessKeyId, secretAccessKey } : undefined;
}

/** The first link of AWS's chain, read here so that the given environment counts and not the process's. */
function awsCredentials(env: StorageEnvironment): S3Credentials | undefined {
  const accessKeyId = set(env["AWS_ACCESS_KEY_ID"]);
  const secretAccessKey = set(env["AWS_SECRET_ACCESS_KEY"]);
  const sessionToken = set(env["AWS_SESSION_TOKEN"]);
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** A URL, also from the bare `host:port` that many write. */
function urlOf(text: string | undefined): URL | undefined {
  const value = set(text);
  if (value === undefined) return undefined;
  const candidate = /^https?:\/\//i.test(value) ? value : `http://${value}`;
  return URL.canParse(candidate) ? new URL(candidate) : undefined;
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port}`;
}

function isAmazon(endpoint: string): boolean {
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

function set(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === "" ? undefined : text;
}
