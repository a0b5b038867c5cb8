/** The files of a model on their way: which there are, packed and uploaded, or left in their place and named by their addresses. */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DownloadError, NotFoundError } from "../base/errors.js";
import { freeText } from "../clearml/clearml-text.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { frameworkOfFile } from "../clearml/model-framework.js";
import { OutputModel } from "../clearml/output-model.js";
import type { MlflowFile } from "../mlflow/mlflow-documents.js";
import type { MlflowFilesOwner, MlflowSource } from "../mlflow/mlflow-source.js";
import { linkedModelAddress } from "./linked-address.js";
import { frameworkOfMlmodel, MLMODEL_FILE } from "./model-flavor.js";
import type { SourceModel } from "./source-models.js";

/** Metadata key of the list of files that were linked: path, size and address of each, as JSON. */
export const LINKED_FILES_KEY = "mlflow_files";

/** Whose files, and where they lie. */
export interface ModelFilesWork {
  readonly mlflow: MlflowSource;
  readonly model: SourceModel;
  readonly signal: AbortSignal;
  onFile(sizeBytes: number): void;
}

/** The files that MLflow lists; none where it cannot list them. @throws ApiError, ConnectionError; the signal's reason. */
export async function modelFiles({ mlflow, model, signal }: Omit<ModelFilesWork, "onFile">): Promise<readonly MlflowFile[]> {
  if (model.owner === undefined) return [];
  const files: MlflowFile[] = [];
  try {
    for await (const file of mlflow.artifacts(model.owner, { signal })) files.push(file);
  } catch (error) {
    if (!NotFoundError.isInstance(error)) throw error;
  }
  return files;
}

/** Downloads the files, and uploads them as the one package that a model of ClearML is. */
export async function copyModelFiles(work: ModelFilesWork, clearml: ClearML, id: string, files: readonly MlflowFile[]): Promise<void> {
  const { mlflow, model, signal } = work;
  if (model.owner === undefined) return;
  const temporary = await mkdtemp(join(tmpdir(), "trainer-sdk-migrate-"));
  try {
    // Its name becomes that of the package.
    const folder = join(temporary, "model");
    for (const { path, file_size } of files) {
      const parts = path.split("/");
      if (parts.includes(".."))
        throw new DownloadError(`The file ${JSON.stringify(path)} of the ${model.label} leads out of its folder.`, {
          uri: model.address,
          retryable: false,
        });
      const target = join(folder, ...parts);
      await mkdir(dirname(target), { recursive: true });
      const { sizeBytes } = await mlflow.download(model.owner, path, target, { signal, sizeBytes: Number(file_size ?? 0) });
      work.onFile(sizeBytes);
    }
    const output = await OutputModel.get(clearml, { id }, { signal });
    await output.updateWeights({ path: folder, targetFileName: `${basename(id)}.zip`, signal });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What stands in the place of copies: the address of the model, and in its metadata those of its files. */
export interface LinkedFiles {
  readonly uri: string;
  readonly list: string;
}

export function linkedModelFiles(work: ModelFilesWork, files: readonly MlflowFile[]): LinkedFiles {
  const { mlflow, model } = work;
  const { owner, address } = model;
  const linked = files.map(({ path, file_size }) => ({
    path,
    sizeBytes: Number(file_size ?? 0),
    uri: linkedModelAddress(owner ?? "", address, path, mlflow.address),
  }));
  for (const { sizeBytes } of linked) work.onFile(sizeBytes);
  // An address of ClearML is one of a file: that of a folder can be read by a person, and the list names each file.
  return { uri: linked.length === 1 ? (linked[0]?.uri ?? address) : address, list: JSON.stringify(linked) };
}

/** What the files say of the model. */
export interface ModelMaking {
  readonly framework?: string;
  /** The text of its `MLmodel`, as the official client shows a network's design. */
  readonly design?: { readonly design: string };
}

/**
 * Framework and design by the model's `MLmodel`; without one the framework by the files' names.
 *
 * @param isNeeded - False: a file that cannot be read says nothing, for the bytes of links are not asked for.
 */
export async function modelMaking(
  { mlflow, model, signal }: Pick<ModelFilesWork, "mlflow" | "model" | "signal">,
  files: readonly MlflowFile[],
  isNeeded: boolean,
): Promise<ModelMaking> {
  const described = files.find(({ path }) => path === MLMODEL_FILE);
  if (described === undefined || model.owner === undefined) {
    const framework = files.map(({ path }) => frameworkOfFile(path)).find((name) => name !== undefined);
    return framework === undefined ? {} : { framework };
  }
  try {
    const text = await readSmallFile(mlflow, model.owner, described, signal);
    const framework = frameworkOfMlmodel(text);
    return { design: { design: freeText(text) }, ...(framework === undefined ? {} : { framework }) };
  } catch (error) {
    if (isNeeded || signal.aborted) throw error;
    return {};
  }
}

async function readSmallFile(mlflow: MlflowSource, owner: MlflowFilesOwner, file: MlflowFile, signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "trainer-sdk-migrate-"));
  try {
    const target = join(folder, "file");
    await mlflow.download(owner, file.path, target, { signal, sizeBytes: Number(file.file_size ?? 0) });
    return await readFile(target, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
