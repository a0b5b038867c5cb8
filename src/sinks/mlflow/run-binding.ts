/**
 * Finds the job's run or creates it, once for all processes that ever report this job: by the id that was given, by the
 * sink's memory, by the job's key in a tag. A run that was deleted, named or not, gets a successor in its experiment, at every
 * start the same one: somebody wanted the run gone, and nobody wanted the rest of the job unseen. MLflow lets nobody choose a
 * run's id, so a lost answer to a creation is found by the next search.
 */
import { ApiError, describeError } from "../../base/errors.js";
import { findOrCreate, oldest, type Candidate } from "../../base/find-or-create.js";
import type { MlflowExperiment, MlflowRun } from "../../mlflow/mlflow-documents.js";
import { nameRulesOf, textOf, type NameRules } from "../../mlflow/mlflow-names.js";
import { runTagOf, SINK_TAGS } from "../../mlflow/sink-tags.js";
import type { SinkMemory } from "../../outbox/sink.js";
import { rememberId, rememberedId } from "../remembered-id.js";
import type { MlflowSinkOptions } from "./mlflow-sink-options.js";

/** A run that exists. */
export interface BoundRun {
  readonly runId: string;
  readonly experimentId: string;
  readonly status: string;
  readonly artifactUri: string | undefined;
}

/** `refused`: there is nothing to wait for; a person must change the settings. `absent`: it is made with the first record. */
export type Binding = { readonly run: BoundRun } | { readonly refused: string } | "absent";

interface FoundRun extends Candidate {
  readonly run: MlflowRun;
}

const MEMORY_KEY = "run";
/** MLflow's column takes 256. */
const MAX_EXPERIMENT_LENGTH = 250;
const MAX_NAME_LENGTH = 250;
/** Deleted experiments of one name, each of which keeps it. */
const MAX_NAMESAKES = 100;

export class RunBinding {
  readonly #options: MlflowSinkOptions;
  #experimentId: string | undefined;
  #rules: NameRules | undefined;

  constructor(options: MlflowSinkOptions) {
    this.#options = options;
  }

  /** How the server takes names. Known once {@link find} has answered. */
  get rules(): NameRules {
    return this.#rules ?? nameRulesOf(undefined);
  }

  /** The run, where there is one. @throws ApiError, ConnectionError when MLflow did not do as asked; trying again is safe. */
  async find(memory: SinkMemory, signal: AbortSignal): Promise<Binding> {
    const { runId, writer, externalKey, logger } = this.#options;
    if (!(await writer.hasWorkspace({ signal })))
      return { refused: `MLflow at ${writer.baseUrl} has no workspace ${writer.workspace ?? ""} for this user. Check MLFLOW_WORKSPACE.` };
    this.#rules ??= nameRulesOf(await this.#version(signal));
    const known = rememberedId(memory, MEMORY_KEY, externalKey);
    let experimentId: string | undefined;
    if (runId !== undefined) {
      const run = await writer.run(runId, { signal });
      if (run !== undefined && isActive(run.info)) return { run: await this.#remember(boundRun(run), memory) };
      // Nobody has heard of it: more likely a wrong address or a slip of the hand than a run that was removed for good.
      if (run === undefined && known === undefined)
        return { refused: `MLflow at ${writer.baseUrl} has no run ${runId}. Check MLFLOW_RUN_ID and MLFLOW_TRACKING_URI.` };
      logger.error(`MLflow run ${runId}, which MLFLOW_RUN_ID names, was deleted. The job goes on with another run.`);
      if (run !== undefined) experimentId = await this.goBeside(run.info.experiment_id, signal);
    }
    if (known !== undefined && known !== runId) {
      const run = await this.read(known, signal);
      if (run) return { run };
      logger.error(
        `MLflow run ${known} of this job was deleted; what was delivered to it is lost there. The job goes on with another run.`,
      );
    }
    if (experimentId === undefined) {
      const experiment = await this.#experiment(signal);
      if ("refused" in experiment) return experiment;
      experimentId = this.#experimentId = experiment.id;
    }
    const found = oldest(await this.#search(experimentId, signal));
    return found ? { run: await this.#remember(boundRun(found.run), memory) } : "absent";
  }

  /**
   * Makes the run, unless somebody else has. {@link find} has answered `absent` before.
   *
   * @param startTimeMs - When the job began to report. MLflow does not let it be changed later.
   */
  async create(startTimeMs: number, memory: SinkMemory, signal: AbortSignal): Promise<BoundRun> {
    const { writer, logger, externalKey, journalId, runName, userName, taskId } = this.#options;
    const experimentId = this.#experimentId ?? (await this.#experimentOrThrow(signal));
    const task = taskId();
    const tags = [
      { key: SINK_TAGS.key, value: runTagOf(externalKey) },
      { key: SINK_TAGS.journal, value: journalId },
      ...(task === undefined ? [] : [{ key: SINK_TAGS.taskId, value: task }]),
      { key: "mlflow.user", value: textOf(userName, MAX_NAME_LENGTH).text },
      { key: "mlflow.source.type", value: "JOB" },
      { key: "mlflow.source.name", value: "trainer-sdk" },
    ];
    const name = textOf(runName, MAX_NAME_LENGTH).text;
    let made: MlflowRun | undefined;
    const { found, created } = await findOrCreate({
      search: () => this.#search(experimentId, signal),
      create: async () => {
        made = await writer.createRun({ experimentId, name, startTimeMs, userId: userName, tags }, { signal }).catch((error: unknown) => {
          // It was deleted since it was found: the next attempt looks for one anew. Not when the answer is missing, for the run may be in it.
          if (ApiError.isInstance(error) && [400, 404].includes(error.status)) this.#experimentId = undefined;
          throw error;
        });
        return made.info.run_id;
      },
      remove: (runId) => writer.deleteRun(runId, { signal }),
      onNotRemoved: (runId, error) =>
        logger.warn(
          `MLflow run ${runId} is an extra that another process's start made superfluous; it could not be deleted: ${describeError(error)}`,
        ),
    });
    const run = "run" in found ? found.run : made;
    if (created) logger.info(`created MLflow run ${found.id}`, { experiment: experimentId, run: name });
    return this.#remember(run ? boundRun(run) : { runId: found.id, experimentId, status: "RUNNING", artifactUri: undefined }, memory);
  }

  /** The run, or undefined when there is none of this id, or it was deleted. */
  async read(runId: string, signal: AbortSignal): Promise<BoundRun | undefined> {
    const run = await this.#options.writer.run(runId, { signal });
    return run === undefined || !isActive(run.info) ? undefined : boundRun(run);
  }

  /**
   * A run of this experiment was deleted: what {@link create} makes in its place belongs there too. Answers the experiment, or
   * undefined when that takes no runs any more.
   */
  async goBeside(experimentId: string, signal: AbortSignal): Promise<string | undefined> {
    const experiment = await this.#options.writer.experiment(experimentId, { signal });
    return (this.#experimentId = experiment !== undefined && isActive(experiment) ? experimentId : undefined);
  }

  async #search(experimentId: string, signal: AbortSignal): Promise<readonly FoundRun[]> {
    const { writer, externalKey } = this.#options;
    const runs = await writer.runsWithTag(experimentId, { key: SINK_TAGS.key, value: runTagOf(externalKey) }, { signal });
    return runs.map((run) => ({ id: run.info.run_id, created: startedAt(run), run }));
  }

  async #experimentOrThrow(signal: AbortSignal): Promise<string> {
    const experiment = await this.#experiment(signal);
    if ("refused" in experiment) throw new Error(experiment.refused);
    return (this.#experimentId = experiment.id);
  }

  /**
   * The experiment to write to. A deleted one keeps its name and takes no runs; it is somebody's wish that it is gone, so the
   * job goes on in one beside it.
   */
  async #experiment(signal: AbortSignal): Promise<{ readonly id: string } | { readonly refused: string }> {
    const { writer, experimentId, experimentName, logger } = this.#options;
    if (experimentId !== undefined) {
      const found = await writer.experiment(experimentId, { signal });
      if (found !== undefined && isActive(found)) return { id: found.experiment_id };
      const what = found === undefined ? "has no experiment" : "has deleted the experiment";
      return { refused: `MLflow at ${writer.baseUrl} ${what} ${experimentId}. Check MLFLOW_EXPERIMENT_ID.` };
    }
    const wanted = textOf(experimentName, MAX_EXPERIMENT_LENGTH - 6).text;
    for (let copy = 1; copy <= MAX_NAMESAKES; copy++) {
      const name = copy === 1 ? wanted : `${wanted} (${String(copy)})`;
      const found = (await writer.experimentByName(name, { signal })) ?? (await this.#makeExperiment(name, signal));
      if (isActive(found)) return { id: found.experiment_id };
      logger.warn(`MLflow's experiment ${JSON.stringify(name)} was deleted and keeps its name; the job reports to one beside it`);
    }
    return { refused: `MLflow holds ${String(MAX_NAMESAKES)} deleted experiments called ${JSON.stringify(wanted)}; choose another name.` };
  }

  async #makeExperiment(name: string, signal: AbortSignal): Promise<Pick<MlflowExperiment, "experiment_id" | "lifecycle_stage">> {
    const { writer } = this.#options;
    try {
      return { experiment_id: await writer.createExperiment(name, { signal }), lifecycle_stage: "active" };
    } catch (error) {
      // Another process has made it meanwhile, or an answer was lost.
      const found = ApiError.isInstance(error) && error.status === 400 ? await writer.experimentByName(name, { signal }) : undefined;
      if (found === undefined) throw error;
      return found;
    }
  }

  async #version(signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.#options.writer.version({ signal });
    } catch (error) {
      // A proxy that lets nothing but the API through.
      if (ApiError.isInstance(error) && [401, 403, 404].includes(error.status)) return undefined;
      throw error;
    }
  }

  async #remember(run: BoundRun, memory: SinkMemory): Promise<BoundRun> {
    await rememberId(memory, MEMORY_KEY, run.runId, this.#options.externalKey);
    return run;
  }
}

/** Any client may have set any number, and a date has its limits: beyond them a run counts as the newest. */
function startedAt({ info }: MlflowRun): string | undefined {
  const at = new Date(Number(info.start_time ?? 0));
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

function isActive({ lifecycle_stage: stage }: { readonly lifecycle_stage?: string | undefined }): boolean {
  return stage !== "deleted";
}

function boundRun({ info }: MlflowRun): BoundRun {
  return { runId: info.run_id, experimentId: info.experiment_id, status: info.status, artifactUri: info.artifact_uri };
}
