/** The embedded ClearML on three loopback ports: what `trainer-sdk dev` runs, and what tests start for real sockets. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.js";
import { systemClock } from "../base/clock.js";
import { ConfigError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { WireHandler } from "../protocol/handler.js";
import { silentLogger } from "../base/logger.js";
import { createClearMLServer } from "./clearml-server.js";
import type { ClearMLServer } from "./clearml-server.js";
import { createFolderFiles } from "./files/folder-files.js";
import { LOOPBACK, listen } from "./http-listener.js";
import type { Listener } from "./http-listener.js";
import { ownOrigins } from "./request-guard.js";
import type { RequestLog } from "./request-log.js";
import type { FaultSwitches } from "./faults.js";
import { createMemoryStore } from "./store/memory-store.js";

export interface DevServerOptions {
  /** The web port; the API takes the next one, the file server the one after. Default: a free port for each. */
  readonly port?: number | undefined;
  /** Folder for the SQLite file and the uploaded files, made when missing. Default: memory, and a temporary folder for uploads. */
  readonly dataDir?: string | undefined;
  /** Default: random, and with `dataDir` those of the first start. */
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  /** Serve `/__faults` and `/__requests` on the web port. Default false. */
  readonly faultControl?: boolean | undefined;
  /** Closes the server. */
  readonly signal?: AbortSignal | undefined;
}

/** Environment variables that point a ClearML client and the SDK at the server. */
export interface DevServerEnvironment {
  readonly CLEARML_API_HOST: string;
  readonly CLEARML_WEB_HOST: string;
  readonly CLEARML_FILES_HOST: string;
  readonly CLEARML_API_ACCESS_KEY: string;
  readonly CLEARML_API_SECRET_KEY: string;
  readonly CALLBACK_URL: string;
}

/** A running server. */
export interface DevServer extends AsyncDisposable {
  /** The dashboard, such as `http://127.0.0.1:8080`. */
  readonly webUrl: string;
  readonly apiUrl: string;
  readonly filesUrl: string;
  /** Where the callback receiver listens: `<webUrl>/callbacks`. */
  readonly callbackUrl: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly env: DevServerEnvironment;
  /** Faults of the channels `api`, `files` and `callbacks`. */
  readonly faults: FaultSwitches;
  /** What arrived, by the server's own count. */
  readonly requests: RequestLog;
  /** Asks the trainer of this job, or with null every trainer, to stop, in the answers of the callback receiver. */
  askToStop(jobId: string | null, reason: string): void;
  /** Ends every connection, then closes what is stored. Safe to call twice. */
  close(): Promise<void>;
}

const PORTS = 3;
const MAX_PORT = 65_535;

async function openServer(options: DevServerOptions, clock: Clock, logger: Logger): Promise<ClearMLServer> {
  const { dataDir } = options;
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const store =
    dataDir === undefined
      ? createMemoryStore()
      : await (await import("./store/sqlite-store.js")).openSqliteStore(join(dataDir, "clearml.sqlite"));
  return createClearMLServer({
    store,
    files: createFolderFiles({ folder: dataDir === undefined ? undefined : join(dataDir, "files") }),
    clock,
    logger,
    ...(options.accessKey === undefined ? {} : { accessKey: options.accessKey }),
    ...(options.secretKey === undefined ? {} : { secretKey: options.secretKey }),
    ...(options.faultControl === undefined ? {} : { faultControl: options.faultControl }),
  });
}

async function listenOnAll(first: number, logger: Logger): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (let at = 0; at < PORTS; at += 1) listeners.push(await listen(first === 0 ? 0 : first + at, logger));
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

/**
 * Starts the server; resolves when all three ports answer.
 * @throws ConfigError when a port is taken or the folder cannot be used; the signal's reason when it was aborted before.
 */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  options.signal?.throwIfAborted();
  const first = options.port ?? 0;
  if (!Number.isInteger(first) || first < 0 || first > MAX_PORT - PORTS + 1) {
    throw new ConfigError(`The port must be a whole number between 0 and ${String(MAX_PORT - PORTS + 1)}, not ${String(first)}.`, [
      { path: "port", message: "out of range" },
    ]);
  }
  const logger = options.logger ?? silentLogger;
  const listeners = await listenOnAll(first, logger);
  let server: ClearMLServer;
  try {
    server = await openServer(options, options.clock ?? systemClock, logger);
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
  const own = ownOrigins(listeners.map((listener) => listener.port));
  const [webUrl = "", apiUrl = "", filesUrl = ""] = listeners.map((listener) => `http://${LOOPBACK}:${String(listener.port)}`);
  const { accessKey, secretKey, faults, requests } = server;
  const callbackUrl = `${webUrl}/callbacks`;
  const env: DevServerEnvironment = {
    CLEARML_API_HOST: apiUrl,
    CLEARML_WEB_HOST: webUrl,
    CLEARML_FILES_HOST: filesUrl,
    CLEARML_API_ACCESS_KEY: accessKey,
    CLEARML_API_SECRET_KEY: secretKey,
    CALLBACK_URL: callbackUrl,
  };
  const handlers = [withEnvironment(server.web, env), server.api, server.files];
  for (const [at, handler] of handlers.entries()) listeners[at]?.serve(handler, own);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= (async () => {
      options.signal?.removeEventListener("abort", onAbort);
      server.faults.close();
      await Promise.all(listeners.map((listener) => listener.close()));
      await server.close();
    })();
    return closed;
  };
  const onAbort = (): void => void close();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  return {
    webUrl,
    apiUrl,
    filesUrl,
    callbackUrl,
    accessKey,
    secretKey,
    env,
    faults,
    requests,
    askToStop: (jobId, reason) => server.askToStop(jobId, reason),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * The web port with `/env.json` beside the page: what a newcomer copies into a shell. Host and origin were checked before,
 * so no page but the server's own reads it.
 */
function withEnvironment(web: WireHandler, env: DevServerEnvironment): WireHandler {
  const body = JSON.stringify({ env });
  return async (request) => {
    if (request.url.pathname !== "/env.json" || request.method !== "GET") return web(request);
    return { status: 200, headers: { "content-type": "application/json", "cache-control": "no-store" }, body };
  };
}
