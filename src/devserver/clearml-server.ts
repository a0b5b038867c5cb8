/**
 * The embedded ClearML without a socket: API, file server, callback receiver and web page over one store, with the
 * fault switches before them. Over HTTP it is `trainer-sdk dev`, under msw it is a mock. Never a production server.
 */
import type { Clock } from "../base/clock.js";
import { systemClock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import { silentLogger } from "../base/logger.js";
import type { WireHandler } from "../protocol/handler.js";
import { createApiHandler } from "./api/api-handler.js";
import type { ApiContext } from "./api/call.js";
import { Scrolls } from "./api/scrolls.js";
import { ensureDefaultQueue } from "./api/default-queue.js";
import { servedEndpoints } from "./api/served-endpoints.js";
import { Tokens } from "./api/tokens.js";
import { createCallbackReceiver } from "./callback-receiver.js";
import { ChangeFeed } from "./change-feed.js";
import { createControlHandler } from "./control-handler.js";
import { readAsset } from "./dashboard-assets.js";
import { FaultSwitches } from "./faults.js";
import { createFileHandler } from "./files/file-server.js";
import type { FileStore } from "./files/file-store.js";
import { createMemoryFiles } from "./files/memory-files.js";
import { RequestLog } from "./request-log.js";
import { createMemoryStore } from "./store/memory-store.js";
import type { Store } from "./store/store.js";
import { createWebHandler } from "./web-handler.js";

export interface ClearMLServerOptions {
  /** Where documents and events are kept. Default: memory. The server closes it. */
  readonly store?: Store;
  /** Where uploaded files are kept. Default: memory. The server closes it. */
  readonly files?: FileStore;
  /** Time of everything the server stamps, and of the watchdog, tokens and slow faults. Default: the machine's. */
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Default: random, and with a store that lasts those of its first start. */
  readonly accessKey?: string;
  readonly secretKey?: string;
  /** Serve `/__faults` and `/__requests` on the web handler. Default false. */
  readonly faultControl?: boolean;
}

/** A ClearML whose parts are functions from request to response. */
export interface ClearMLServer {
  /** The API server (stock port 8008). */
  readonly api: WireHandler;
  /** The file server (stock port 8081). */
  readonly files: WireHandler;
  /** The callback receiver; paths with and without a leading `/callbacks`. */
  readonly callbacks: WireHandler;
  /** Page, API under `/api`, files under `/files`, receiver under `/callbacks`, changes under `/live` (stock port 8080). */
  readonly web: WireHandler;
  readonly store: Store;
  /** Faults of the channels `api`, `files` and `callbacks`, and of any other handler that is wrapped with them. */
  readonly faults: FaultSwitches;
  /** What arrived at `api`, `files` and `callbacks`, by the server's own count. */
  readonly requests: RequestLog;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Names of the served endpoints. */
  readonly endpoints: readonly string[];
  /** Asks the trainer of this job, or with null every trainer, to stop, in the answers of the callback receiver. */
  askToStop(jobId: string | null, reason: string): void;
  /** Lets hanging requests go, ends the streams of changes, closes store and files. Safe to call twice. */
  close(): Promise<void>;
}

/** Builds the server. Nothing runs in the background: it works when it is asked. */
export function createClearMLServer(options: ClearMLServerOptions = {}): ClearMLServer {
  const clock = options.clock ?? systemClock;
  const store = options.store ?? createMemoryStore();
  const fileStore = options.files ?? createMemoryFiles(clock);
  const tokens = new Tokens(store, clock, { accessKey: options.accessKey, secretKey: options.secretKey });
  const feed = new ChangeFeed(clock);
  const notify: ApiContext["notify"] = (id, kind) => feed.changed(id, kind);
  const faults = new FaultSwitches({ clock, expireTokens: () => tokens.expireAll() });
  const requests = new RequestLog();
  const guarded = (channel: string, handler: WireHandler): WireHandler => requests.wrap(channel, faults.wrap(channel, handler));

  const endpoints = servedEndpoints();
  const context: ApiContext = { store, clock, logger: options.logger ?? silentLogger, tokens, scrolls: new Scrolls(clock), notify };
  ensureDefaultQueue(context);
  const receiver = createCallbackReceiver({ store, clock, notify });
  const api = guarded("api", createApiHandler(context, endpoints));
  const files = guarded("files", createFileHandler({ files: fileStore, tokens }));
  const callbacks = guarded("callbacks", receiver.handler);
  const control = options.faultControl === true ? createControlHandler(faults, requests) : undefined;
  let closed: Promise<void> | undefined;
  return {
    api,
    files,
    callbacks,
    web: createWebHandler({ api, files, callbacks, tokens, feed, readAsset, control }),
    store,
    faults,
    requests,
    accessKey: tokens.credentials.accessKey,
    secretKey: tokens.credentials.secretKey,
    endpoints: endpoints.map((endpoint) => endpoint.name).sort(),
    askToStop: (jobId, reason) => receiver.askToStop(jobId, reason),
    close() {
      closed ??= (async () => {
        faults.close();
        feed.close();
        store.close();
        await fileStore.close();
      })();
      return closed;
    },
  };
}
