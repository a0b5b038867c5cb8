/** Histories of several runs by one call, where a server has such a call and what it answers can be trusted; else nothing. */
import { HistoryBatches, MAX_BULK_POINTS, withQuotedWords, type BulkPoint } from "./history-batches.js";
import { historiesAnswer, type MlflowPoint } from "./mlflow-documents.js";
import type { MlflowWire } from "./mlflow-wire.js";
import { workspaceHeader, type RequestPlace, type ServerWorkspaces } from "./server-workspaces.js";
import type { RequestPace } from "./request-pace.js";

/** Under this root alone. */
const HISTORIES = "/ajax-api/2.0/mlflow/metrics/get-history-bulk";

export interface ServerHistoriesParts {
  readonly wire: MlflowWire;
  readonly pace: RequestPace;
  /** Knows in what the server stores. */
  readonly workspaces: ServerWorkspaces;
}

export class ServerHistories {
  readonly #parts: ServerHistoriesParts;
  /** By workspace: one call is about one. */
  readonly #batches = new Map<string | undefined, HistoryBatches>();

  constructor(parts: ServerHistoriesParts) {
    this.#parts = parts;
  }

  /** All points of one metric of one run. Undefined: ask for them alone. */
  async points(runId: string, key: string, { signal, workspace }: RequestPlace): Promise<readonly MlflowPoint[] | undefined> {
    return (await this.#readsDatabase(signal)) ? this.#batchesOf(workspace).points(runId, key, signal) : undefined;
  }

  #batchesOf(workspace: string | undefined): HistoryBatches {
    const known = this.#batches.get(workspace);
    if (known) return known;
    const made = new HistoryBatches((key, runIds, signal) => this.#histories(key, runIds, { signal, workspace }));
    this.#batches.set(workspace, made);
    return made;
  }

  /** Once, unrepeated: who is not answered reads history by history, with patience. */
  async #histories(key: string, runIds: readonly string[], { signal, workspace }: RequestPlace): Promise<readonly BulkPoint[]> {
    const { wire, pace } = this.#parts;
    await pace.turn(signal);
    const query = { run_id: runIds, metric_key: key, max_results: MAX_BULK_POINTS };
    const text = await wire.text("GET", HISTORIES, { query, headers: workspaceHeader(workspace) }, signal);
    return wire.read("GET", HISTORIES, withQuotedWords(text), historiesAnswer).metrics;
  }

  /**
   * True for a server that says so of itself (3.10 and later). The call for many histories answers five fields of a point: a
   * database has no others, a tracking folder knows data sets too.
   */
  async #readsDatabase(signal: AbortSignal): Promise<boolean> {
    return (await this.#parts.workspaces.storeType(signal)) === "SqlStore";
  }
}
