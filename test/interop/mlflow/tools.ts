/** What the suite needs beyond npm: a real MLflow server and its Python client, in an environment of their own. */
import { pythonWith } from "../../../scripts/python-venv.ts";

/** The release that was pinned. */
export const MLFLOW_VERSION = "3.17.2";

/** The interpreter; installs what is missing. */
export function mlflowPython(tell: (message: string) => void = () => undefined): Promise<string> {
  return pythonWith(`interop/mlflow-${MLFLOW_VERSION}`, [`mlflow==${MLFLOW_VERSION}`], tell);
}

/** Installs MLflow: some minutes, the first time. */
export async function installTools(tell: (message: string) => void): Promise<void> {
  await mlflowPython(tell);
}
