/** A ClearML that answers by a script: one function an endpoint, every call kept. An endpoint without one is a failure of the test. */
import { ApiError, ConnectionError } from "../../../../src/base/errors.js";
import type { Logger } from "../../../../src/base/logger.js";
import type { ClearMLPort } from "../../../../src/sinks/clearml/clearml-port.js";

/** An answer or a request whose shape a test knows. */
export type Loose = any;

/** A call as it came. */
interface SeenCall {
  readonly endpoint: string;
  readonly request: Loose;
}

export type Script = Record<string, (request: Loose, signal: AbortSignal) => unknown>;

export interface ScriptedPort extends ClearMLPort {
  readonly calls: SeenCall[];
  readonly script: Script;
  /** Requests of one endpoint; the lines of `events.add_batch` are parsed. */
  requests(endpoint: string): Loose[];
}

export function scriptedPort(script: Script = {}): ScriptedPort {
  const calls: SeenCall[] = [];
  const answer = async (endpoint: string, request: unknown, signal: AbortSignal): Promise<Loose> => {
    signal.throwIfAborted();
    calls.push({ endpoint, request });
    const step = script[endpoint];
    if (!step) throw new Error(`the test did not expect ${endpoint} ${JSON.stringify(request)}`);
    return step(request, signal);
  };
  return {
    webHost: "https://web.example",
    calls,
    script,
    requests: (endpoint) => calls.filter((call) => call.endpoint === endpoint).map(({ request }) => request),
    call: (endpoint, request, { signal }) => answer(endpoint, request, signal),
    findOrCreateProject: (path, { signal }) => answer("project", path, signal),
    addEvents: (lines, { signal }) =>
      answer(
        "events.add_batch",
        lines.map((line) => JSON.parse(line)),
        signal,
      ),
  };
}

/** A refusal as a session throws it. */
export function refusal(status: number, subcode?: number, retryAfterMs?: number): ApiError {
  return new ApiError(`answered ${String(status)}/${String(subcode)}`, {
    service: "clearml",
    method: "POST",
    url: "https://api.example/",
    status,
    retryable: false,
    ...(subcode === undefined ? {} : { subcode }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** No answer. */
export function noAnswer(): ConnectionError {
  return new ConnectionError("no answer", { code: "CONNECTION_FAILED", ambiguous: true });
}

/** Throws what it is given: for scripts. */
export function raise(error: unknown): never {
  throw error;
}

/** A logger whose words a test can read. */
export function memoryLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
