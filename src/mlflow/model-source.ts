/** What stores say of models by words and numbers of their own. Pure. */

/** Numbers by which stores keep the status of a logged model. */
export const LOGGED_MODEL_STATUS: Readonly<Record<string, string>> = {
  "1": "LOGGED_MODEL_PENDING",
  "2": "LOGGED_MODEL_READY",
  "3": "LOGGED_MODEL_UPLOAD_FAILED",
};

/** What the source of a model's version refers to: a logged model, a folder of a run, or, where neither is set, an address. */
export interface ModelReference {
  readonly modelId?: string;
  readonly runId?: string;
  /** Below the files of the run. */
  readonly path: string;
}

/** Reads `models:/m-...` and `runs:/<run id>/<path>`. */
export function parseModelSource(source: string): ModelReference {
  const modelId = /^models:\/+(m-[0-9a-f]+)\/?$/.exec(source)?.[1];
  if (modelId !== undefined) return { modelId, path: "" };
  const [, runId, path = ""] = /^runs:\/+([^/]+)\/(.+)$/.exec(source) ?? [];
  return runId === undefined ? { path: "" } : { runId, path };
}
