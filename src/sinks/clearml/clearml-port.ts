/**
 * What the sink asks of ClearML: endpoints by name, one attempt a call. A port of its own, so that the sink knows no
 * credentials and no retries: the outbox decides when to try again.
 */
import type { ClearML } from "../../clearml/create-clearml.js";
import type { RequestOf, ResponseOf, SingleEndpointName } from "../../protocol/clearml/endpoints.js";

/** How a call is made. */
interface PortCallOptions {
  readonly signal: AbortSignal;
  /** Default: the session's own. */
  readonly timeoutMs?: number;
}

/** Calls ClearML. Implemented over a client by {@link clientPort}, and by tests. */
export interface ClearMLPort {
  /** Base of the web application, for links; undefined where it is not known. */
  readonly webHost: string | undefined;
  /**
   * One attempt.
   *
   * @throws ApiError, ConnectionError, ValidationError; the signal's own reason when it aborted.
   */
  call<Name extends SingleEndpointName>(endpoint: Name, request: RequestOf<Name>, options: PortCallOptions): Promise<ResponseOf<Name>>;
  /** One attempt of `events.add_batch` with these events, each as JSON; the caller bounds their number and size. */
  addEvents(lines: readonly string[], options: PortCallOptions): Promise<ResponseOf<"events.add_batch">>;
  /**
   * Id of the project of this path, made where it is missing.
   *
   * @throws ValidationError for a path that ClearML would refuse; else as `call`.
   */
  findOrCreateProject(path: string, options: PortCallOptions): Promise<string>;
}

/** The port with its signal and the task in question: what most parts of the sink work with. */
export interface TaskCalls {
  readonly port: ClearMLPort;
  readonly taskId: string;
  /** The task's project, where it is known: models are filed under it. */
  readonly projectId: string | undefined;
  readonly signal: AbortSignal;
}

/** The port over a client, with the client's own retries off. */
export function clientPort({ session, projects }: Pick<ClearML, "session" | "projects">): ClearMLPort {
  return {
    webHost: session.webHost,
    call: (endpoint, request, options) => session.call(endpoint, request, { ...options, retry: false }),
    // As text: the events are of our own making and fit the schema, which a test holds; checking each again would cost
    // more than making it.
    addEvents: (lines, options) => session.callBatch("events.add_batch", lines, { ...options, retry: false }),
    findOrCreateProject: async (path, options) => (await projects.findOrCreate(path, { ...options, retry: false })).id,
  };
}
