/** The configuration as a trainer would find it, value by value with its origin, and what is wrong with it. Opens nothing. */
import { readClearMLConf } from "../../base/clearml-conf.js";
import type { Issue } from "../../base/errors.js";
import { publicUrl } from "../../base/http.js";
import { publicProxy, readNetwork } from "../../base/network.js";
import { clearmlCertificates, resolveClearMLOptions, type ClearMLResolution } from "../../clearml/options.js";
import { parseCheckpointUri, type StorageSpec } from "../../storage/checkpoint-uri.js";
import { storageUriOf } from "../../trainer/checkpoint-store.js";
import { readEnvironment } from "../../trainer/environment.js";
import { resolveTrainerOptions, type ResolvedTrainerOptions } from "../../trainer/options.js";
import type { Examination, Finding, Setting } from "./finding.js";

/** The configuration, taken apart. */
export interface Configuration {
  readonly resolved: ResolvedTrainerOptions;
  readonly clearml: ClearMLResolution;
  /** `s3://...`, `file:///...`, `clearml`; undefined: no place for files. */
  readonly storageUri: string | undefined;
  readonly settings: readonly Setting[];
  readonly findings: readonly Finding[];
}

export function examineSettings({ env, workingDirectory }: Examination): Configuration {
  const resolved = resolveTrainerOptions({}, env, workingDirectory);
  const clearml = resolveClearMLOptions({}, env);
  const network = readNetwork(env, clearmlCertificates(env));
  const storageUri = storageUriOf({}, resolved, clearml.options?.filesHost !== undefined);
  const wantsClearML = resolved.sinks?.includes("clearml");
  const isClearMLLeftOut = wantsClearML === false && storageUri !== "clearml";
  const issues: Issue[] = [...resolved.issues, ...network.issues];
  if (!isClearMLLeftOut && (clearml.configured || wantsClearML === true)) issues.push(...clearml.issues);
  const hasPlatform = resolved.callback !== undefined && (resolved.sinks?.includes("platform") ?? true);
  const hasClearML = clearml.options !== undefined && wantsClearML !== false;
  if (!hasPlatform && !hasClearML) {
    issues.push({
      path: "destinations",
      message:
        "are missing: set CALLBACK_URL, or CLEARML_API_HOST with CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY; everything would be kept in the journal alone",
    });
  }
  const unique = new Map(issues.map((issue) => [`${issue.path} ${issue.message}`, issue]));
  const findings: Finding[] = [...unique].map(([message, { path }]) => ({
    id: `configuration.${path}`,
    severity: "error",
    message: `${message}.`,
  }));
  if (findings.length === 0) findings.push({ id: "configuration", severity: "ok", message: "The configuration holds together." });
  if (resolved.silent)
    findings.push({
      id: "configuration.rank",
      severity: "note",
      message: `This process is rank ${String(resolved.rank.value)} and would be silent; rank 0 reports.`,
    });
  return { resolved, clearml, storageUri, settings: settingsOf(env, resolved, clearml, storageUri), findings };
}

function settingsOf(
  env: Examination["env"],
  resolved: ResolvedTrainerOptions,
  { options, origins }: ClearMLResolution,
  storageUri: string | undefined,
): Setting[] {
  const { values } = readEnvironment(env);
  const settings: Setting[] = [];
  const add = (name: string, value: string | undefined, from: string | undefined): void => {
    if (value !== undefined) settings.push({ name, value, from: from ?? "default" });
  };
  const variable = (name: keyof typeof values): string | undefined => (values[name] === undefined ? undefined : name);
  add("job", resolved.jobId, "JOB_ID");
  add("project", resolved.projectId, "PROJECT_ID");
  add("operation", resolved.operation, variable("OPERATION_TYPE"));
  add("sinks", resolved.sinks?.join(","), "TRAINER_SINKS");
  add("callbacks", resolved.callback && publicUrl(resolved.callback.url), "CALLBACK_URL");
  add("callback token", resolved.callback?.token === undefined ? undefined : "***", "CALLBACK_TOKEN");
  add("ClearML API", options?.apiHost, origins.apiHost);
  add("ClearML web", options?.webHost, origins.webHost);
  add("ClearML files", options?.filesHost, origins.filesHost);
  add("ClearML access key", options?.accessKey && masked(options.accessKey), origins.accessKey);
  add("ClearML secret key", options?.secretKey && "***", origins.secretKey);
  add("ClearML token", options?.token && "***", origins.token);
  if (options) add("certificates checked", options.verifyCertificates ? "yes" : "no", origins.verifyCertificates);
  add("files go to", storageUri === undefined ? undefined : withoutQuery(storageUri), variable("CHECKPOINT_URI") ?? "derived");
  add(
    "journal",
    resolved.journalDirectory,
    variable("TRAINER_JOURNAL_DIR") ?? (resolved.jobId === undefined ? "default" : "default, by JOB_ID"),
  );
  add("hand-over", resolved.handover === undefined ? undefined : withoutQuery(resolved.handover), "TRAINER_HANDOVER_URI");
  for (const file of readClearMLConf(env).files)
    add("clearml.conf", file, env["CLEARML_CONFIG_FILE"] === undefined ? "home folder" : "CLEARML_CONFIG_FILE");
  const network = readNetwork(env, clearmlCertificates(env));
  for (const [name, url] of [
    ["proxy for https", "https://host.invalid"],
    ["proxy for http", "http://host.invalid"],
  ] as const) {
    const proxy = network.proxyFor(url);
    add(name, proxy && publicProxy(proxy), `${name.endsWith("https") ? "HTTPS" : "HTTP"}_PROXY`);
  }
  for (const { name, file } of network.certificateFiles) add("certificates", file, name);
  return settings;
}

/** Which store is meant; findings when it cannot be told. */
export function storageSpec(uri: string): { readonly spec?: StorageSpec; readonly findings: readonly Finding[] } {
  const parsed = parseCheckpointUri(uri);
  if (parsed.status === "invalid")
    return {
      findings: parsed.issues.map(({ path, message }) => ({ id: "storage.address", severity: "error", message: `${path}: ${message}` })),
    };
  return {
    spec: parsed.spec,
    findings: parsed.warnings.map(({ path, message }) => ({ id: "storage.address", severity: "warning", message: `${path}: ${message}.` })),
  };
}

/** Enough to recognise a key, too little to use it. */
function masked(value: string): string {
  return value.length < 8 ? "***" : `${value.slice(0, 2)}***`;
}

function withoutQuery(uri: string): string {
  return uri.replace(/\?.*$/s, "").replace(/\/\/[^/@]*@/, "//***@");
}
