/**
 * Entry `trainer-sdk/devserver`: a local ClearML-compatible server for development and tests. It listens on loopback
 * alone and is never a production server.
 */
export { startDevServer } from "./start-dev-server.js";
export type { DevServer, DevServerEnvironment, DevServerOptions } from "./start-dev-server.js";
export { createClearMLServer } from "./clearml-server.js";
export type { ClearMLServer, ClearMLServerOptions } from "./clearml-server.js";
export { FaultSwitches } from "./faults.js";
export type { Fault, FaultMode } from "./faults.js";
export { RequestLog } from "./request-log.js";
export type { LoggedRequest } from "./request-log.js";
export type { ReceivedCallback, Store } from "./store/store.js";
export type { FileStore, StoredFile } from "./files/file-store.js";
export type { WireHandler, WireRequest, WireResponse } from "../protocol/handler.js";
