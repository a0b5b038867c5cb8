/** The entry `trainer-sdk/clearml`: names every public export, nothing more. */
export { createClearML, type ClearML } from "./create-clearml.js";
export { ClearMLSession, type CallOptions, type ClearMLServerInfo } from "./session.js";
export {
  resolveClearMLOptions,
  type CallRetry,
  type ClearMLConnection,
  type ClearMLResolution,
  type ClearMLSessionOptions,
  type Environment,
  type ResolvedClearMLConnection,
  type SessionTransport,
} from "./options.js";
export type { ClearMLOrigins } from "./options.js";
export type { ClearMLConf, ConfApi, ConfS3Entry } from "../base/clearml-conf.js";
export type { NetworkSettings } from "../base/network.js";
export { isClearMLError, isRetryableStatus } from "./answers.js";
export { Task, type CloneOptions, type DeleteTaskOptions, type TaskInitOptions } from "./task.js";
export { TaskReading, type UserProperty } from "./task-reading.js";
export { TaskSettings, type UserPropertyInput } from "./task-settings.js";
export type { TaskEditOptions } from "./task-api.js";
export type { AbortCallback, TaskMonitorOptions } from "./task-monitor.js";
export type { TaskQuery } from "./task-query.js";
export { externalKeyTag, type ExternalKey, type NewTask } from "./task-start.js";
export type { StatusChangeOptions } from "./task-status-change.js";
export type { ExportedTask } from "./task-transfer.js";
export type { WaitForStatusOptions } from "./task-wait.js";
export type { ConfigurationSource, ConnectConfigurationOptions, ConnectOptions } from "./task-connect.js";
export type { DescribedParameter } from "./task-parameters.js";
export type { ParameterTree } from "./parameter-values.js";
export { Artifact, type ArtifactCopyOptions, type UploadArtifactOptions } from "./task-artifacts.js";
export type { ArtifactSource } from "./artifact-source.js";
export type { ArtifactCell, ArtifactTable } from "./artifact-table.js";
export type { TaskContainer } from "./task-script.js";
export { detectScript, type DetectScriptOptions, type TaskScript } from "./script-detection.js";
export { taskExternalKey, type JobIdentity } from "../records/external-key.js";
export type { OperationType } from "../records/facts.js";
export type { JsonObject, JsonValue } from "../base/json.js";
export { AuthService } from "./auth-service.js";
export { TasksService } from "./tasks-service.js";
export { EventsService, type BatchOutcome } from "./events-service.js";
export type { EventReading } from "./read-events.js";
export type { LogReading } from "./read-log.js";
export type { ScalarPoint, ScalarReading } from "./read-scalars.js";
export { ModelsService } from "./models-service.js";
export { ProjectsService } from "./projects-service.js";
export { QueuesService } from "./queues-service.js";
export { WorkersService } from "./workers-service.js";
export { ServerService } from "./server-service.js";
export {
  FileServer,
  type DownloadedFile,
  type FileDownloadOptions,
  type FileServerSession,
  type FileUploadOptions,
  type RemoteFile,
} from "./file-server.js";
export { exportOfflineSession, type ExportedSession, type ExportSessionOptions } from "./offline/export-session.js";
export { importOfflineSession, type ImportedSession, type ImportProgress, type ImportSessionOptions } from "./offline/import-session.js";
export type { UploadSource } from "./multipart-body.js";
export { ObjectFiles, type FetchFileOptions, type ObjectFilesOptions, type StoreFileOptions } from "./object-files.js";
export { Model, type ModelClass, type ModelSelector } from "./model.js";
export type { ModelQuery } from "./model-query.js";
export type { LocalCopyOptions, WeightsFetchOptions } from "./model-download.js";
export { InputModel, type ImportedModel } from "./input-model.js";
export { OutputModel, type OutputModelInput, type WeightsInput } from "./output-model.js";
export type { WeightsUploadOptions } from "./model-weights.js";
export type { MetadataEntry, MetadataValue } from "./model-metadata.js";
export { MODEL_FRAMEWORKS } from "./model-framework.js";
export type { ModelLineage, ModelReference, TaskReference } from "./model-lineage.js";
export type { ModelLink } from "./model-links.js";
export { removeTaskModel, taskModels, type TaskModels } from "./models-of-task.js";
export { Dataset, datasetsOfTask, type DatasetQuery, type DatasetUse } from "./dataset.js";
export {
  Project,
  type ProjectContents,
  type ProjectDeletion,
  type ProjectFields,
  type ProjectListing,
  type ProjectQuery,
  type ProjectStats,
} from "./project.js";
export { Queue, type QueueEntry } from "./queue.js";
export { Worker, type WorkerQuery } from "./worker.js";
export { ReadingService, type LogLine, type LogQuery } from "./reading-service.js";
export type { Chart, ChartSeries } from "./chart.js";
export type { ChartQuery, ExactChartQuery } from "./reading-charts.js";
export type { MetricSummary, TaskMetrics } from "./reading-metrics.js";
export type { DebugSample, Plot, PlotlyFigure, PlotQuery, SampleQuery } from "./reading-plots.js";
export type { ReadingSubject } from "./reading-subject.js";
export {
  ClearMLService,
  type CreatedTask,
  type CreateTaskInput,
  type LoggedMetrics,
  type LogMetricsInput,
  type RegisterModelInput,
  type UploadArtifactInput,
} from "./clearml-service.js";
export type { TaskArgument } from "./task-argument.js";

export { Logger, type ConsoleLevel, type LoggerOptions, type LoggerStats } from "./logger.js";
export { monitorResources, type WatchedResources } from "./monitor-resources.js";
export type { ResourceMonitorOptions } from "../observe/resource-monitor.js";
export type { GpuSample, MachineReader, MachineSample } from "../observe/machine-sample.js";
export type { EventQueueStats, FlushOutcome } from "./event-queue.js";
export type { RefusedEvents } from "./event-sender.js";
export { captureConsole, type CapturedConsole, type ConsoleTarget } from "../observe/capture-console.js";
export type { CapturedLevel, CapturedStream, ConsoleCaptureOptions, PrintStream } from "../observe/console-capture.js";
export type { AxisTitles, PlotInput } from "../records/figures/plot-input.js";
export type { FigureSettings } from "../records/figures/figure.js";
export type { NumberMatrix, NumberRow } from "../records/figures/number-reader.js";
export type { Points2d, Points3d } from "../records/figures/points.js";
export type { HistogramInput } from "../records/figures/histogram.js";
export type { TableCell, TableInput } from "../records/figures/table.js";
export type { LineInput, LineSeries, Scatter2dInput, Scatter3dInput, ScatterMode } from "../records/figures/scatter.js";
export type { ConfusionMatrixInput, MatrixInput, SurfaceInput } from "../records/figures/matrix.js";
export type { PlotlyInput } from "../records/figures/any-figure.js";
export type { HtmlInput, ImageInput, MediaInput, SampleInput } from "../records/media/media-input.js";
export type { Pixels } from "../records/media/png.js";

export type { BatchEndpointName, EndpointName, RequestOf, ResponseOf, SingleEndpointName } from "../protocol/clearml/endpoints.js";
export { CLEARML_ERRORS, type ClearMLErrorKind } from "../protocol/clearml/error-kinds.js";
export type {
  Curve,
  EventDocument,
  EventInput,
  LogEventInput,
  MetricFilter,
  PlotEventInput,
  ScalarEventInput,
} from "../protocol/clearml/event-document.js";
export type { MetadataInput, ModelDocument } from "../protocol/clearml/model-document.js";
export type { QueueDocument, WorkerDocument } from "../protocol/clearml/queue-document.js";
export type { ProjectDocument } from "../protocol/clearml/project-document.js";
export type {
  ArtifactDocument,
  ArtifactInput,
  ConfigurationInput,
  LastMetric,
  ParameterInput,
  TaskDocument,
  TaskStatus,
  TaskType,
} from "../protocol/clearml/task-document.js";
export type { OpenEnum } from "../protocol/clearml/field-types.js";
export { API_VERSION, SINGLE_VALUE_ITERATION, SINGLE_VALUE_METRIC } from "../protocol/clearml/limits.js";
export {
  artifactObjectPath,
  metricObjectPath,
  modelObjectPath,
  objectPathOfUrl,
  quoteObjectUrl,
  type ObjectOwner,
} from "../protocol/clearml/object-path.js";
export { escapeKey, metricHash, unescapeKey } from "../protocol/clearml/identity.js";
export {
  compareWebUrl,
  datasetWebUrl,
  modelWebUrl,
  projectWebUrl,
  taskWebUrl,
  widgetUrl,
  workersAndQueuesWebUrl,
  type WidgetView,
} from "../protocol/clearml/web-urls.js";
export {
  ApiError,
  ClosedError,
  ConfigError,
  ConnectionError,
  NotFoundError,
  StopRequestedError,
  TaskStatusError,
  TrainerSDKError,
  UploadError,
  ValidationError,
} from "../base/errors.js";
export {
  fetchTransport,
  undiciTransport,
  type HttpRequest,
  type HttpResponse,
  type HttpStreamRequest,
  type HttpStreamResponse,
  type HttpTransport,
  type StreamingHttpTransport,
  type UndiciTransportOptions,
} from "../base/http.js";
