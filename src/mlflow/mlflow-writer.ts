/**
 * Writes to an MLflow server over REST, 2.9 to 3.x: one attempt a call, for a caller that keeps what is to be written and
 * decides when to try again. What is given here must have passed `mlflow-names`: a malformed number or name is answered
 * with 200 by the server, and loses whatever followed it.
 */
import type { Readable } from "node:stream";
import * as z from "zod/mini";
import type { MetricValue } from "../records/facts.js";
import { experimentDocument, filesPage, runAnswer, runsPage, type MlflowExperiment, type MlflowRun } from "./mlflow-documents.js";
import { listWorkspaces } from "./server-scope.js";
import { isNotThere } from "./server-workspaces.js";
import { isMlflowAnswer, MLFLOW_API as API, type MlflowWire } from "./mlflow-wire.js";
import { putInParts } from "./multipart-put.js";

/** Bounds of one `log-batch`. */
export const BATCH_LIMITS = { metrics: 1_000, params: 100, tags: 100, characters: 900_000 } as const;
/** Of a file that is being sent: the server stores all of it before it answers. Beside it, the time that a line of 100 kB/s takes. */
const FILE_TIMEOUT_MS = 120_000;
const FILE_BYTES_PER_MS = 100;

const NO_SUCH = "RESOURCE_DOES_NOT_EXIST";
const experimentAnswer = z.looseObject({ experiment: experimentDocument });
const createdExperiment = z.looseObject({ experiment_id: z.string() });

export interface MlflowPair {
  readonly key: string;
  readonly value: string;
}

/** How a call is made. */
export interface WriteCall {
  readonly signal: AbortSignal;
}

/** The words for a run's end. */
export type MlflowRunStatus = "RUNNING" | "FINISHED" | "FAILED" | "KILLED";

/** One point as JSON. Not finite ones go as quoted words; time and step are whole, or the server would drop the rest of the batch. */
export function metricLine(key: string, value: MetricValue, timestampMs: number, step: number): string {
  return JSON.stringify({ key, value, timestamp: Math.max(0, Math.trunc(timestampMs)), step: Math.trunc(step) });
}

/** A writer over one wire. Every method throws ApiError for a refusal, ConnectionError for no answer, and the signal's reason. */
export class MlflowWriter {
  readonly #wire: MlflowWire;
  /** Until it is known to be otherwise. */
  #takesParts = true;

  constructor(wire: MlflowWire) {
    this.#wire = wire;
  }

  /** Address of the server, without a slash at its end. */
  get baseUrl(): string {
    return this.#wire.baseUrl;
  }

  /** The workspace that is written to; undefined: the server's default one. */
  get workspace(): string | undefined {
    return this.#wire.workspace;
  }

  /**
   * True when that workspace is there. A release that knows no workspaces would not say a word, and write to where all of it goes.
   */
  async hasWorkspace({ signal }: WriteCall): Promise<boolean> {
    const { workspace } = this;
    if (workspace === undefined) return true;
    const found = await listWorkspaces(async (path, query) => {
      try {
        return { text: await this.#wire.text("GET", path, { query }, signal) };
      } catch (error) {
        if (isNotThere(error)) return { status: 404 };
        throw error;
      }
    });
    return found.names?.includes(workspace) ?? false;
  }

  /** Version that the server says it is. */
  async version({ signal }: WriteCall): Promise<string> {
    return (await this.#wire.text("GET", "/version", {}, signal)).trim();
  }

  /** The experiment of this name, deleted or not; undefined when the name is free. */
  experimentByName(name: string, { signal }: WriteCall): Promise<MlflowExperiment | undefined> {
    return this.#found("/experiments/get-by-name", { experiment_name: name }, signal);
  }

  /** The experiment of this id, deleted or not. */
  experiment(experimentId: string, { signal }: WriteCall): Promise<MlflowExperiment | undefined> {
    return this.#found("/experiments/get", { experiment_id: experimentId }, signal);
  }

  /** Makes an experiment; answers its id. A name that is taken is refused with 400. */
  async createExperiment(name: string, { signal }: WriteCall): Promise<string> {
    const path = `${API}/experiments/create`;
    const text = await this.#post("/experiments/create", { name }, signal);
    return this.#wire.read("POST", path, text, createdExperiment).experiment_id;
  }

  /** Runs of an experiment that are not deleted and have this tag. */
  async runsWithTag(experimentId: string, tag: MlflowPair, { signal }: WriteCall): Promise<readonly MlflowRun[]> {
    const body = { experiment_ids: [experimentId], filter: `tags.\`${tag.key}\` = '${tag.value}'`, max_results: 100 };
    return this.#wire.read("POST", `${API}/runs/search`, await this.#post("/runs/search", body, signal), runsPage).runs;
  }

  /** A run, deleted or not; undefined when there is none of this id. */
  async run(runId: string, { signal }: WriteCall): Promise<MlflowRun | undefined> {
    const path = `${API}/runs/get`;
    try {
      return this.#wire.read("GET", path, await this.#wire.text("GET", path, { query: { run_id: runId } }, signal), runAnswer).run;
    } catch (error) {
      if (isMlflowAnswer(error, 404, NO_SUCH)) return undefined;
      throw error;
    }
  }

  /** Makes a run that is running. It may have been made although the answer was lost: search before and after. */
  async createRun(
    run: {
      readonly experimentId: string;
      readonly name: string;
      readonly startTimeMs: number;
      readonly userId: string;
      readonly tags: readonly MlflowPair[];
    },
    { signal }: WriteCall,
  ): Promise<MlflowRun> {
    const body = {
      experiment_id: run.experimentId,
      run_name: run.name,
      start_time: Math.max(0, Math.trunc(run.startTimeMs)),
      user_id: run.userId,
      tags: run.tags,
    };
    return this.#wire.read("POST", `${API}/runs/create`, await this.#post("/runs/create", body, signal), runAnswer).run;
  }

  /** Deletes a run; MLflow keeps it among the deleted ones. */
  async deleteRun(runId: string, { signal }: WriteCall): Promise<void> {
    await this.#post("/runs/delete", { run_id: runId }, signal);
  }

  /**
   * Points, parameters and tags of one run, within {@link BATCH_LIMITS}. A refusal by a rule (400) stores nothing; the same
   * points again are no second points on a database, and are on a file store. A parameter that exists with another value is
   * refused.
   */
  async logBatch(
    runId: string,
    content: { readonly metrics?: readonly string[]; readonly params?: readonly MlflowPair[]; readonly tags?: readonly MlflowPair[] },
    { signal }: WriteCall,
  ): Promise<void> {
    const { metrics = [], params = [], tags = [] } = content;
    const rest = JSON.stringify({ run_id: runId, params, tags });
    const body = metrics.length === 0 ? rest : `${rest.slice(0, -1)},"metrics":[${metrics.join(",")}]}`;
    await this.#wire.text("POST", `${API}/runs/log-batch`, { body }, signal);
  }

  /** Sets a run's status, and its end where one is given. An end that was set stays when the run goes on. */
  async updateRun(runId: string, status: MlflowRunStatus, endTimeMs: number | undefined, { signal }: WriteCall): Promise<void> {
    const end = endTimeMs === undefined ? {} : { end_time: Math.max(0, Math.trunc(endTimeMs)) };
    await this.#post("/runs/update", { run_id: runId, status, ...end }, signal);
  }

  /** Removes a tag; one that is not there is gone already. */
  async deleteTag(runId: string, key: string, { signal }: WriteCall): Promise<void> {
    try {
      await this.#post("/runs/delete-tag", { run_id: runId, key }, signal);
    } catch (error) {
      if (!isMlflowAnswer(error, 404, NO_SUCH)) throw error;
    }
  }

  /**
   * Puts a file where `fileRoute` says, in the place of what lies there. A body that ends before `sizeBytes` leaves nothing.
   *
   * @throws What the stream failed with, or a ConnectionError with it as cause.
   */
  async putFile(
    route: string,
    content: { readonly body: string | Readable; readonly sizeBytes: number; readonly contentType: string },
    { signal }: WriteCall,
  ): Promise<void> {
    const headers = { "content-type": content.contentType, "content-length": String(content.sizeBytes) };
    const timeoutMs = FILE_TIMEOUT_MS + content.sizeBytes / FILE_BYTES_PER_MS;
    await this.#wire.text("PUT", route, { body: content.body, headers, timeoutMs }, signal);
  }

  /**
   * Puts a large file in parts, past the server into its store. A part that the store does not take from here, or that gets no answer,
   * sends all later files through the server: its addresses may be for other networks than this one.
   *
   * @returns False, with nothing read, when the server takes no parts.
   */
  async putInParts(
    route: string,
    content: { readonly body: Readable; readonly sizeBytes: number },
    { signal }: WriteCall,
  ): Promise<boolean> {
    if (!this.#takesParts) return false;
    const onLostPart = (): void => {
      this.#takesParts = false;
    };
    if (await putInParts(this.#wire, route, content, { signal, onLostPart })) return true;
    return (this.#takesParts = false);
  }

  /** True when the server lists this file of a run. */
  async listsFile(runId: string, path: string, { signal }: WriteCall): Promise<boolean> {
    const at = path.lastIndexOf("/");
    const url = `${API}/artifacts/list`;
    const query = { run_id: runId, path: at < 0 ? undefined : path.slice(0, at) };
    const { files } = this.#wire.read("GET", url, await this.#wire.text("GET", url, { query }, signal), filesPage);
    return files.some((file) => file.path === path);
  }

  #post(path: string, body: object, signal: AbortSignal): Promise<string> {
    return this.#wire.text("POST", `${API}${path}`, { body: JSON.stringify(body) }, signal);
  }

  async #found(path: string, query: Record<string, string>, signal: AbortSignal): Promise<MlflowExperiment | undefined> {
    const whole = `${API}${path}`;
    try {
      return this.#wire.read("GET", whole, await this.#wire.text("GET", whole, { query }, signal), experimentAnswer).experiment;
    } catch (error) {
      if (isMlflowAnswer(error, 404, NO_SUCH)) return undefined;
      throw error;
    }
  }
}
