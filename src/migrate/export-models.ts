/**
 * Writes models back out of ClearML into an exported tracking folder: logged models beside the runs of their experiment, registered
 * models with their versions into the registry. What MLflow said of a model stands in its metadata; its files are its package.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { DownloadError, describeError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { unpackWeights } from "../clearml/model-package.js";
import { parseModelSource } from "../mlflow/model-source.js";
import { treeFiles } from "../mlflow/tree-files.js";
import { otherWorkspace } from "../mlflow/workspaces.js";
import { isFolderId, type ExportExperiments } from "./export-experiments.js";
import type { ExportRecords } from "./export-record.js";
import { migratedModel, migratedModelIds, type MigratedModel } from "./migrated-models.js";
import { isFolderName, MODELS_FOLDER, writeLoggedModel, writeModelVersion, writeRegisteredModel } from "./registry-folder.js";
import { safePath } from "./tracking-folder.js";
import { forEachAtOnce } from "./work-pool.js";

type Fields = Readonly<Record<string, unknown>>;

/** What an export wrote of models. */
export interface ExportedModels {
  /** Registered models, those without a version among them. */
  readonly registered: number;
  readonly versions: number;
  /** Logged models (MLflow 3). */
  readonly logged: number;
  /** Of versions and logged models, the ones that an earlier export of this folder has written. */
  readonly unchanged: number;
  /** Files that were taken out of packages. Those that a version shares with its run or its logged model are theirs. */
  readonly files: number;
  /** What a folder of MLflow's cannot hold, such as a registered model with `/` in its name. It stays in the model's metadata. */
  readonly notFiled: readonly { readonly model: string; readonly what: string }[];
  /** Models whose files were linked: ClearML has no bytes of them. Their addresses in MLflow's store are in the folder. */
  readonly linked: readonly { readonly model: string; readonly files: number }[];
  readonly failures: readonly { readonly model: string; readonly reason: string }[];
}

export interface ModelExportParts {
  readonly clearml: ClearML;
  readonly folder: string;
  readonly records: ExportRecords;
  readonly experiments: ExportExperiments;
  readonly concurrency: number;
  /** Undefined: all runs, and models of none as well. */
  readonly runs: ReadonlySet<string> | undefined;
  readonly signal: AbortSignal;
}

/** Where files of a model are in the folder. */
interface PlacedFiles {
  readonly location: string;
  readonly files: number;
}

/** Models of one folder. */
export class ModelExport {
  readonly #counts = { registered: 0, versions: 0, logged: 0, unchanged: 0, files: 0 };
  readonly #notFiled: { model: string; what: string }[] = [];
  readonly #linked: { model: string; files: number }[] = [];
  readonly #failures: { model: string; reason: string }[] = [];
  readonly #parts: ModelExportParts;
  /** Of logged models that are in the folder: where their files are, by model id. */
  readonly #logged = new Map<string, string>();
  /** By name: the newest answer about a registered model, and the versions that are in the folder. */
  readonly #registered = new Map<string, { model: Fields; readonly versions: Set<string> }>();

  constructor(parts: ModelExportParts) {
    this.#parts = parts;
  }

  /** After the runs, whose folders hold files of versions. @throws What keeps the models from being listed; the signal's reason. */
  async write(sourceId: string): Promise<void> {
    const { clearml, signal } = this.#parts;
    const ids = [...(await migratedModelIds(clearml, sourceId, signal))].toSorted(([one], [other]) => (one < other ? -1 : 1));
    // Versions point to logged models: those are there first.
    await this.#each(ids, "logged:", (model, document) => this.#writeLogged(model, document));
    await this.#each(ids, "version:", (model, document) => this.#writeVersion(model, document));
    await this.#each(ids, "registered:", async (model, { registered_model: registered }) => {
      if (this.#parts.runs === undefined && !this.#isElsewhere(model, fieldsOf(registered))) this.#note(fieldsOf(registered));
      return Promise.resolve();
    });
    for (const [name, { model, versions }] of this.#registered) {
      signal.throwIfAborted();
      await this.#writeRegistered(name, model, versions);
    }
  }

  /** What was written so far. */
  report(): ExportedModels {
    return { ...this.#counts, notFiled: this.#notFiled, linked: this.#linked, failures: this.#failures };
  }

  async #each(
    ids: readonly (readonly [key: string, id: string])[],
    kind: string,
    write: (model: MigratedModel, document: Fields) => Promise<void>,
  ): Promise<void> {
    const { clearml, concurrency, signal } = this.#parts;
    const own = ids.filter(([key]) => key.startsWith(kind));
    await forEachAtOnce(own, concurrency, async ([key, id]) => {
      signal.throwIfAborted();
      try {
        const model = await migratedModel(clearml, key, id, signal);
        if (model.marker === undefined) throw damaged(model, "was not moved to its end: `trainer-sdk migrate mlflow run` goes on with it");
        await write(model, documentOf(model));
      } catch (error) {
        if (signal.aborted) throw error;
        this.#failures.push({ model: key, reason: describeError(error) });
      }
    });
  }

  async #writeLogged(model: MigratedModel, document: Fields): Promise<void> {
    const { experiments, runs } = this.#parts;
    const [info, data] = [fieldsOf(document["info"]), fieldsOf(document["data"])];
    const { model_id: modelId, experiment_id: experimentId, source_run_id: runId } = info;
    if (!isFolderId(modelId) || !isFolderId(experimentId) || model.key !== `logged:${modelId}`)
      throw damaged(model, "has the answers about another model");
    if (runs !== undefined && !(typeof runId === "string" && runs.has(runId))) return;
    const kept = model.experiment;
    const home = (await experiments.find(experimentId)) ?? (kept === undefined ? undefined : await experiments.place(parsed(model, kept)));
    if (home === undefined)
      throw damaged(
        model,
        `is of experiment ${experimentId}, of which ClearML has no run and the model no word: \`trainer-sdk migrate mlflow run\` adds it`,
      );
    const folder = join(home, MODELS_FOLDER, modelId);
    const location = join(folder, "artifacts");
    await this.#place(model, folder, async (part) => {
      const { files } = await this.#unpack(model, join(part, "artifacts"), location, "");
      return { files, left: await writeLoggedModel(part, { info, data }, pathToFileURL(location).href) };
    });
    this.#logged.set(modelId, pathToFileURL(location).href);
    this.#counts.logged++;
  }

  async #writeVersion(model: MigratedModel, document: Fields): Promise<void> {
    const { folder, runs } = this.#parts;
    const [registered, version] = [fieldsOf(document["registered_model"]), fieldsOf(document["model_version"])];
    const { name, version: number, run_id: runId } = version;
    if (typeof name !== "string" || typeof number !== "string" || !/^\d+$/.test(number) || !model.key.endsWith(`:${number}`))
      throw damaged(model, "has the answers about another version");
    if (runs !== undefined && !(typeof runId === "string" && runs.has(runId))) return;
    if (this.#isElsewhere(model, registered)) return;
    if (!isFolderName(name)) {
      this.#notFiled.push({ model: model.key, what: "its name" });
      return;
    }
    const home = join(folder, MODELS_FOLDER, name, `version-${number}`);
    await this.#place(model, home, async (part) => {
      const { location, files } = await this.#filesOfVersion(model, version, part, home);
      return { files, left: (await writeModelVersion(part, version, location)).map((tag) => `tag ${tag}`) };
    });
    this.#note(registered, number);
    this.#counts.versions++;
  }

  /** A folder has one registry: a model of another workspace than the default one may have the name of one that is there. */
  #isElsewhere(model: MigratedModel, { workspace }: Fields): boolean {
    const name = otherWorkspace({ workspace: typeof workspace === "string" ? workspace : undefined });
    if (name !== undefined) this.#notFiled.push({ model: model.key, what: `its workspace, ${name}` });
    return name !== undefined;
  }

  /** Files that are in the folder already are not written a second time: those of a logged model, and of a run. */
  async #filesOfVersion(model: MigratedModel, version: Fields, part: string, home: string): Promise<PlacedFiles> {
    const { model_id: given, run_id: runId, source: text } = version;
    const source = typeof text === "string" ? text : "";
    const reference = parseModelSource(source);
    const modelId = typeof given === "string" && given !== "" ? given : reference.modelId;
    const logged = modelId === undefined ? undefined : this.#logged.get(modelId);
    if (logged !== undefined) return { location: logged, files: 0 };
    const inRun = model.hasPackage && typeof runId === "string" ? await this.#filesOfRun(runId, source) : undefined;
    return inRun ?? this.#unpack(model, join(part, "artifacts"), join(home, "artifacts"), source);
  }

  async #filesOfRun(runId: string, source: string): Promise<PlacedFiles | undefined> {
    const { folder, records } = this.#parts;
    const reference = parseModelSource(source);
    const mark = `/${runId}/artifacts/`;
    const at = source.indexOf(mark);
    const path = reference.runId === runId ? reference.path : at < 0 ? "" : source.slice(at + mark.length);
    const below = safePath(path.replace(/\/+$/, ""));
    const run = below === undefined ? undefined : await records.find(runId);
    if (below === undefined || run === undefined) return undefined;
    const place = join(folder, run.home, "artifacts", below);
    const names = await readdir(place).catch(() => []);
    return names.length === 0 ? undefined : { location: pathToFileURL(place).href, files: 0 };
  }

  /** Takes the files out of the package. Where ClearML has none, MLflow's own address is the place. */
  async #unpack(model: MigratedModel, target: string, place: string, address: string): Promise<PlacedFiles> {
    const { clearml, signal } = this.#parts;
    if (!model.hasPackage) return { location: address, files: 0 };
    const work = await mkdtemp(join(tmpdir(), "trainer-sdk-export-"));
    try {
      const file = join(work, "package.zip");
      await clearml.objects.fetch(model.uri, file, { ...model.weights, signal });
      await mkdir(dirname(target), { recursive: true });
      await unpackWeights(file, target, signal);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return { location: pathToFileURL(place).href, files: (await treeFiles(target, signal)).length };
  }

  /** One model. It comes to its place when it is whole; one that is there and has not changed is left alone. */
  async #place(
    model: MigratedModel,
    home: string,
    write: (part: string) => Promise<{ readonly files: number; readonly left: readonly string[] }>,
  ): Promise<void> {
    const { folder, records } = this.#parts;
    const recordId = `model:${model.key}`;
    const before = await records.find(recordId);
    const links = model.links === undefined ? [] : (JSON.parse(model.links) as readonly unknown[]);
    let files = before?.files ?? 0;
    let left = before?.notFiled ?? [];
    if (before !== undefined && before.copy === model.marker) this.#counts.unchanged++;
    else {
      if (before) await records.forget(recordId, before);
      const part = await mkdtemp(records.part);
      try {
        ({ files, left } = await write(part));
        await rm(home, { recursive: true, force: true });
        await mkdir(dirname(home), { recursive: true });
        await rename(part, home);
      } finally {
        await rm(part, { recursive: true, force: true });
      }
      const record = {
        copy: model.marker ?? "",
        home: relative(folder, home),
        points: 0,
        files,
        fileBytes: 0,
        notFiled: left,
        linkedFiles: [],
      };
      await records.write(recordId, record);
    }
    this.#counts.files += files;
    this.#notFiled.push(...left.map((what) => ({ model: model.key, what })));
    if (links.length > 0) this.#linked.push({ model: model.key, files: links.length });
  }

  /** Each version tells of its registered model: they were moved at different times, and the newest word counts. */
  #note(model: Fields, version?: string): void {
    const name = String(model["name"]);
    const known = this.#registered.get(name);
    const versions = known?.versions ?? new Set<string>();
    if (version !== undefined) versions.add(version);
    const age = (fields: Fields | undefined): number => Number(fields?.["last_updated_timestamp"] ?? -1);
    this.#registered.set(name, { model: known !== undefined && age(known.model) >= age(model) ? known.model : model, versions });
  }

  async #writeRegistered(name: string, model: Fields, versions: ReadonlySet<string>): Promise<void> {
    const label = `registered:${name}`;
    if (!isFolderName(name)) {
      this.#notFiled.push({ model: label, what: "its name" });
      return;
    }
    const aliases = ((model["aliases"] ?? []) as readonly Fields[]).map(({ alias, version }) => ({
      alias: String(alias),
      version: String(version),
    }));
    // MLflow's client fails at an alias of a version that is not there.
    const kept = aliases.filter(({ version }) => versions.has(version));
    for (const { alias, version } of aliases)
      if (!versions.has(version))
        this.#notFiled.push({ model: label, what: `alias ${alias} of version ${version}, which is not in the folder` });
    const left = await writeRegisteredModel(join(this.#parts.folder, MODELS_FOLDER, name), model, kept);
    this.#notFiled.push(...left.map((tag) => ({ model: label, what: `tag ${tag}` })));
    this.#counts.registered++;
  }
}

function documentOf(model: MigratedModel): Fields {
  if (model.document === undefined)
    throw damaged(model, "keeps no answers of MLflow, for an earlier release has moved it: `trainer-sdk migrate mlflow run` adds them");
  return parsed(model, model.document);
}

function parsed(model: MigratedModel, text: string): Fields {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    throw damaged(model, "has metadata that somebody has changed: `trainer-sdk migrate mlflow run --redo` repairs it");
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function damaged({ id, key, uri }: MigratedModel, what: string): DownloadError {
  return new DownloadError(`The model ${id} of ClearML (${key}) ${what}.`, { uri, retryable: false });
}
