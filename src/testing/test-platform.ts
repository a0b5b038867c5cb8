/**
 * The world of a trainer in one process, without a socket: ClearML, its file server, the backend that takes callbacks,
 * and an S3, as msw handlers over the same server core as `trainer-sdk dev`. Nothing runs until it is asked.
 */
import type { HttpHandler } from "msw/http";
import { systemClock, type Clock } from "../base/clock.js";
import type { JsonObject } from "../base/json.js";
import { createClearMLServer } from "../devserver/clearml-server.js";
import { createMemoryFiles } from "../devserver/files/memory-files.js";
import { createMemoryStore } from "../devserver/store/memory-store.js";
import type { FaultSwitches } from "../devserver/faults.js";
import type { RequestLog } from "../devserver/request-log.js";
import { callApi } from "./call-api.js";
import { mswHandler } from "./msw-handler.js";
import { createPlatformReader, type PlatformReader } from "./platform-reader.js";
import { createS3Double } from "./s3.js";

export interface TestPlatformOptions {
  /** Time of everything the servers stamp, of token lifetimes and slow faults. Default: the machine's. */
  readonly clock?: Clock;
  /**
   * Where checkpoints go: `s3` (needs the AWS client's packages) or `clearml`, the file server. Default `s3`.
   */
  readonly storage?: "s3" | "clearml";
}

/** Variables that a container of the platform would be started with. `JOB_ID` and the like are the test's to add. */
export interface TestPlatformEnvironment extends Readonly<Record<string, string>> {
  readonly CLEARML_API_HOST: string;
  readonly CLEARML_WEB_HOST: string;
  readonly CLEARML_FILES_HOST: string;
  readonly CLEARML_API_ACCESS_KEY: string;
  readonly CLEARML_API_SECRET_KEY: string;
  readonly CALLBACK_URL: string;
  readonly CHECKPOINT_URI: string;
}

/** A platform of one test. Two of them share nothing but their addresses, so only one can listen at a time. */
export interface TestPlatform extends PlatformReader {
  /** For `TrainerSDK.init({ env })` and `createClearML({}, env)`. */
  readonly env: TestPlatformEnvironment;
  /** For `setupTestNetwork(handlers)`, or for msw's `setupServer(...handlers)` when the SDK is given `fetch: globalThis.fetch`. */
  readonly handlers: readonly HttpHandler[];
  /** Faults by channel: `api`, `files`, `callbacks`, `s3`. */
  readonly faults: FaultSwitches;
  /** Requests as the servers counted them, by the same channels. */
  readonly requests: RequestLog;
  /** Answers every callback of this job, or with null of any job, with the wish to stop. */
  askToStop(jobId: string | null, reason: string): void;
  /**
   * Calls ClearML's API as another client would, the web page say: `call("tasks.stop", { task })`. Needs no network to
   * listen; counts as a request, and faults of `api` hit it too.
   * @throws Error with the server's words when it refuses.
   */
  call(endpoint: string, request?: JsonObject): Promise<JsonObject>;
  /** Lets requests go that hang in a fault, and frees what is held. */
  close(): Promise<void>;
}

const API_HOST = "http://api.clearml.test:8008";
const WEB_HOST = "http://app.clearml.test:8080";
const FILES_HOST = "http://files.clearml.test:8081";
const BACKEND_HOST = "http://backend.test:8000";
const S3_HOST = "s3.test:9000";
const BUCKET = "checkpoints";

/** A new, empty platform. */
export function createTestPlatform(options: TestPlatformOptions = {}): TestPlatform {
  const clock = options.clock ?? systemClock;
  const store = createMemoryStore();
  const files = createMemoryFiles(clock);
  const server = createClearMLServer({ store, files, clock });
  const s3 = createS3Double({ buckets: [BUCKET], clock });
  const { faults, requests, accessKey, secretKey } = server;
  const guardedS3 = requests.wrap("s3", faults.wrap("s3", s3.handler));
  return {
    env: {
      CLEARML_API_HOST: API_HOST,
      CLEARML_WEB_HOST: WEB_HOST,
      CLEARML_FILES_HOST: FILES_HOST,
      CLEARML_API_ACCESS_KEY: accessKey,
      CLEARML_API_SECRET_KEY: secretKey,
      CALLBACK_URL: `${BACKEND_HOST}/callbacks`,
      CHECKPOINT_URI: options.storage === "clearml" ? "clearml" : `s3://${S3_HOST}/${BUCKET}`,
      INTERNAL_STORAGE_ENDPOINT: `http://${S3_HOST}`,
      INTERNAL_STORAGE_ACCESS_KEY: "test-access-key",
      INTERNAL_STORAGE_SECRET_KEY: "test-secret-key",
    },
    handlers: [
      mswHandler(API_HOST, server.api),
      mswHandler(FILES_HOST, server.files),
      mswHandler(WEB_HOST, server.web),
      mswHandler(BACKEND_HOST, server.callbacks),
      mswHandler(`http://${S3_HOST}`, guardedS3),
    ],
    faults,
    requests,
    askToStop: (jobId, reason) => server.askToStop(jobId, reason),
    call: (endpoint, request = {}) => callApi(server.api, { accessKey, secretKey }, endpoint, request),
    close: () => server.close(),
    ...createPlatformReader({ store, files, s3, filesHost: FILES_HOST, s3Host: S3_HOST }),
  };
}
