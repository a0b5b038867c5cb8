/** Models in an MLflow database, registered and logged, and where files of runs and models lie. Reads; decides nothing. */
import * as z from "zod/mini";
import { NotFoundError } from "../base/errors.js";
import {
  isPrompt,
  loggedModelDocument,
  modelVersionDocument,
  registeredModelDocument,
  type MlflowLoggedModel,
  type MlflowModelVersion,
  type MlflowRegisteredModel,
  withoutNulls,
} from "./mlflow-documents.js";
import type { MlflowFilesOwner } from "./mlflow-source.js";
import { LOGGED_MODEL_STATUS, parseModelSource } from "./model-source.js";
import type { Row, SqliteTables } from "./sqlite-tables.js";
import { DEFAULT_WORKSPACE, inWorkspace } from "./workspaces.js";

/** The models of one database, as documents of the REST API. */
export class SqliteModels {
  readonly #path: string;
  readonly #tables: SqliteTables;

  constructor(path: string, tables: SqliteTables) {
    this.#path = path;
    this.#tables = tables;
  }

  *registeredModels(signal: AbortSignal): Generator<MlflowRegisteredModel, void, undefined> {
    const column = this.#hasWorkspaces ? ", workspace" : "";
    for (const { name, workspace } of this.#tables.all(`SELECT name${column} FROM registered_models ORDER BY name${column}`)) {
      signal.throwIfAborted();
      const model = this.registeredModel(String(name), workspace == null ? undefined : String(workspace));
      if (!isPrompt(model)) yield model;
    }
  }

  *versions(name: string, workspace: string | undefined, signal: AbortSignal): Generator<MlflowModelVersion, void, undefined> {
    const [where, ...model] = this.#model(name, workspace);
    // A deleted version leaves a row of this stage.
    const sql = `SELECT * FROM model_versions WHERE ${where} AND current_stage <> 'Deleted_Internal' ORDER BY version`;
    for (const row of this.#tables.all(sql, ...model)) {
      signal.throwIfAborted();
      const {
        version,
        creation_time,
        last_updated_time,
        user_id,
        current_stage,
        description,
        source,
        run_id,
        status,
        status_message,
        run_link,
      } = row;
      const tagRows = `SELECT key, value FROM model_version_tags WHERE ${where} AND version = ? ORDER BY key`;
      const tags = this.#tables.all(tagRows, ...model, Number(version));
      const times = { creation_timestamp: creation_time, last_updated_timestamp: last_updated_time };
      const rest = { user_id, current_stage, description, source, run_id, status, status_message, run_link, tags };
      yield z.parse(modelVersionDocument, withoutNulls({ name, version: String(version), ...times, ...rest }));
    }
  }

  *loggedModels(experimentId: string, signal: AbortSignal): Generator<MlflowLoggedModel, void, undefined> {
    if (!this.#tables.has("logged_models")) return;
    const sql =
      "SELECT * FROM logged_models WHERE experiment_id = ? AND lifecycle_stage = 'active' ORDER BY creation_timestamp_ms, model_id";
    for (const row of this.#tables.all(sql, Number(experimentId))) {
      signal.throwIfAborted();
      const id = String(row["model_id"]);
      const pairs = (what: string): Row[] =>
        this.#tables.all(`SELECT ${what}_key AS key, ${what}_value AS value FROM logged_model_${what}s WHERE model_id = ? ORDER BY 1`, id);
      const {
        name,
        artifact_location,
        creation_timestamp_ms,
        last_updated_timestamp_ms,
        model_type,
        source_run_id,
        status,
        status_message,
      } = row;
      const times = { creation_timestamp_ms, last_updated_timestamp_ms };
      const word = LOGGED_MODEL_STATUS[String(status)] ?? String(status);
      const info = {
        model_id: id,
        experiment_id: experimentId,
        name,
        ...times,
        artifact_uri: artifact_location,
        status: word,
        model_type,
        source_run_id,
      };
      const points =
        "SELECT metric_name AS key, metric_value AS value, metric_timestamp_ms AS timestamp, metric_step AS step, run_id FROM logged_model_metrics WHERE model_id = ? ORDER BY 1, 3, 4";
      const data = { params: pairs("param"), metrics: this.#tables.all(points, id) };
      yield z.parse(loggedModelDocument, { info: withoutNulls({ ...info, status_message, tags: pairs("tag") }), data });
    }
  }

  /** @throws NotFoundError for a name that is not there. */
  registeredModel(name: string, workspace: string | undefined): MlflowRegisteredModel {
    const [where, ...model] = this.#model(name, workspace);
    const [row] = this.#tables.rows(`SELECT * FROM registered_models WHERE ${where}`, ...model);
    if (!row) throw new NotFoundError(`The database ${this.#path} has no registered model ${JSON.stringify(name)}.`);
    const { creation_time, last_updated_time, description } = row;
    const times = { creation_timestamp: creation_time, last_updated_timestamp: last_updated_time };
    const tags = this.#tables.all(`SELECT key, value FROM registered_model_tags WHERE ${where} ORDER BY key`, ...model);
    const aliases = this.#tables.has("registered_model_aliases")
      ? this.#tables.all(`SELECT alias, version FROM registered_model_aliases WHERE ${where} ORDER BY alias`, ...model)
      : [];
    const named = aliases.map(({ alias, version }) => ({ alias, version: String(version) }));
    const document = z.parse(registeredModelDocument, withoutNulls({ name, ...times, description, tags, aliases: named }));
    return inWorkspace(document, workspace);
  }

  /** Where the files of a run or a model lie. @throws NotFoundError when nothing is said of it. */
  filesAddress(owner: MlflowFilesOwner): string {
    const one = (sql: string, ...given: (string | number)[]): string | undefined => {
      const [row] = this.#tables.rows(sql, ...given);
      const value = row?.["uri"];
      return value == null || value === "" ? undefined : String(value);
    };
    const ofRun = (id: string): string | undefined => one("SELECT artifact_uri AS uri FROM runs WHERE run_uuid = ?", id);
    const ofModel = (id: string): string | undefined => one("SELECT artifact_location AS uri FROM logged_models WHERE model_id = ?", id);
    let uri: string | undefined;
    if (typeof owner === "string") uri = ofRun(owner);
    else if ("modelId" in owner) uri = ofModel(owner.modelId);
    else {
      const stored = this.#tables.has("model_versions", "storage_location") ? "coalesce(storage_location, source)" : "source";
      const [where, ...model] = this.#model(owner.name, owner.workspace);
      const source = one(`SELECT ${stored} AS uri FROM model_versions WHERE ${where} AND version = ?`, ...model, Number(owner.version));
      const { modelId, runId, path } = parseModelSource(source ?? "");
      if (modelId !== undefined) uri = ofModel(modelId);
      else if (runId !== undefined) {
        const root = ofRun(runId);
        uri = root === undefined ? undefined : `${root}/${path}`;
      } else uri = source;
    }
    if (uri !== undefined) return uri;
    throw new NotFoundError(`The database ${this.#path} says nothing of where the files of ${JSON.stringify(owner)} are.`);
  }

  /** From 3.10 on each table of the registry has the workspace in its key. */
  get #hasWorkspaces(): boolean {
    return this.#tables.has("registered_models", "workspace");
  }

  /** The condition for the rows of one model, in any table of the registry, and what it is given. */
  #model(name: string, workspace: string | undefined): readonly [where: string, ...given: string[]] {
    return this.#hasWorkspaces ? ["name = ? AND workspace = ?", name, workspace ?? DEFAULT_WORKSPACE] : ["name = ?", name];
  }
}
