/**
 * Reads an MLflow's SQLite file, 2.9 to 3.x, without a server. Documents have the form of the REST API. Which columns there are
 * is asked of the file, not told by its version, so that a newer one is read for what it still has. Writes nothing.
 */
import { dirname, resolve } from "node:path";
import * as z from "zod/mini";
import { NotFoundError } from "../base/errors.js";
import { ArtifactPlaces } from "./artifact-places.js";
import { historyQuery } from "./history-query.js";
import {
  experimentDocument,
  runDocument,
  type MlflowExperiment,
  type MlflowFile,
  type MlflowLoggedModel,
  type MlflowModelVersion,
  type MlflowPoint,
  type MlflowRegisteredModel,
  type MlflowRun,
  withoutNulls,
} from "./mlflow-documents.js";
import type {
  MlflowCall,
  MlflowDownload,
  MlflowDownloadCall,
  MlflowFilesOwner,
  MlflowModelCall,
  MlflowScope,
  MlflowSource,
} from "./mlflow-source.js";
import { SqliteModels } from "./sqlite-models.js";
import { SqliteTables, type Row } from "./sqlite-tables.js";
import { DEFAULT_WORKSPACE, inWorkspace } from "./workspaces.js";

/** Points in one page. */
const PAGE_POINTS = 10_000;
/** What a database does not say by itself. */
export interface SqliteSourceOptions {
  /** Folder or `s3://` address that was the server's `--artifacts-destination`, for files at `mlflow-artifacts:`. */
  readonly artifactsRoot?: string | undefined;
}

/** A reader of one database. Its methods are those of {@link MlflowSource}. */
export class MlflowSqliteSource implements MlflowSource {
  readonly address: string;
  readonly #tables: SqliteTables;
  readonly #models: SqliteModels;
  readonly #places: ArtifactPlaces;
  readonly #historyQuery: string;

  private constructor(path: string, tables: SqliteTables, places: ArtifactPlaces) {
    this.address = path;
    this.#tables = tables;
    this.#models = new SqliteModels(path, tables);
    this.#places = places;
    this.#historyQuery = historyQuery(tables);
  }

  /** Opens a file for reading. @throws ConfigError when it is missing, no database, or none of MLflow 2.9 or later. */
  static async open(
    path: string,
    options: SqliteSourceOptions = {},
    env: Readonly<Record<string, string | undefined>> = process.env,
  ): Promise<MlflowSqliteSource> {
    const full = resolve(path);
    const places = new ArtifactPlaces({ base: dirname(full), artifactsRoot: options.artifactsRoot, env });
    return new MlflowSqliteSource(full, await SqliteTables.open(full), places);
  }

  /** The absolute path. */
  get defaultSourceId(): string {
    return this.address;
  }

  /** Revision of the schema, as MLflow's migrations name it. */
  async version({ signal }: MlflowCall): Promise<string> {
    signal.throwIfAborted();
    if (!this.#tables.has("alembic_version")) return "database of unknown schema";
    const [row] = this.#tables.rows("SELECT version_num FROM alembic_version");
    return `database schema ${String(row?.["version_num"] ?? "unknown")}`;
  }

  /** All workspaces that something lies in, or that are named in the file: whoever has the file may read all of it. */
  async scope({ signal }: MlflowCall): Promise<MlflowScope> {
    signal.throwIfAborted();
    const tables = ["experiments", "registered_models"].filter((table) => this.#tables.has(table, "workspace"));
    const named = tables.map((table) => `SELECT workspace AS name FROM ${table}`);
    if (this.#tables.has("workspaces", "name")) named.push("SELECT name FROM workspaces");
    const found = named.length === 0 ? [] : this.#tables.all(named.join(" UNION ")).map(({ name }) => String(name ?? ""));
    const workspaces = new Set([DEFAULT_WORKSPACE, ...found.filter((name) => name !== "").sort()]);
    return { workspaces: [...workspaces], limits: [] };
  }

  async *experiments({ signal }: MlflowCall): AsyncGenerator<MlflowExperiment, void, undefined> {
    for (const row of this.#tables.rows("SELECT * FROM experiments ORDER BY creation_time, experiment_id")) {
      signal.throwIfAborted();
      const { experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time } = row;
      const tags = [
        ...this.#tables.rows("SELECT key, value FROM experiment_tags WHERE experiment_id = ? ORDER BY key", Number(experiment_id)),
      ];
      const text = {
        experiment_id: String(experiment_id),
        name,
        artifact_location,
        lifecycle_stage,
        last_update_time,
        creation_time,
        tags,
      };
      const workspace = row["workspace"] == null ? undefined : String(row["workspace"]);
      yield inWorkspace(z.parse(experimentDocument, withoutNulls(text)), workspace);
    }
  }

  async *runs(experimentId: string, { signal }: MlflowCall): AsyncGenerator<MlflowRun, void, undefined> {
    const sql = "SELECT run_uuid FROM runs WHERE experiment_id = ? ORDER BY start_time, run_uuid";
    for (const { run_uuid } of this.#tables.all(sql, Number(experimentId))) {
      signal.throwIfAborted();
      yield this.#run(String(run_uuid));
    }
  }

  async run(runId: string, { signal }: MlflowCall): Promise<MlflowRun> {
    signal.throwIfAborted();
    return this.#run(runId);
  }

  async *history(runId: string, key: string, { signal }: MlflowCall): AsyncGenerator<readonly MlflowPoint[], void, undefined> {
    let page: MlflowPoint[] = [];
    for (const [value, timestamp, step, isNan] of this.#tables.lists(this.#historyQuery, runId, key)) {
      page.push({ value: isNan ? Number.NaN : Number(value), timestamp: integerOf(timestamp), step: integerOf(step) });
      if (page.length < PAGE_POINTS) continue;
      signal.throwIfAborted();
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }

  async *artifacts(owner: MlflowFilesOwner, call: MlflowCall): AsyncGenerator<MlflowFile, void, undefined> {
    yield* this.#places.list(this.#models.filesAddress(owner), call);
  }

  async download(owner: MlflowFilesOwner, path: string, target: string, options: MlflowDownloadCall): Promise<MlflowDownload> {
    return this.#places.download(this.#models.filesAddress(owner), path, target, options);
  }

  async *registeredModels({ signal }: MlflowCall): AsyncGenerator<MlflowRegisteredModel, void, undefined> {
    yield* this.#models.registeredModels(signal);
  }

  async registeredModel(name: string, { signal, workspace }: MlflowModelCall): Promise<MlflowRegisteredModel> {
    signal.throwIfAborted();
    return this.#models.registeredModel(name, workspace);
  }

  async *modelVersions(name: string, { signal, workspace }: MlflowModelCall): AsyncGenerator<MlflowModelVersion, void, undefined> {
    yield* this.#models.versions(name, workspace, signal);
  }

  async *loggedModels(experimentId: string, { signal }: MlflowCall): AsyncGenerator<MlflowLoggedModel, void, undefined> {
    yield* this.#models.loggedModels(experimentId, signal);
  }

  async close(): Promise<void> {
    this.#tables.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run(runId: string): MlflowRun {
    const [row] = this.#tables.rows("SELECT * FROM runs WHERE run_uuid = ?", runId);
    if (!row) throw new NotFoundError(`The database ${this.address} has no run ${runId}.`);
    const { name, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage, experiment_id } = row;
    const info = { run_uuid: runId, experiment_id: String(experiment_id), run_name: name, user_id, status, start_time, end_time };
    const pairs = (table: string): Row[] => [
      ...this.#tables.rows(`SELECT key, value FROM ${table} WHERE run_uuid = ? ORDER BY key`, runId),
    ];
    const latest = this.#tables.rows("SELECT * FROM latest_metrics WHERE run_uuid = ? ORDER BY key", runId);
    const metrics = Array.from(latest, (point) => {
      const { value, timestamp, step } = pointOf(point);
      return { key: String(point["key"]), value, timestamp, step };
    });
    return {
      ...z.parse(runDocument, {
        info: withoutNulls({ ...info, artifact_uri, lifecycle_stage, run_id: runId }),
        data: { params: pairs("params"), tags: pairs("tags"), metrics: metrics.map(({ key }) => ({ key })) },
        inputs: { dataset_inputs: this.#datasets(runId), model_inputs: this.#inputModels(runId) },
        outputs: { model_outputs: this.#outputs(runId) },
      }),
      data: { metrics, params: texts(pairs("params")), tags: texts(pairs("tags")) },
    };
  }

  #datasets(runId: string): object[] {
    if (!this.#tables.has("inputs") || !this.#tables.has("datasets")) return [];
    const sql = `SELECT i.input_uuid AS id, d.name AS name, d.digest AS digest, d.dataset_source_type AS source_type, d.dataset_source AS source,
      d.dataset_schema AS schema, d.dataset_profile AS profile FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
      WHERE i.source_type = 'DATASET' AND i.destination_id = ? ORDER BY i.input_uuid`;
    return this.#tables.all(sql, runId).map(({ id, ...dataset }) => ({
      tags: this.#tables.all("SELECT name AS key, value FROM input_tags WHERE input_uuid = ? ORDER BY name", String(id)),
      dataset: withoutNulls(dataset),
    }));
  }

  #inputModels(runId: string): object[] {
    if (!this.#tables.has("inputs")) return [];
    const sql = "SELECT destination_id AS model_id FROM inputs WHERE source_type = 'RUN_INPUT' AND source_id = ? ORDER BY 1";
    return this.#tables.all(sql, runId);
  }

  #outputs(runId: string): object[] {
    if (!this.#tables.has("inputs", "step")) return [];
    const sql = "SELECT destination_id AS model_id, step FROM inputs WHERE source_type = 'RUN_OUTPUT' AND source_id = ? ORDER BY 1";
    return this.#tables.all(sql, runId);
  }
}

/** NaN is kept as a mark beside 0. */
function pointOf({ value, timestamp, step, is_nan }: Row): MlflowPoint {
  const at = (field: Row[string] | undefined): number | bigint => (typeof field === "bigint" ? field : Number(field ?? 0));
  return { value: Number(is_nan ?? 0) === 0 ? Number(value) : Number.NaN, timestamp: at(timestamp), step: at(step) };
}

function integerOf(field: string | number | null | undefined): number | bigint {
  return typeof field === "string" ? BigInt(field) : (field ?? 0);
}

function texts(rows: readonly Row[]): { readonly key: string; readonly value: string }[] & { key: string; value: string }[] {
  return rows.map(({ key, value }) => ({ key: String(key), value: String(value ?? "") }));
}
