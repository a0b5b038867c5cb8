/**
 * The root entry: names every public export, nothing more. Adding a name here is making a promise. It pulls in neither
 * undici, the AWS SDK, nor the embedded server; those load when they are first needed.
 */

// What a trainer holds.
export { TrainerSDK, type DeadlineOptions, type TrainerStats } from "./trainer/trainer-sdk.js";
export type { CloseReceipt } from "./trainer/close-run.js";
export type { StopOnSignalsOptions } from "./trainer/stop-on-signals.js";
export type { ResumeCheckpoint, ResumeToken } from "./trainer/resume-token.js";
export type {
  CallbackOptions,
  ConfigSchema,
  DialectName,
  StorageCredentials,
  TrainerClearMLOptions,
  TrainerMlflowOptions,
  TrainerOptions,
} from "./trainer/options.js";
export type { Environment, SinkName } from "./trainer/environment.js";
export { readPlatformEnvironment, type PlatformBasicConfig, type PlatformEnvironment } from "./trainer/platform-environment.js";
export { TaskHandle } from "./trainer/current-task.js";
export { TaskLogger } from "./trainer/task-logger.js";
export type { BoundTask, TrainerEvents } from "./trainer/events.js";
export type { TallyStats } from "./trainer/tally.js";

// What a job begins with.
export { downloadCheckpoint, downloadDataset } from "./trainer/downloads.js";
export type {
  CheckpointExpectation,
  DatasetFileInput,
  DatasetSource,
  DownloadedCheckpoint,
  DownloadedDataset,
  DownloadedFile,
} from "./trainer/download-dataset.js";
export type { DownloadOptions, StandaloneDownloadOptions } from "./trainer/download-options.js";
export type { DownloadProgress } from "./storage/download/fetch-set.js";

// What the verbs take.
export type { LogLevelInput, MetricsInput, ProgressInput, StartedInput, ValidationInput } from "./trainer/report-progress.js";
export type { CheckpointInput } from "./trainer/upload-checkpoint.js";
export type { ModelInput } from "./trainer/register-model.js";
export type { ArtifactInput } from "./trainer/upload-artifact.js";
export type { ScalarInput, SingleValueInput } from "./trainer/report-scalar.js";
export type { TakeInOptions } from "./trainer/report-media.js";
export type { AxisTitles, PlotInput } from "./records/figures/plot-input.js";
export type { FigureSettings } from "./records/figures/figure.js";
export type { NumberMatrix, NumberRow } from "./records/figures/number-reader.js";
export type { Points2d, Points3d } from "./records/figures/points.js";
export type { HistogramInput } from "./records/figures/histogram.js";
export type { TableCell, TableInput } from "./records/figures/table.js";
export type { LineInput, LineSeries, Scatter2dInput, Scatter3dInput, ScatterMode } from "./records/figures/scatter.js";
export type { ConfusionMatrixInput, MatrixInput, SurfaceInput } from "./records/figures/matrix.js";
export type { PlotlyInput } from "./records/figures/any-figure.js";
export type { HtmlInput, ImageInput, MediaInput, SampleInput } from "./records/media/media-input.js";
export type { Pixels } from "./records/media/png.js";
export type { CompletedInput, FailedInput, StoppedInput } from "./trainer/report-final.js";
export type { ParameterTree } from "./clearml/parameter-values.js";

// What they answer.
export type { FileReceipt, Receipt, RejectedItem, UploadReceipt } from "./trainer/receipt.js";
export type { DeadLetter, DeliveryReceipt, LossReason, Outcome, OutboxStats, SinkStats } from "./outbox/receipts.js";
export type { UploadProgress } from "./storage/object-store.js";

// What a process prints and a machine bears.
export { captureConsole, type CapturedConsole, type ConsoleTarget } from "./observe/capture-console.js";
export type { CapturedLevel, CapturedStream, ConsoleCaptureOptions, PrintStream } from "./observe/console-capture.js";

export type { ResourceMonitorOptions } from "./observe/resource-monitor.js";
export type { GpuSample, MachineReader, MachineSample } from "./observe/machine-sample.js";

// What was said: for sinks and dialects of the user's own.
export type { BatchLimits, Delivery, DeliveryContext, Sink, SinkMemory } from "./outbox/sink.js";
export type { Attachment, RecordDraft, RecordTraits, ShedClass, TrainerRecord } from "./records/record.js";
export type {
  ArtifactFact,
  CheckpointFact,
  ConfigurationFact,
  Fact,
  FactKind,
  FinalFact,
  FinalStatus,
  HyperparametersFact,
  LogFact,
  LogLevel,
  MediaFact,
  Metrics,
  MetricValue,
  ModelFact,
  OperationType,
  ParameterValue,
  PlotFact,
  ProgressFact,
  ResourcesFact,
  ScalarFact,
  StartedFact,
  StoredFile,
  TagsFact,
  ValidationFact,
} from "./records/facts.js";
export type {
  CallbackContext,
  CallbackDialect,
  CallbackDialectFunction,
  CallbackInstruction,
  CallbackRequest,
} from "./sinks/platform/dialect.js";
export type { FileToStore, ObjectStore, PutOptions, UploadMemory } from "./storage/object-store.js";

// One rule for the names of metrics, live and migrated.
export { DEFAULT_PHASES, DEFAULT_SERIES, metricAddress, type MetricAddress, type MetricAddressOptions } from "./records/metric-address.js";
export { taskExternalKey, type JobIdentity } from "./records/external-key.js";

// What can go wrong for a caller.
export {
  ApiError,
  ClosedError,
  ConfigError,
  ConnectionError,
  DownloadError,
  JournalError,
  StopRequestedError,
  TrainerSDKError,
  UploadError,
  ValidationError,
  type ApiErrorDetails,
  type ErrorCode,
  type ErrorDetails,
  type Issue,
  type StopSource,
} from "./base/errors.js";

// Collaborators that a caller may bring.
export { systemClock, type Clock } from "./base/clock.js";
export type { Logger, LogFields } from "./base/logger.js";
export type { JsonObject, JsonValue } from "./base/json.js";
export type { Random } from "./base/ids.js";

// The callback protocol's schemas, for backends.
export { CALLBACK_SCHEMAS } from "./protocol/callbacks.js";
