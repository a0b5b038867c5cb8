/** What only a job with MLflow needs, behind one `import()`: a trainer without it never loads any of this. */
export { resolveMlflowConnection } from "../mlflow/mlflow-options.js";
export { MlflowWire } from "../mlflow/mlflow-wire.js";
export { MlflowWriter } from "../mlflow/mlflow-writer.js";
export { createMlflowSink } from "../sinks/mlflow/mlflow-sink.js";
export { mlflowArtifactStore } from "./mlflow-artifact-store.js";
export { DownloadSources } from "./download-sources.js";
