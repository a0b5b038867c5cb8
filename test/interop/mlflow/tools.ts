/** What the suite needs beyond npm: real MLflow servers and their Python clients, each line in an environment of its own. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { pythonWith } from "../../../scripts/python-venv.ts";
import { installS3Tools } from "../../../scripts/s3-tools.ts";

/** A release of MLflow, and what it needs beside it to run at all. */
export interface MlflowLine {
  readonly version: string;
  /** True from 3.0 on: models that runs log, beside the runs. */
  readonly hasLoggedModels: boolean;
  readonly packages: readonly string[];
}

const OLDEST: MlflowLine = {
  version: "2.9.2",
  hasLoggedModels: false,
  // It calls what SQLAlchemy 2.1 took away, and imports `pkg_resources`, which setuptools 81 took away.
  packages: ["mlflow==2.9.2", "sqlalchemy==2.0.44", "setuptools==80.9.0"],
};
const CURRENT: MlflowLine = {
  version: "3.17.2",
  hasLoggedModels: true,
  // Its own authentication wants the second one.
  packages: ["mlflow==3.17.2", "flask-wtf==1.2.2"],
};

/** The current release. */
export const MLFLOW_VERSION = CURRENT.version;
/** The lines that the suite is held against: the oldest that is understood, and the current one. */
export const MLFLOW_LINES: readonly MlflowLine[] = [OLDEST, CURRENT];

/** The interpreter of the current line; installs what is missing. */
export function mlflowPython(tell: (message: string) => void = () => undefined): Promise<string> {
  return pythonOf(CURRENT, tell);
}

/** The interpreter of a line; installs what is missing. */
export function pythonOf({ version, packages }: MlflowLine, tell: (message: string) => void = () => undefined): Promise<string> {
  return pythonWith(`interop/mlflow-${version}`, packages, tell);
}

/** Python packages that MLflow needs for buckets and does not bring, as a folder for `PYTHONPATH`: they are in no line's own environment. */
export async function bucketPackages(tell: (message: string) => void = () => undefined): Promise<string> {
  const python = await pythonWith("interop/boto3", ["boto3==1.44.8"], tell);
  const { stdout } = await promisify(execFile)(python, ["-c", "import boto3, os; print(os.path.dirname(os.path.dirname(boto3.__file__)))"]);
  return stdout.trim();
}

/** Installs each line: some minutes, the first time. */
export async function installTools(tell: (message: string) => void): Promise<void> {
  for (const line of MLFLOW_LINES) await pythonOf(line, tell);
  await bucketPackages(tell);
  await installS3Tools(tell);
}
