/** The configuration as a trainer would find it, value by value with its origin, and what is wrong with it. Opens nothing. */
import { readClearMLConf } from "../../base/clearml-conf.js";
import type { Issue } from "../../base/errors.js";
import { publicUrl } from "../../base/http.js";
import { publicProxy, readNetwork } from "../../base/network.js";
import { clearmlCertificates, resolveClearMLOptions, type ClearMLResolution } from "../../clearml/options.js";
import { resolveMlflowConnection, type MlflowConnection } from "../../mlflow/mlflow-options.js";
import { issuesOf } from "../../trainer/destinations.js";
import { readEnvironment } from "../../trainer/environment.js";
import { wantsMlflow } from "../../trainer/mlflow-destination.js";
import { resolveTrainerOptions, type ResolvedTrainerOptions } from "../../trainer/options.js";
import { storagePlaceOf, strayPlace, type StoragePlace } from "../../trainer/storage-place.js";
import type { Examination, Finding, Setting } from "./finding.js";

/** The configuration, taken apart. */
export interface Configuration {
  readonly resolved: ResolvedTrainerOptions;
  readonly clearml: ClearMLResolution;
  /** Undefined: MLflow is not written to, or cannot be, as a finding says. */
  readonly mlflow: MlflowConnection | undefined;
  /** Undefined: no place for files. */
  readonly storage: StoragePlace | undefined;
  readonly settings: readonly Setting[];
  readonly findings: readonly Finding[];
}

export function examineSettings({ env, workingDirectory }: Examination): Configuration {
  const resolved = resolveTrainerOptions({}, env, workingDirectory);
  const clearml = resolveClearMLOptions({}, env);
  const network = readNetwork(env, clearmlCertificates(env));
  const { place: storage, issues: passedOver } = storagePlaceOf({}, resolved, clearml.options?.filesHost);
  const wantsClearML = resolved.sinks?.includes("clearml");
  const isClearMLLeftOut = wantsClearML === false && storage?.uri !== "clearml";
  const issues: Issue[] = [...resolved.issues, ...network.issues, ...passedOver];
  if (!isClearMLLeftOut && (clearml.configured || wantsClearML === true)) issues.push(...clearml.issues);
  const mlflow = wantsMlflow(resolved) ? mlflowConnection(env, issues) : undefined;
  const hasPlatform = resolved.callback !== undefined && (resolved.sinks?.includes("platform") ?? true);
  const hasClearML = clearml.options !== undefined && wantsClearML !== false;
  if (!hasPlatform && !hasClearML && !mlflow) {
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
  const stray = storage && strayPlace(storage, resolved);
  if (stray !== undefined) findings.push({ id: "configuration.bucket", severity: "warning", ...stray });
  if (readClearMLConf(env).hasFilesToWrite === true)
    findings.push({
      id: "configuration.files",
      severity: "warning",
      message: "clearml.conf has files to be written (sdk.apply_files), and this package writes none of them.",
      advice: "Put them into the image, or let the platform mount them.",
    });
  if (resolved.silent)
    findings.push({
      id: "configuration.rank",
      severity: "note",
      message: `This process is rank ${String(resolved.rank.value)} and would be silent; rank 0 reports.`,
    });
  return { resolved, clearml, mlflow, storage, settings: settingsOf(env, resolved, clearml, storage, mlflow), findings };
}

function settingsOf(
  env: Examination["env"],
  resolved: ResolvedTrainerOptions,
  { options, origins }: ClearMLResolution,
  storage: StoragePlace | undefined,
  mlflow: MlflowConnection | undefined,
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
  if (mlflow) {
    const { experimentName, experimentId, runId, files } = resolved.mlflowRun;
    add("MLflow", mlflow.baseUrl, "MLFLOW_TRACKING_URI");
    add(
      "MLflow credentials",
      mlflow.authorization && "***",
      env["MLFLOW_TRACKING_USERNAME"] ? "MLFLOW_TRACKING_USERNAME" : "MLFLOW_TRACKING_TOKEN",
    );
    add("MLflow run", runId, "MLFLOW_RUN_ID");
    if (runId === undefined)
      add(
        "MLflow experiment",
        experimentId ?? experimentName,
        variable(experimentId === undefined ? "MLFLOW_EXPERIMENT_NAME" : "MLFLOW_EXPERIMENT_ID"),
      );
    add("files in MLflow", files ?? "auto", variable("TRAINER_MLFLOW_FILES"));
  }
  add("files go to", storage === undefined ? undefined : withoutQuery(storage.uri), storage?.from);
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

function mlflowConnection(env: Examination["env"], issues: Issue[]): MlflowConnection | undefined {
  try {
    return resolveMlflowConnection({}, env);
  } catch (error) {
    issues.push(...issuesOf(error, "MLFLOW_TRACKING_URI"));
    return undefined;
  }
}

/** Enough to recognise a key, too little to use it. */
function masked(value: string): string {
  return value.length < 8 ? "***" : `${value.slice(0, 2)}***`;
}

function withoutQuery(uri: string): string {
  return uri.replace(/\?.*$/s, "").replace(/\/\/[^/@]*@/, "//***@");
}
