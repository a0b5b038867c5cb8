/**
 * Reads an MLflow server over REST, 2.9 to 3.x: everything page by page, nothing held that was handed out. It writes
 * nothing at all. Where versions differ, one way is taken that all of them answer rightly.
 */
import type * as z from "zod/mini";
import { systemClock, type Clock } from "../base/clock.js";
import { ApiError, ConnectionError, DownloadError } from "../base/errors.js";
import { undiciTransport, type StreamingHttpTransport } from "../base/http.js";
import type { Random } from "../base/ids.js";
import { silentLogger, unfailing, type Logger } from "../base/logger.js";
import { readNetwork } from "../base/network.js";
import { retrying } from "../base/retrying.js";
import {
  experimentsPage,
  historyPage,
  loggedModelsPage,
  modelVersionsPage,
  registeredModelAnswer,
  registeredModelsPage,
  runAnswer,
  runsPage,
  type MlflowExperiment,
  type MlflowFile,
  type MlflowLoggedModel,
  type MlflowModelVersion,
  type MlflowPoint,
  type MlflowRegisteredModel,
  type MlflowRun,
} from "./mlflow-documents.js";
import type { Query } from "./files-place.js";
import { resolveMlflowConnection, type MlflowOptions } from "./mlflow-options.js";
import type {
  MlflowCall,
  MlflowDownload,
  MlflowDownloadCall,
  MlflowFilesOwner,
  MlflowHistoryCall,
  MlflowModelCall,
  MlflowScope,
  MlflowSource,
} from "./mlflow-source.js";
import { MLFLOW_API, MlflowWire, type MlflowContent } from "./mlflow-wire.js";
import { RequestPace } from "./request-pace.js";
import type { ServerFiles } from "./server-files.js";
import type { ServerHistories } from "./server-histories.js";
import { rowsOfPages } from "./server-pages.js";
import { isNotThere, ServerWorkspaces, workspaceHeader, type RequestPlace } from "./server-workspaces.js";
import type { StoreFilesOptions } from "./store-files.js";
import { inWorkspace } from "./workspaces.js";

const API = MLFLOW_API;
/** The most that servers give, and what MLflow's own client asks for. Each page costs the server all that lie before it. */
const DEFAULT_HISTORY_PAGE = 25_000;
const DEFAULT_RETRY_BUDGET_MS = 300_000;

/** A reader of one MLflow server: of all of its workspaces that the credentials may read. */
export class MlflowClient implements MlflowSource {
  readonly #wire: MlflowWire;
  readonly #workspaces: ServerWorkspaces;
  readonly #store: StoreFilesOptions;
  readonly #transport: StreamingHttpTransport;
  readonly #ownsTransport: boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pace: RequestPace;
  readonly #historyPageSize: number;
  readonly #retryBudgetMs: number;
  readonly #logger: Logger;
  #files: Promise<ServerFiles> | undefined;
  #histories: Promise<ServerHistories> | undefined;

  /** Opens nothing. @throws ConfigError with everything that is wrong or missing. */
  constructor(options: MlflowOptions = {}, env: Readonly<Record<string, string | undefined>> = process.env) {
    const connection = resolveMlflowConnection(options, env);
    const { verifyCertificates, certificateFile } = connection;
    this.#transport = options.transport ?? undiciTransport({ verifyCertificates, network: readNetwork(env, certificateFile) });
    this.#ownsTransport = options.transport === undefined;
    this.#clock = options.clock ?? systemClock;
    // Of all workspaces: each request says its own.
    this.#wire = new MlflowWire({ connection: { ...connection, workspace: undefined }, transport: this.#transport, clock: this.#clock });
    this.#workspaces = new ServerWorkspaces((path, query, at) => this.#text("GET", path, { query }, at), connection.username);
    this.#store = { artifactsRoot: options.artifactsRoot, env };
    this.#random = options.random ?? Math.random;
    this.#pace = new RequestPace(this.#clock, options.requestsPerSecond);
    this.#historyPageSize = options.historyPageSize ?? DEFAULT_HISTORY_PAGE;
    this.#retryBudgetMs = options.retryBudgetMs ?? DEFAULT_RETRY_BUDGET_MS;
    this.#logger = unfailing(options.logger ?? silentLogger);
  }

  /** Address of the server, without a slash at its end. */
  get baseUrl(): string {
    return this.#wire.baseUrl;
  }

  /** The same as {@link MlflowClient.baseUrl}. */
  get address(): string {
    return this.baseUrl;
  }

  /** Host and path of the address. */
  get defaultSourceId(): string {
    return this.baseUrl.replace(/^https?:\/\//, "");
  }

  /** Version that the server says it is. @throws ApiError, ConnectionError; the signal's reason. */
  async version({ signal }: MlflowCall): Promise<string> {
    return (await this.#text("GET", "/version", {}, { signal, workspace: undefined })).trim();
  }

  /**
   * Which workspaces these credentials may read, and whether MLflow's own authentication may hide something from them.
   *
   * @throws ApiError, ConnectionError; the signal's reason.
   */
  scope({ signal }: MlflowCall): Promise<MlflowScope> {
    return this.#workspaces.scope(signal);
  }

  /**
   * All experiments of all workspaces, deleted ones too, those of a workspace oldest first. Of those that these credentials may not
   * read the server says nothing.
   */
  async *experiments({ signal }: MlflowCall): AsyncGenerator<MlflowExperiment, void, undefined> {
    const body = { view_type: "ALL", max_results: 1000, order_by: ["creation_time ASC", "experiment_id ASC"] };
    for (const workspace of await this.#workspaces.names(signal)) {
      const rows = rowsOfPages(
        this.#wire,
        (page_token) => this.#post(`${API}/experiments/search`, { ...body, page_token }, experimentsPage, { signal, workspace }),
        ({ experiments }) => experiments,
      );
      for await (const experiment of rows) {
        this.#workspaces.put(experiment.experiment_id, workspace);
        yield inWorkspace(experiment, workspace);
      }
    }
  }

  /** All runs of an experiment, deleted ones too, oldest first, so that a run that begins meanwhile comes after what was read. */
  async *runs(experimentId: string, { signal }: MlflowCall): AsyncGenerator<MlflowRun, void, undefined> {
    const at = { signal, workspace: await this.#workspaces.ofExperiment(experimentId, signal) };
    const order_by = ["attributes.start_time ASC"];
    const body = { experiment_ids: [experimentId], run_view_type: "ALL", max_results: 200, order_by };
    const rows = rowsOfPages(
      this.#wire,
      (page_token) => this.#post(`${API}/runs/search`, { ...body, page_token }, runsPage, at),
      ({ runs }) => runs,
    );
    for await (const run of rows) {
      this.#workspaces.put(run.info.run_id, at.workspace);
      yield run;
    }
  }

  /** One run, with inputs and outputs, which a search leaves out. @throws ApiError (404 when it is gone), ConnectionError. */
  async run(runId: string, { signal }: MlflowCall): Promise<MlflowRun> {
    const workspace = await this.#workspaces.ofRun(runId, signal);
    return (await this.#get(`${API}/runs/get`, { run_id: runId }, runAnswer, { signal, workspace })).run;
  }

  /**
   * The points of one metric, page after page. `max_results` is always sent: without it some servers answer no points
   * and a token for ever; older ones ignore it and answer everything at once.
   *
   * @throws ApiError when the server repeats a token or answers an empty page with one.
   */
  async *history(runId: string, key: string, call: MlflowHistoryCall): AsyncGenerator<readonly MlflowPoint[], void, undefined> {
    const { signal, mayBatch = false } = call;
    const at = { signal, workspace: await this.#workspaces.ofRun(runId, signal) };
    const together = mayBatch ? await (await (this.#histories ??= this.#loadHistories())).points(runId, key, at) : undefined;
    if (together !== undefined) {
      yield together;
      return;
    }
    const query = { run_id: runId, metric_key: key, max_results: this.#historyPageSize };
    const url = `${API}/metrics/get-history`;
    let token: string | undefined;
    for (;;) {
      const page: z.output<typeof historyPage> = await this.#get(url, { ...query, page_token: token }, historyPage, at);
      if (page.metrics.length > 0) yield page.metrics;
      const next = page.next_page_token;
      if (next === undefined || next === "") return;
      if (next === token || page.metrics.length === 0)
        throw this.#wire.refusal(
          "GET",
          url,
          200,
          `the history of ${JSON.stringify(key)} of run ${runId} does not end: it answers the same place again`,
        );
      token = next;
    }
  }

  /**
   * All files of a run or a model, folder by folder; empty folders leave no trace. A folder whose name the server would misread is
   * read from the store.
   *
   * @throws NotFoundError for a version of a registered model whose files the server cannot list.
   */
  async *artifacts(owner: MlflowFilesOwner, call: MlflowCall): AsyncGenerator<MlflowFile, void, undefined> {
    yield* (await (this.#files ??= this.#loadFiles())).list(owner, call);
  }

  /**
   * Fetches a file by the route that works for every store, with the server's own credentials for it; one whose name the server would
   * misread from the store.
   *
   * @throws DownloadError when its size is not the listed one; NotFoundError as {@link MlflowClient.artifacts}; ApiError,
   * ConnectionError; the signal's reason.
   */
  async download(owner: MlflowFilesOwner, path: string, target: string, options: MlflowDownloadCall): Promise<MlflowDownload> {
    return (await (this.#files ??= this.#loadFiles())).download(owner, path, target, options);
  }

  /** All registered models of all workspaces. */
  async *registeredModels({ signal }: MlflowCall): AsyncGenerator<MlflowRegisteredModel, void, undefined> {
    const url = `${API}/registered-models/search`;
    for (const workspace of await this.#workspaces.names(signal)) {
      const rows = rowsOfPages(
        this.#wire,
        (page_token) => this.#get(url, { max_results: 100, page_token }, registeredModelsPage, { signal, workspace }),
        (page) => page.registered_models,
      );
      for await (const model of rows) yield inWorkspace(model, workspace);
    }
  }

  /** One registered model, with its aliases, of which a search says nothing. */
  async registeredModel(name: string, { signal, workspace }: MlflowModelCall): Promise<MlflowRegisteredModel> {
    const at = { signal, workspace: await this.#workspaces.ofModel(workspace, signal) };
    const answer = await this.#get(`${API}/registered-models/get`, { name }, registeredModelAnswer, at);
    return inWorkspace(answer.registered_model, workspace);
  }

  /** All versions of a registered model, without aliases. */
  async *modelVersions(name: string, { signal, workspace }: MlflowModelCall): AsyncGenerator<MlflowModelVersion, void, undefined> {
    const at = { signal, workspace: await this.#workspaces.ofModel(workspace, signal) };
    const filter = `name = '${name.replaceAll("'", "''")}'`;
    yield* rowsOfPages(
      this.#wire,
      (page_token) => this.#get(`${API}/model-versions/search`, { filter, max_results: 1000, page_token }, modelVersionsPage, at),
      // A quote in a name is beyond the filter's grammar; what is not ours is left out here.
      (page) => page.model_versions.filter((version) => version.name === name),
    );
  }

  /** The logged models of an experiment; none from a server that knows none. */
  async *loggedModels(experimentId: string, { signal }: MlflowCall): AsyncGenerator<MlflowLoggedModel, void, undefined> {
    const at = { signal, workspace: await this.#workspaces.ofExperiment(experimentId, signal) };
    const order_by = [{ field_name: "creation_timestamp", ascending: true }];
    const body = { experiment_ids: [experimentId], max_results: 50, order_by };
    try {
      const rows = rowsOfPages(
        this.#wire,
        (page_token) => this.#post(`${API}/logged-models/search`, { ...body, page_token }, loggedModelsPage, at),
        ({ models }) => models,
      );
      for await (const model of rows) {
        this.#workspaces.put(model.info.model_id, at.workspace);
        yield model;
      }
    } catch (error) {
      // An unknown route: MLflow 2.
      if (!isNotThere(error)) throw error;
    }
  }

  /** Frees the sockets. */
  async close(): Promise<void> {
    if (this.#ownsTransport) await this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #loadFiles(): Promise<ServerFiles> {
    const { ServerFiles: Files } = await import("./server-files.js");
    return new Files({
      wire: this.#wire,
      transport: this.#transport,
      workspaces: this.#workspaces,
      store: this.#store,
      read: (path, query, schema, at) => this.#get(path, query, schema, at),
      repeating: (signal, attempt) => this.#repeating(signal, attempt),
    });
  }

  /** With the first history that may come with others: who lists runs alone does without. */
  async #loadHistories(): Promise<ServerHistories> {
    const { ServerHistories: Histories } = await import("./server-histories.js");
    return new Histories({ wire: this.#wire, pace: this.#pace, workspaces: this.#workspaces });
  }

  async #get<T extends z.ZodMiniType>(path: string, query: Query, schema: T, at: RequestPlace): Promise<z.output<T>> {
    return this.#wire.read("GET", path, await this.#text("GET", path, { query }, at), schema);
  }

  async #post<T extends z.ZodMiniType>(path: string, body: object, schema: T, at: RequestPlace): Promise<z.output<T>> {
    return this.#wire.read("POST", path, await this.#text("POST", path, { body: JSON.stringify(body) }, at), schema);
  }

  #text(method: "GET" | "POST", path: string, content: MlflowContent, { signal, workspace }: RequestPlace): Promise<string> {
    return this.#repeating(signal, () => this.#wire.text(method, path, { ...content, headers: workspaceHeader(workspace) }, signal));
  }

  /** Every request here reads, so any may be sent again. */
  #repeating<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    return retrying(
      async () => {
        await this.#pace.turn(signal);
        return attempt();
      },
      {
        budgetMs: this.#retryBudgetMs,
        clock: this.#clock,
        random: this.#random,
        signal,
        mayRepeat: (error) =>
          ConnectionError.isInstance(error) || ((ApiError.isInstance(error) || DownloadError.isInstance(error)) && error.retryable),
        onWait: (error, delayMs) => {
          this.#logger.debug("an MLflow call failed and is tried again", { delayMs: Math.round(delayMs), reason: error.message });
        },
      },
    );
  }
}
