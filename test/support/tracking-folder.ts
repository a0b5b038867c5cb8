/** A tracking folder of MLflow, written by hand: what its client leaves, and whatever a test wants to be wrong with it. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const T = 1_700_000_000_000;

/** Files of a run, by path; those that are not named are as MLflow leaves them. */
export type RunFiles = Readonly<Record<string, string | Uint8Array>>;

/** Writes files below a folder. */
export async function writeFiles(folder: string, files: RunFiles): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, ...path.split("/"));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

/** `meta.yaml` of an experiment. */
export function experimentMeta(id: string, name: string, more = ""): string {
  return `artifact_location: file:///old/mlruns/${id}\ncreation_time: ${String(T)}\nexperiment_id: '${id}'\nlast_update_time: ${String(T)}\nlifecycle_stage: active\nname: ${name}\n${more}`;
}

/** `meta.yaml` of a run. `status` is MLflow's number: 1 running, 3 finished. */
export function runMeta(
  experimentId: string,
  runId: string,
  { status = 3, artifactUri = `file:///old/mlruns/${experimentId}/${runId}/artifacts`, lifecycle = "active" } = {},
): string {
  return `artifact_uri: ${artifactUri}\nend_time: ${status === 1 ? "null" : String(T + 5)}\nentry_point_name: ''\nexperiment_id: '${experimentId}'\nlifecycle_stage: ${lifecycle}\nrun_id: ${runId}\nrun_name: run ${runId}\nrun_uuid: ${runId}\nsource_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: ${String(T)}\nstatus: ${String(status)}\ntags: []\nuser_id: ada\n`;
}

/** Experiment `1`, `vision`, with these runs: each ended, with one metric of three points unless it brings files of its own. */
export async function writeTrackingFolder(root: string, runs: Readonly<Record<string, RunFiles>> = { a: {} }): Promise<void> {
  await writeFiles(root, { "1/meta.yaml": experimentMeta("1", "vision") });
  for (const [id, files] of Object.entries(runs)) {
    const usual = {
      "meta.yaml": runMeta("1", id),
      "metrics/loss": `${String(T)} 0.5 0\n${String(T + 1)} 0.25 1\n${String(T + 2)} 0.125 2\n`,
    };
    await mkdir(join(root, "1", id, "artifacts"), { recursive: true });
    await writeFiles(join(root, "1", id), { ...usual, "tags/mlflow.user": "ada", ...files });
  }
}
