/** The AWS client, loaded when it is first needed and set up for uploads that never hang and never ask for more rights than to write. */
import type { S3Client } from "@aws-sdk/client-s3";
import type { Agent, AgentOptions } from "node:http";
import { inBackground } from "../base/background.js";
import { ConfigError } from "../base/errors.js";
import { trustedContext } from "../base/trusted-context.js";
import { proxiedRequestHandler } from "./s3-proxied.js";
import type { S3Settings } from "./s3-settings.js";

/** The two packages, which are the user's to install. */
export interface AwsModules {
  readonly s3: typeof import("@aws-sdk/client-s3");
  readonly storage: typeof import("@aws-sdk/lib-storage");
}

/** Loads them. A collaborator, so that a test can be a machine without them. */
export type AwsLoader = () => Promise<AwsModules>;

export const importAws: AwsLoader = async () => {
  const [s3, storage] = await Promise.all([import("@aws-sdk/client-s3"), import("@aws-sdk/lib-storage")]);
  return { s3, storage };
};

/** @throws ConfigError that says what to install, when a package is missing; its issue is of what named the place. */
export async function loadAws(loader: AwsLoader, { namedBy = "CHECKPOINT_URI" }: Pick<S3Settings, "namedBy">): Promise<AwsModules> {
  try {
    return await loader();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    const message = "s3:// needs two packages that are not installed here: npm install @aws-sdk/client-s3 @aws-sdk/lib-storage";
    throw new ConfigError(message, [{ path: namedBy, message }], error);
  }
}

export interface S3Timeouts {
  /** Default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** A connection on which nothing moves for so long is given up. Default 60 s. */
  readonly idleTimeoutMs?: number | undefined;
}

/**
 * From a request's start to its answer's, however lively the connection: the bound for a server that drips. Not the
 * handler's own `requestTimeout`, whose timer would hold the process for as long.
 */
const REQUEST_TIMEOUT_MS = 15 * 60_000;
/** Tries of one request. Few: the outbox schedules over hours and restarts, and the two must not multiply. */
const MAX_ATTEMPTS = 3;
/** Above the parts in flight, so that an abort never waits for a socket. */
const MAX_SOCKETS = 16;

/** A client of its own for one store. */
export function createS3Client({ s3 }: AwsModules, settings: S3Settings, timeouts: S3Timeouts & { readonly httpAgent?: Agent }): S3Client {
  const { endpoint, region, credentials, isAws } = settings;
  const checksums = isAws ? "WHEN_SUPPORTED" : "WHEN_REQUIRED";
  const connectTimeoutMs = timeouts.connectTimeoutMs ?? 10_000;
  const idleTimeoutMs = timeouts.idleTimeoutMs ?? 60_000;
  const { network, verifyCertificates = true } = settings;
  const isProxied = network?.proxyFor(endpoint ?? `https://s3.${region ?? "us-east-1"}.amazonaws.com`) !== undefined;
  const secureContext = trustedContext(network?.certificates ?? []);
  const client = new s3.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: !isAws,
    // The endpoint was settled from what we were given; a profile's endpoint_url must not overrule it unseen.
    ignoreConfiguredEndpointUrls: true,
    maxAttempts: MAX_ATTEMPTS,
    // Since version 3.729 the client adds CRC32 to everything, which R2, OSS and others answer with 501.
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    // With it, each part takes a connection of its own, and a server that does not know it costs seconds a part.
    expectContinueHeader: false,
    requestHandler:
      network && isProxied
        ? proxiedRequestHandler({ network, verifyCertificates, connectTimeoutMs, idleTimeoutMs })
        : {
            connectionTimeout: connectTimeoutMs,
            socketTimeout: idleTimeoutMs,
            // Another timer with a hold; it would warn of a queue for sockets that cannot form here.
            socketAcquisitionWarningTimeout: 2_000,
            ...backgroundAgents(
              { keepAlive: true, maxSockets: MAX_SOCKETS },
              { rejectUnauthorized: verifyCertificates, ...(secureContext ? { secureContext } : {}) },
            ),
            ...(timeouts.httpAgent ? { httpAgent: timeouts.httpAgent } : {}),
          },
  });
  limitRequests(client);
  return client;
}

/** Ends each try of a request that takes longer than {@link REQUEST_TIMEOUT_MS}. */
function limitRequests({ config: { requestHandler } }: S3Client): void {
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = async (request, options) => {
    const limit = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const given = (options as { abortSignal?: AbortSignal } | undefined)?.abortSignal;
    try {
      return await handle(request, { ...options, abortSignal: given ? AbortSignal.any([given, limit]) : limit });
    } catch (error) {
      if (!limit.aborted || given?.aborted === true) throw error;
      throw Object.assign(new Error(`no answer within ${String(REQUEST_TIMEOUT_MS)} ms`, { cause: error }), { name: "TimeoutError" });
    }
  };
}

/** Agents whose sockets do not keep the process alive: a trainer that forgets to close must end, whatever a store does. */
function backgroundAgents(
  options: AgentOptions,
  tls: import("node:https").AgentOptions,
): { readonly httpAgent: Agent; readonly httpsAgent: import("node:https").Agent } {
  // Loaded here and not at the top: importing the package must stay cheap.
  const http = process.getBuiltinModule("node:http");
  const https = process.getBuiltinModule("node:https");
  class BackgroundAgent extends http.Agent {
    override createConnection(...given: Parameters<Agent["createConnection"]>): ReturnType<Agent["createConnection"]> {
      return referenceless(super.createConnection(...given));
    }
  }
  class BackgroundSecureAgent extends https.Agent {
    override createConnection(...given: Parameters<Agent["createConnection"]>): ReturnType<Agent["createConnection"]> {
      return referenceless(super.createConnection(...given));
    }
  }
  return { httpAgent: new BackgroundAgent(options), httpsAgent: new BackgroundSecureAgent({ ...options, ...tls }) };
}

function referenceless<Connection>(socket: Connection): Connection {
  if (socket instanceof process.getBuiltinModule("node:net").Socket) inBackground(socket);
  return socket;
}
