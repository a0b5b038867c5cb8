/**
 * Entry `trainer-sdk/testing`: the platform as msw handlers, for tests of trainers and backends without a socket.
 * Needs msw 3 and @mswjs/interceptors beside it.
 */
export { createTestPlatform } from "./test-platform.js";
export type { TestPlatform, TestPlatformEnvironment, TestPlatformOptions } from "./test-platform.js";
export type { PlatformReader, TestLine, TestPlot, TestPoint, TestSample } from "./platform-reader.js";
export { setupTestNetwork } from "./test-network.js";
export type { TestNetwork, TestNetworkOptions } from "./test-network.js";
export { mswHandler } from "./msw-handler.js";
export { createS3Double } from "./s3.js";
export type { S3Call, S3Double, S3DoubleOptions, S3Object, S3Right } from "./s3.js";
export type { S3Part, S3Upload } from "./s3/bucket-store.js";
export type { Checksum, ChecksumName } from "./s3/checksums.js";
export { FaultSwitches } from "../devserver/faults.js";
export type { Fault, FaultMode } from "../devserver/faults.js";
export type { LoggedRequest, RequestLog } from "../devserver/request-log.js";
export type { ReceivedCallback } from "../devserver/store/store.js";
export type {
  Artifact,
  Configuration,
  ConfigurationItem,
  Execution,
  Hyperparameters,
  LastMetrics,
  MetricSummary,
  ModelDocument,
  ParameterItem,
  TaskDocument,
  TaskModel,
  TaskStatus,
} from "../devserver/store/documents.js";
export type { WireHandler, WireRequest, WireResponse } from "../protocol/handler.js";
