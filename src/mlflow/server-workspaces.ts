/**
 * In which workspace of a server something lies, for a request must name the right one: others answer that it is not there. Lists say
 * it by the way; of an id that no list has named each workspace is asked once. Of a server without workspaces it asks nothing more.
 */
import { ApiError, NotFoundError } from "../base/errors.js";
import type { Query } from "./files-place.js";
import type { MlflowCall, MlflowScope } from "./mlflow-source.js";
import { MLFLOW_API as API } from "./mlflow-wire.js";
import type { AskServer, ListedWorkspaces } from "./server-scope.js";
import { DEFAULT_WORKSPACE, WORKSPACE_HEADER } from "./workspaces.js";

/** Where a request goes. */
export interface RequestPlace extends MlflowCall {
  /** Undefined where there are no workspaces, or for what belongs to none. */
  readonly workspace: string | undefined;
}

/** The text of a 200. @throws ApiError for a refusal. */
type ReadText = (path: string, query: Query, at: RequestPlace) => Promise<string>;

export class ServerWorkspaces {
  readonly #read: ReadText;
  readonly #username: string | undefined;
  /** Ids of different kinds are never alike: those of experiments are numbers, those of runs have 32 digits, those of models a prefix. */
  readonly #byId = new Map<string, string>();
  #listed: ListedWorkspaces | undefined;

  /** @param username - Who asks, where that is known. */
  constructor(read: ReadText, username: string | undefined) {
    this.#read = read;
    this.#username = username;
  }

  /** All that can be read. `[undefined]`: there are no workspaces, and none may be named. Asked once. */
  async names(signal: AbortSignal): Promise<readonly (string | undefined)[]> {
    return (await this.#list(signal)).names ?? [undefined];
  }

  /** In what the server stores, where it says so. Asked once, with the names. */
  async storeType(signal: AbortSignal): Promise<string | undefined> {
    return (await this.#list(signal)).storeType;
  }

  /** How far these credentials see. */
  async scope(signal: AbortSignal): Promise<MlflowScope> {
    const names = await this.names(signal);
    const { limitOfUser } = await import("./server-scope.js");
    const limits = [this.#listed?.limit, await limitOfUser(this.#ask(signal), this.#username)];
    return { workspaces: names.map((name) => name ?? DEFAULT_WORKSPACE), limits: limits.filter((limit) => limit !== undefined) };
  }

  /** Remembers what a list said. */
  put(id: string, workspace: string | undefined): void {
    if (workspace !== undefined) this.#byId.set(id, workspace);
  }

  ofExperiment(experimentId: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#of(experimentId, `${API}/experiments/get`, { experiment_id: experimentId }, signal);
  }

  ofRun(runId: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#of(runId, `${API}/runs/get`, { run_id: runId }, signal);
  }

  ofLoggedModel(modelId: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#of(modelId, `${API}/logged-models/${encodeURIComponent(modelId)}`, {}, signal);
  }

  /** That of a registered model, whose name does not say it. */
  async ofModel(given: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const [first] = await this.names(signal);
    return first === undefined ? undefined : (given ?? DEFAULT_WORKSPACE);
  }

  async #of(id: string, path: string, query: Query, signal: AbortSignal): Promise<string | undefined> {
    const names = await this.names(signal);
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    for (const workspace of names) {
      if (workspace === undefined) return undefined;
      try {
        await this.#read(path, query, { signal, workspace });
        this.put(id, workspace);
        return workspace;
      } catch (error) {
        if (!isNotThere(error)) throw error;
      }
    }
    throw new NotFoundError(`No workspace of MLflow that these credentials may read has ${id}.`);
  }

  async #list(signal: AbortSignal): Promise<ListedWorkspaces> {
    signal.throwIfAborted();
    if (this.#listed === undefined) {
      // Once a server; who only reads ledgers does without.
      const { listWorkspaces } = await import("./server-scope.js");
      this.#listed = await listWorkspaces(this.#ask(signal));
    }
    return this.#listed;
  }

  #ask(signal: AbortSignal): AskServer {
    return async (path, query) => {
      try {
        return { text: await this.#read(path, query, { signal, workspace: undefined }) };
      } catch (error) {
        if (!ApiError.isInstance(error) || error.status === 401 || error.retryable) throw error;
        return { status: error.status };
      }
    };
  }
}

/** The header for it. */
export function workspaceHeader(workspace: string | undefined): Readonly<Record<string, string>> {
  return workspace === undefined ? {} : { [WORKSPACE_HEADER]: workspace };
}

/** True for the answer that there is no such thing, or no such route. */
export function isNotThere(error: unknown): boolean {
  return ApiError.isInstance(error) && error.status === 404;
}
