/**
 * Which S3 is meant, settled once: endpoint, addressing, credentials, and how its addresses are announced. Pure. An
 * endpoint is what was written somewhere, never what a host name looks like, and keys go only to the endpoint they
 * were given for.
 */
import { ConfigError, type Issue } from "../base/errors.js";
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
}

/**
 * Given, then `INTERNAL_STORAGE_*` or `EXTERNAL_STORAGE_*` where their endpoint is this one, then AWS's own variables.
 *
 * @throws ConfigError naming a variable that cannot be used.
 */
export function resolveS3Settings(
  spec: S3Spec,
  given: { readonly credentials?: S3Credentials | undefined },
  env: StorageEnvironment,
): S3Settings {
  const configured = spec.host === undefined ? awsEndpoint(env) : undefined;
  const endpoint = spec.host === undefined ? configured?.origin : endpointOf(spec, spec.host, env);
  const isAws = endpoint === undefined || isAmazon(endpoint);
  const host = spec.host ?? (configured && !isAws ? hostAndPort(configured) : undefined);
  return {
    bucket: spec.bucket,
    prefix: spec.prefix,
    endpoint,
    region: spec.region ?? set(env["AWS_REGION"]) ?? set(env["AWS_DEFAULT_REGION"]) ?? (isAws ? undefined : "us-east-1"),
    credentials:
      given.credentials ??
      platformCredentials(endpoint, "INTERNAL", env) ??
      platformCredentials(endpoint, "EXTERNAL", env) ??
      awsCredentials(env),
    isAws,
    uriBase: host === undefined ? `s3://${spec.bucket}` : `s3://${host}/${spec.bucket}`,
  };
}

/** `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`, unless AWS's own switch turns them off. */
function awsEndpoint(env: StorageEnvironment): URL | undefined {
  if (env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.toLowerCase() === "true") return undefined;
  const name = set(env["AWS_ENDPOINT_URL_S3"]) === undefined ? "AWS_ENDPOINT_URL" : "AWS_ENDPOINT_URL_S3";
  const value = set(env[name]);
  if (value === undefined) return undefined;
  if (URL.canParse(value)) {
    const url = new URL(value);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
  }
  const issue: Issue = { path: name, message: "must be an http or https URL, such as http://minio:9000" };
  throw new ConfigError(`${name} ${issue.message}.`, [issue]);
}

/** TLS when it was asked for, when a configured endpoint of that host uses it, or on port 443; plain otherwise. */
function endpointOf(spec: S3Spec, host: string, env: StorageEnvironment): string {
  const configured = [
    env["INTERNAL_STORAGE_ENDPOINT"],
    env["EXTERNAL_STORAGE_ENDPOINT"],
    env["AWS_ENDPOINT_URL_S3"],
    env["AWS_ENDPOINT_URL"],
  ]
    .map(urlOf)
    .find((url) => url && hostAndPort(url) === host);
  const secure = spec.secure ?? (configured ? configured.protocol === "https:" : host.endsWith(":443"));
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
