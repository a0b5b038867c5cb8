/**
 * Reads an MLflow server over REST, 2.9 to 3.x: everything page by page, nothing held that was handed out. It writes
 * nothing at all. Where versions differ, one way is taken that all of them answer rightly.
 */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type * as z from "zod/mini";
import { systemClock, type Clock } from "../base/clock.js";
import { ApiError, ConnectionError, DownloadError, NotFoundError } from "../base/errors.js";
import { publicUrl, undiciTransport, type StreamingHttpTransport } from "../base/http.js";
import type { Random } from "../base/ids.js";
import { readNetwork } from "../base/network.js";
import { retrying } from "../base/retrying.js";
import {
  experimentsPage,
  downloadUriAnswer,
  filesPage,
  historiesAnswer,
  historyPage,
  loggedModelsPage,
  modelVersionAnswer,
  modelVersionsPage,
  registeredModelAnswer,
  registeredModelsPage,
  runAnswer,
  runsPage,
  serverInfo,
  type MlflowExperiment,
  type MlflowFile,
  type MlflowLoggedModel,
  type MlflowModelVersion,
  type MlflowPoint,
  type MlflowRegisteredModel,
  type MlflowRun,
} from "./mlflow-documents.js";
import { loggedModelFiles, runFiles, versionFiles, type FilesPlace, type Query } from "./files-place.js";
import { resolveMlflowConnection, type MlflowOptions } from "./mlflow-options.js";
import { HistoryBatches, MAX_BULK_POINTS, withQuotedWords, type BulkPoint } from "./history-batches.js";
import type { MlflowCall, MlflowDownload, MlflowFilesOwner, MlflowHistoryCall, MlflowSource } from "./mlflow-source.js";
import { MLFLOW_API, MlflowWire, type MlflowContent } from "./mlflow-wire.js";
import { RequestPace } from "./request-pace.js";
import { StreamDigest } from "./stream-digest.js";

const API = MLFLOW_API;
const SERVER_INFO = "/api/3.0/mlflow/server-info";
/** Under this root alone. */
const HISTORIES = "/ajax-api/2.0/mlflow/metrics/get-history-bulk";
/** The most that servers give, and what MLflow's own client asks for. Each page costs the server all that lie before it. */
const DEFAULT_HISTORY_PAGE = 25_000;
const DEFAULT_RETRY_BUDGET_MS = 300_000;

/** A reader of one MLflow server. */
export class MlflowClient implements MlflowSource {
  readonly #wire: MlflowWire;
  readonly #transport: StreamingHttpTransport;
  readonly #ownsTransport: boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pace: RequestPace;
  readonly #historyPageSize: number;
  readonly #retryBudgetMs: number;
  readonly #batches = new HistoryBatches((key, runIds, signal) => this.#histories(key, runIds, signal));
  #storeType: Promise<string | undefined> | undefined;

  /** Opens nothing. @throws ConfigError with everything that is wrong or missing. */
  constructor(options: MlflowOptions = {}, env: Readonly<Record<string, string | undefined>> = process.env) {
    const connection = resolveMlflowConnection(options, env);
    const { verifyCertificates, certificateFile } = connection;
    this.#transport = options.transport ?? undiciTransport({ verifyCertificates, network: readNetwork(env, certificateFile) });
    this.#ownsTransport = options.transport === undefined;
    this.#clock = options.clock ?? systemClock;
    this.#wire = new MlflowWire({ connection, transport: this.#transport, clock: this.#clock });
    this.#random = options.random ?? Math.random;
    this.#pace = new RequestPace(this.#clock, options.requestsPerSecond);
    this.#historyPageSize = options.historyPageSize ?? DEFAULT_HISTORY_PAGE;
    this.#retryBudgetMs = options.retryBudgetMs ?? DEFAULT_RETRY_BUDGET_MS;
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
    return (await this.#text("GET", "/version", {}, signal)).trim();
  }

  /** All experiments, deleted ones too, oldest first. Of those that these credentials may not read the server says nothing. */
  experiments({ signal }: MlflowCall): AsyncGenerator<MlflowExperiment, void, undefined> {
    const body = { view_type: "ALL", max_results: 1000, order_by: ["creation_time ASC", "experiment_id ASC"] };
    return this.#rows(
      (page_token) => this.#post(`${API}/experiments/search`, { ...body, page_token }, experimentsPage, signal),
      ({ experiments }) => experiments,
    );
  }

  /** All runs of an experiment, deleted ones too, oldest first, so that a run that begins meanwhile comes after what was read. */
  runs(experimentId: string, { signal }: MlflowCall): AsyncGenerator<MlflowRun, void, undefined> {
    const order_by = ["attributes.start_time ASC"];
    const body = { experiment_ids: [experimentId], run_view_type: "ALL", max_results: 200, order_by };
    return this.#rows(
      (page_token) => this.#post(`${API}/runs/search`, { ...body, page_token }, runsPage, signal),
      ({ runs }) => runs,
    );
  }

  /** One run, with inputs and outputs, which a search leaves out. @throws ApiError (404 when it is gone), ConnectionError. */
  async run(runId: string, { signal }: MlflowCall): Promise<MlflowRun> {
    return (await this.#get(`${API}/runs/get`, { run_id: runId }, runAnswer, signal)).run;
  }

  /**
   * The points of one metric, page after page. `max_results` is always sent: without it some servers answer no points
   * and a token for ever; older ones ignore it and answer everything at once.
   *
   * @throws ApiError when the server repeats a token or answers an empty page with one.
   */
  async *history(runId: string, key: string, call: MlflowHistoryCall): AsyncGenerator<readonly MlflowPoint[], void, undefined> {
    const { signal, mayBatch = false } = call;
    const together = mayBatch && (await this.#readsDatabase(signal)) ? await this.#batches.points(runId, key, signal) : undefined;
    if (together !== undefined) {
      yield together;
      return;
    }
    const query = { run_id: runId, metric_key: key, max_results: this.#historyPageSize };
    const url = `${API}/metrics/get-history`;
    let token: string | undefined;
    for (;;) {
      const page: z.output<typeof historyPage> = await this.#get(url, { ...query, page_token: token }, historyPage, signal);
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
   * All files of a run or a model, folder by folder; empty folders leave no trace.
   *
   * @throws NotFoundError for a version of a registered model whose files the server cannot list.
   */
  async *artifacts(owner: MlflowFilesOwner, call: MlflowCall): AsyncGenerator<MlflowFile, void, undefined> {
    const place = await this.#placeOf(owner, call);
    const folders: string[] = [""];
    for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
      const { path, query } = place.list(folder);
      // Some servers answer a large folder in pages.
      const files = this.#rows(
        (page_token) => this.#get(path, { ...query, page_token }, filesPage, call.signal),
        (page) => page.files,
      );
      for await (const file of files) {
        const own = place.ownPath(folder, file.path);
        if (file.is_dir) folders.push(own);
        else yield { ...file, path: own };
      }
    }
  }

  /**
   * Fetches a file by the route that works for every store, with the server's own credentials for it.
   *
   * @throws DownloadError when its size is not the listed one; NotFoundError as {@link MlflowClient.artifacts}; ApiError,
   * ConnectionError; the signal's reason.
   */
  async download(
    owner: MlflowFilesOwner,
    path: string,
    target: string,
    options: MlflowCall & { readonly sizeBytes: number | undefined },
  ): Promise<MlflowDownload> {
    const { signal, sizeBytes } = options;
    const place = await this.#placeOf(owner, options);
    const route = place.file(path);
    const url = this.#wire.url(route.path, route.query);
    return this.#repeating(signal, async () => {
      const answer = await this.#transport.stream({ method: "GET", url, headers: this.#wire.headers, signal });
      if (answer.status !== 200) {
        answer.body.destroy();
        throw this.#wire.refusal("GET", route.path, answer.status, `file ${path} of ${place.name}`, answer.headers);
      }
      const digest = new StreamDigest();
      await pipeline(answer.body, digest, createWriteStream(target, { flush: true }));
      digest.expect(sizeBytes, { path, of: place.name, uri: publicUrl(url) });
      return digest.result();
    });
  }

  /** All registered models. */
  registeredModels({ signal }: MlflowCall): AsyncGenerator<MlflowRegisteredModel, void, undefined> {
    return this.#rows(
      (page_token) => this.#get(`${API}/registered-models/search`, { max_results: 100, page_token }, registeredModelsPage, signal),
      (page) => page.registered_models,
    );
  }

  /** One registered model, with its aliases, of which a search says nothing. */
  async registeredModel(name: string, { signal }: MlflowCall): Promise<MlflowRegisteredModel> {
    return (await this.#get(`${API}/registered-models/get`, { name }, registeredModelAnswer, signal)).registered_model;
  }

  /** All versions of a registered model, without aliases. */
  modelVersions(name: string, { signal }: MlflowCall): AsyncGenerator<MlflowModelVersion, void, undefined> {
    const filter = `name = '${name.replaceAll("'", "''")}'`;
    return this.#rows(
      (page_token) => this.#get(`${API}/model-versions/search`, { filter, max_results: 1000, page_token }, modelVersionsPage, signal),
      // A quote in a name is beyond the filter's grammar; what is not ours is left out here.
      (page) => page.model_versions.filter((version) => version.name === name),
    );
  }

  /** The logged models of an experiment; none from a server that knows none. */
  async *loggedModels(experimentId: string, { signal }: MlflowCall): AsyncGenerator<MlflowLoggedModel, void, undefined> {
    const order_by = [{ field_name: "creation_timestamp", ascending: true }];
    const body = { experiment_ids: [experimentId], max_results: 50, order_by };
    try {
      yield* this.#rows(
        (page_token) => this.#post(`${API}/logged-models/search`, { ...body, page_token }, loggedModelsPage, signal),
        ({ models }) => models,
      );
    } catch (error) {
      // An unknown route: MLflow 2.
      if (!ApiError.isInstance(error) || error.status !== 404) throw error;
    }
  }

  /** Frees the sockets. */
  async close(): Promise<void> {
    if (this.#ownsTransport) await this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #placeOf(owner: MlflowFilesOwner, { signal }: MlflowCall): Promise<FilesPlace> {
    if (typeof owner === "string") return runFiles(owner);
    if ("modelId" in owner) return loggedModelFiles(owner.modelId);
    const { name, version } = owner;
    const { artifact_uri: uri = "" } = await this.#get(
      `${API}/model-versions/get-download-uri`,
      { name, version },
      downloadUriAnswer,
      signal,
    );
    const place = versionFiles(uri);
    if (place) return place;
    const { model_version: found } = await this.#get(`${API}/model-versions/get`, { name, version }, modelVersionAnswer, signal);
    const root =
      found.run_id === undefined || found.run_id === "" ? undefined : (await this.run(found.run_id, { signal })).info.artifact_uri;
    if (root !== undefined && uri.startsWith(`${root}/`))
      return runFiles(found.run_id ?? "", uri.slice(root.length + 1).replace(/\/+$/, ""));
    throw new NotFoundError(
      `The files of version ${version} of the registered model ${JSON.stringify(name)} are at ${publicUrl(uri)}, which MLflow does not list.`,
    );
  }

  /** Once, unrepeated: who is not answered reads history by history, with patience. */
  async #histories(key: string, runIds: readonly string[], signal: AbortSignal): Promise<readonly BulkPoint[]> {
    await this.#pace.turn(signal);
    const query = { run_id: runIds, metric_key: key, max_results: MAX_BULK_POINTS };
    const text = await this.#wire.text("GET", HISTORIES, { query }, signal);
    return this.#wire.read("GET", HISTORIES, withQuotedWords(text), historiesAnswer).metrics;
  }

  /**
   * True for a server that says so of itself (3.10 and later). The call for many histories answers five fields of a point: a
   * database has no others, a tracking folder knows data sets too.
   */
  async #readsDatabase(signal: AbortSignal): Promise<boolean> {
    this.#storeType ??= this.#get(SERVER_INFO, {}, serverInfo, signal).then(
      ({ store_type }) => store_type ?? undefined,
      () => undefined,
    );
    return (await this.#storeType) === "SqlStore";
  }

  /** Rows of all pages. A page that is exactly full has a token even when nothing follows. */
  async *#rows<Page extends { readonly next_page_token?: string | undefined }, Row>(
    fetch: (token: string | undefined) => Promise<Page>,
    rowsOf: (page: Page) => readonly Row[],
  ): AsyncGenerator<Row, void, undefined> {
    const seen = new Set<string>();
    let token: string | undefined;
    do {
      const page = await fetch(token);
      yield* rowsOf(page);
      token = page.next_page_token === "" ? undefined : page.next_page_token;
      if (token !== undefined && seen.has(token))
        throw this.#wire.refusal("GET", API, 200, "a list does not end: it answers the same place again");
      if (token !== undefined) seen.add(token);
    } while (token !== undefined);
  }

  async #get<T extends z.ZodMiniType>(path: string, query: Query, schema: T, signal: AbortSignal): Promise<z.output<T>> {
    return this.#wire.read("GET", path, await this.#text("GET", path, { query }, signal), schema);
  }

  async #post<T extends z.ZodMiniType>(path: string, body: object, schema: T, signal: AbortSignal): Promise<z.output<T>> {
    return this.#wire.read("POST", path, await this.#text("POST", path, { body: JSON.stringify(body) }, signal), schema);
  }

  #text(method: "GET" | "POST", path: string, content: MlflowContent, signal: AbortSignal): Promise<string> {
    return this.#repeating(signal, () => this.#wire.text(method, path, content, signal));
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
      },
    );
  }
}
