/**
 * Which place files go to, and who said so: what was said (`CHECKPOINT_URI`), else the existing platform's own storage, else
 * the destination that ClearML's own client would take, else ClearML's file server. Opens nothing.
 */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { inHome } from "../base/clearml-conf-files.js";
import { readClearMLConf } from "../base/clearml-conf.js";
import type { Issue } from "../base/errors.js";
import { parseCheckpointUri, type StorageSpec } from "../storage/checkpoint-uri.js";
import { resolveS3Settings } from "../storage/s3-settings.js";
import type { Environment } from "./environment.js";
import type { GivenOptions, ResolvedTrainerOptions } from "./options.js";

/** A place in the words of `CHECKPOINT_URI`. */
export interface StoragePlace {
  readonly uri: string;
  /** The option, variable or key that it comes from; `derived` for what follows from other settings. */
  readonly from: string;
}

/** What `CHECKPOINT_URI` says for addresses that the existing platform's backend signs. */
export const SIGNED = "platform";
/** The platform's own name for the bucket of checkpoints. */
export const DEFAULT_BUCKET = "training-checkpoints";

/** The place; undefined: files go nowhere. Issues are of places that cannot be used and were passed over. */
export function storagePlaceOf(
  given: GivenOptions,
  resolved: ResolvedTrainerOptions,
  filesHost: string | undefined,
): { readonly place: StoragePlace | undefined; readonly issues: readonly Issue[] } {
  const { storage, platform, env } = resolved;
  const found = (uri: string, from: string): ReturnType<typeof storagePlaceOf> => ({ place: { uri, from }, issues: [] });
  if (typeof storage === "string") return found(storage, given.storage === undefined ? "CHECKPOINT_URI" : "storage");
  if (isSigned(given, resolved)) return found(SIGNED, "derived");
  const internal = internalStorageUri(env, platform && DEFAULT_BUCKET);
  if (internal !== undefined) return found(internal, "INTERNAL_STORAGE_ENDPOINT");
  const ofClearML = clearmlDefault(resolved, filesHost);
  const fallback = filesHost === undefined ? undefined : { uri: "clearml", from: "derived" };
  return { place: ofClearML.place ?? fallback, issues: ofClearML.issues };
}

/** True when the existing platform's backend signs an address for each file. */
export function isSigned(given: GivenOptions, { storage, platform, env }: ResolvedTrainerOptions): boolean {
  if (storage !== undefined || platform === undefined) return storage === SIGNED;
  // Without a training job's number there is nothing to sign for; whoever did not ask is not told.
  return !hasCredentials(given, env) && /^\d+$/.test(platform.trainingJobId ?? "");
}

/**
 * Word that the platform will not find what is stored: its other jobs read the bucket that it injects, whatever an address
 * says (`platform-protocol`, 3). Undefined: it will, or nothing is known of its bucket.
 */
export function strayPlace(
  { uri }: StoragePlace,
  { platform, env }: ResolvedTrainerOptions,
): { readonly message: string; readonly advice: string } | undefined {
  const endpoint = urlOf(env["INTERNAL_STORAGE_ENDPOINT"]);
  const named = env["INTERNAL_BUCKET_CHECKPOINTS"]?.trim();
  if (platform === undefined || uri === SIGNED || (endpoint === undefined && !named)) return undefined;
  const bucket = named || DEFAULT_BUCKET;
  const parsed = parseCheckpointUri(uri);
  if (parsed.status === "invalid" || isIn(parsed.spec, bucket, endpoint, env)) return undefined;
  const where = `the bucket ${bucket}${endpoint === undefined ? "" : ` at ${hostOf(endpoint)}`}`;
  return {
    message: `Files go to ${uri.replace(/\?.*$/s, "")}, but the platform's other jobs read checkpoints from ${where} alone (INTERNAL_BUCKET_CHECKPOINTS, INTERNAL_STORAGE_ENDPOINT) and would not find them.`,
    advice: "Leave CHECKPOINT_URI out, or name that bucket in it.",
  };
}

function isIn(spec: StorageSpec, bucket: string, endpoint: URL | undefined, env: Environment): boolean {
  if (spec.kind !== "s3" || spec.bucket !== bucket) return false;
  if (endpoint === undefined) return true;
  try {
    const own = urlOf(resolveS3Settings(spec, {}, env).endpoint);
    return own !== undefined && hostOf(own) === hostOf(endpoint);
  } catch {
    // What is wrong with the address is told where it is used.
    return true;
  }
}

/** `CLEARML_DEFAULT_OUTPUT_URI`, else `sdk.development.default_output_uri`: as in ClearML's client, of a task that is reported to it. */
function clearmlDefault(
  { env, sinks, offline }: ResolvedTrainerOptions,
  filesHost: string | undefined,
): { readonly place?: StoragePlace; readonly issues: readonly Issue[] } {
  if (offline || !(sinks?.includes("clearml") ?? true)) return { issues: [] };
  const variable = env["CLEARML_DEFAULT_OUTPUT_URI"]?.trim();
  const conf = readClearMLConf(env);
  const value = variable || conf.defaultOutputUri;
  if (!value) return { issues: [] };
  const from = variable ? "CLEARML_DEFAULT_OUTPUT_URI" : `${conf.files.at(-1) ?? "clearml.conf"} (sdk.development.default_output_uri)`;
  const uri = inWordsOfCheckpointUri(value, env, filesHost);
  const parsed = parseCheckpointUri(uri, from);
  return parsed.status === "invalid" ? { issues: parsed.issues } : { place: { uri, from }, issues: [] };
}

/** ClearML's client also takes a plain path, and the file server by its address. */
function inWordsOfCheckpointUri(value: string, env: Environment, filesHost: string | undefined): string {
  if (filesHost !== undefined && (value === filesHost || value.startsWith(`${filesHost}/`))) return "clearml";
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return value;
  return pathToFileURL(path.resolve(inHome(value, env))).href;
}

function hasCredentials(given: GivenOptions, env: Environment): boolean {
  const isSet = (name: string): boolean => (env[name]?.trim() ?? "") !== "";
  const pairs = [
    ["INTERNAL_STORAGE_ACCESS_KEY", "INTERNAL_STORAGE_SECRET_KEY"],
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ] as const;
  return isSet("INTERNAL_STORAGE_ENDPOINT") && (given.storageCredentials !== undefined || pairs.some((names) => names.every(isSet)));
}

/** The platform's own variables, which it injects without a URI (`platform-protocol`, 1.1). */
function internalStorageUri(env: Environment, defaultBucket: string | undefined): string | undefined {
  const endpoint = urlOf(env["INTERNAL_STORAGE_ENDPOINT"]);
  const bucket = env["INTERNAL_BUCKET_CHECKPOINTS"]?.trim() || defaultBucket;
  return endpoint === undefined || !bucket ? undefined : `s3://${hostOf(endpoint)}/${bucket}`;
}

function urlOf(text: string | undefined): URL | undefined {
  const value = text?.trim();
  return value && URL.canParse(value) ? new URL(value) : undefined;
}

function hostOf({ protocol, hostname, port }: URL): string {
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}
