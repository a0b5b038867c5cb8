/** What a run's task is made of, but for its points and files. Pure: the same run gives the same task. */
import { freeText } from "../clearml/clearml-text.js";
import { scriptInput } from "../clearml/task-script.js";
import type { MlflowExperiment, MlflowRun } from "../mlflow/mlflow-documents.js";
import { otherWorkspace } from "../mlflow/workspaces.js";
import type { RequestOf } from "../protocol/clearml/endpoints.js";
import type { ParameterInput } from "../protocol/clearml/task-document.js";
import { tagOf } from "./run-tag.js";
import { shownTag, withoutPasswords } from "./shown-text.js";
import { mappedNames, taskNameOf } from "./mapped-names.js";

/** Section of the hyperparameters. */
export const PARAMETER_SECTION = "General";
/** ClearML's section of user properties. */
export const PROPERTY_SECTION = "properties";
/** Tag of every task that was migrated. */
export const TASK_TAG = "mlflow";
/** MLflow's tag with a run's description, which becomes the task's comment. */
export const NOTE_TAG = "mlflow.note.content";

/** How a task ends, by the run's status. A run that never ended is stopped: a task left in progress would be killed after two hours. */
export function endOf(status: string): { readonly call: "completed" | "failed" | "stopped"; readonly reason: string } {
  const call = status === "FINISHED" ? "completed" : status === "FAILED" ? "failed" : "stopped";
  const isOver = status === "FINISHED" || status === "FAILED" || status === "KILLED";
  return { call, reason: isOver ? `${status} in MLflow` : `was ${status} in MLflow when it was migrated` };
}

/** What has no field in ClearML and is worth being seen there, as user properties. */
export function runProperties(run: MlflowRun, experiment: MlflowExperiment): Readonly<Record<string, string>> {
  const { info } = run;
  const facts: Record<string, string | number | bigint | undefined> = {
    mlflow_run_id: info.run_id,
    mlflow_run_name: info.run_name,
    mlflow_experiment_id: info.experiment_id,
    mlflow_experiment_name: experiment.name,
    mlflow_workspace: otherWorkspace(experiment),
    mlflow_status: info.status,
    mlflow_lifecycle_stage: info.lifecycle_stage,
    mlflow_start_time_ms: info.start_time,
    mlflow_end_time_ms: info.end_time,
    mlflow_user_id: info.user_id,
    mlflow_artifact_uri: info.artifact_uri,
  };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, withoutPasswords(String(value))]])),
  );
}

/** Request that sets all of it, on a task that is in progress. */
export function taskOfRun(run: MlflowRun, experiment: MlflowExperiment): Omit<RequestOf<"tasks.edit">, "task"> & { readonly name: string } {
  const note = tagOf(run, NOTE_TAG);
  const properties = runProperties(run, experiment);
  const names = mappedNames(
    run.data.tags.map(({ key }) => key),
    Object.keys(properties),
  );
  const section = (name: string, entries: Iterable<readonly [string, string, string?]>): Record<string, ParameterInput> =>
    Object.fromEntries(
      [...entries].map(([key, value, description]) => [
        key,
        { section: name, name: key, value: freeText(value), ...(description === undefined ? {} : { description: freeText(description) }) },
      ]),
    );
  const parameters = mappedNames(run.data.params.map(({ key }) => key));
  return {
    force: true,
    name: taskNameOf(run.info.run_name, run.info.run_id),
    comment: note === undefined ? "" : freeText(withoutPasswords(note)),
    hyperparams: {
      [PARAMETER_SECTION]: section(
        PARAMETER_SECTION,
        run.data.params.map(({ key, value }) => named(key, withoutPasswords(value), parameters)),
      ),
      [PROPERTY_SECTION]: section(PROPERTY_SECTION, [
        ...Object.entries(properties),
        ...run.data.tags.filter(({ key }) => key !== NOTE_TAG).map((tag) => named(tag.key, shownTag(tag), names)),
      ]),
    },
    script: scriptInput({
      repository: tagOf(run, "mlflow.source.git.repoURL"),
      branch: tagOf(run, "mlflow.source.git.branch"),
      commit: tagOf(run, "mlflow.source.git.commit"),
      diff: tagOf(run, "mlflow.source.git.diff"),
      entryPoint: withoutPasswords(tagOf(run, "mlflow.source.name") ?? ""),
    }),
  };
}

/** A renamed one says what it was called. */
function named(key: string, value: string, names: ReadonlyMap<string, string>): readonly [string, string, string?] {
  const kept = names.get(key) ?? key;
  return kept === key ? [kept, value] : [kept, value, `MLflow name: ${JSON.stringify(key)}`];
}
