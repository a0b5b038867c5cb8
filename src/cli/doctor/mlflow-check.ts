/** Whether the MLflow server is there, which one it is, and whether it takes the credentials. Nothing is created in it. */
import { systemClock } from "../../base/clock.js";
import { ApiError, describeError } from "../../base/errors.js";
import { undiciTransport } from "../../base/http.js";
import { readNetwork } from "../../base/network.js";
import type { MlflowConnection } from "../../mlflow/mlflow-options.js";
import { MlflowWire } from "../../mlflow/mlflow-wire.js";
import { MlflowWriter } from "../../mlflow/mlflow-writer.js";
import type { ResolvedTrainerOptions } from "../../trainer/options.js";
import type { Examination, Finding } from "./finding.js";

/** Of the oldest release that is written to. */
const OLDEST = [2, 9] as const;

export async function checkMlflow(
  connection: MlflowConnection,
  { mlflowRun }: Pick<ResolvedTrainerOptions, "mlflowRun">,
  { env, signal }: Examination,
): Promise<readonly Finding[]> {
  const { baseUrl, verifyCertificates, certificateFile } = connection;
  const transport = undiciTransport({ verifyCertificates, network: readNetwork(env, certificateFile) });
  const writer = new MlflowWriter(new MlflowWire({ connection, transport, clock: systemClock }));
  const found: Finding[] = [];
  try {
    if (!verifyCertificates)
      found.push({
        id: "mlflow.certificates",
        severity: "warning",
        message: "MLflow's certificate is not checked: whoever sits on the way reads the credentials.",
        advice: "Name the authority's certificate in MLFLOW_TRACKING_SERVER_CERT_PATH, and take MLFLOW_TRACKING_INSECURE_TLS out.",
      });
    found.push(await reached(writer, signal));
    if (found.at(-1)?.severity !== "error") found.push(...(await workspaceMissing(writer, signal)));
    if (found.at(-1)?.severity !== "error") found.push(await allowed(writer, mlflowRun, signal));
    return found;
  } catch (error) {
    signal.throwIfAborted();
    const advice = "Check MLFLOW_TRACKING_URI, the network and that the server is up. Until then what MLflow is owed waits in the journal.";
    return [
      ...found,
      { id: "mlflow.reach", severity: "error", message: `MLflow cannot be reached at ${baseUrl}. ${describeError(error)}`, advice },
    ];
  } finally {
    await transport.close();
  }
}

async function reached(writer: MlflowWriter, signal: AbortSignal): Promise<Finding> {
  const id = "mlflow.reach";
  let version: string;
  try {
    version = await writer.version({ signal });
  } catch (error) {
    if (!ApiError.isInstance(error)) throw error;
    // A proxy may let nothing but the API through; that is asked next.
    return { id, severity: "note", message: `MLflow at ${writer.baseUrl} does not say its version (${String(error.status)}).` };
  }
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined)
    return {
      id,
      severity: "error",
      message: `What answers at ${writer.baseUrl} is not MLflow: it gives no version.`,
      advice: "MLFLOW_TRACKING_URI must name the server, with the prefix that a proxy asks for.",
    };
  const isOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
  if (isOld)
    return { id, severity: "warning", message: `MLflow ${version} at ${writer.baseUrl} is older than 2.9.`, advice: "Update the server." };
  return { id, severity: "ok", message: `MLflow ${version} answers at ${writer.baseUrl}.` };
}

/** Of one that is not there each call would say that its own object is not. */
async function workspaceMissing(writer: MlflowWriter, signal: AbortSignal): Promise<readonly Finding[]> {
  if (await writer.hasWorkspace({ signal })) return [];
  const message = `MLflow has no workspace ${writer.workspace ?? ""}, this user may not see it, or the server has no workspaces at all.`;
  return [{ id: "mlflow.workspace", severity: "error", message, advice: "Check MLFLOW_WORKSPACE; without it the default one is meant." }];
}

/** The run or the experiment that a trainer would write to: asking takes the credentials, and passes the server's check of its own name. */
async function allowed(
  writer: MlflowWriter,
  { runId, experimentId, experimentName }: ResolvedTrainerOptions["mlflowRun"],
  signal: AbortSignal,
): Promise<Finding> {
  const id = "mlflow.access";
  try {
    if (runId !== undefined) {
      const run = await writer.run(runId, { signal });
      if (run !== undefined && run.info.lifecycle_stage !== "deleted") return { id, severity: "ok", message: `Run ${runId} is there.` };
      if (run !== undefined)
        return {
          id,
          severity: "warning",
          message: `Run ${runId} was deleted: the job would go on with another.`,
          advice: "Check MLFLOW_RUN_ID.",
        };
      return { id, severity: "error", message: `There is no active run ${runId} in MLflow.`, advice: "Check MLFLOW_RUN_ID." };
    }
    const experiment =
      experimentId === undefined
        ? await writer.experimentByName(experimentName, { signal })
        : await writer.experiment(experimentId, { signal });
    const name = experimentId === undefined ? JSON.stringify(experimentName) : experimentId;
    if (experiment === undefined && experimentId === undefined)
      return { id, severity: "ok", message: `MLflow takes the credentials; the experiment ${name} would be made.` };
    if (experiment !== undefined && experiment.lifecycle_stage !== "deleted")
      return { id, severity: "ok", message: `MLflow takes the credentials; the experiment ${name} is there.` };
    return experimentId === undefined
      ? {
          id,
          severity: "warning",
          message: `MLflow's experiment ${name} was deleted; a trainer would report to one beside it.`,
          advice: "Restore it, or set MLFLOW_EXPERIMENT_NAME.",
        }
      : { id, severity: "error", message: `There is no active experiment ${name} in MLflow.`, advice: "Check MLFLOW_EXPERIMENT_ID." };
  } catch (error) {
    if (!ApiError.isInstance(error)) throw error;
    return {
      id,
      severity: "error",
      message: describeError(error),
      advice:
        error.status === 403
          ? "Check the rights, and whether the server accepts to be called by this name (its --allowed-hosts)."
          : "Check MLFLOW_TRACKING_URI and the credentials.",
    };
  }
}
