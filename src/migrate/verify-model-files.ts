/** Compares the files of a model: of copies every digest, of links paths, sizes and addresses. Reads both sides anew. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { NotFoundError } from "../base/errors.js";
import { unpackWeights } from "../clearml/model-package.js";
import type { MlflowFilesOwner } from "../mlflow/mlflow-source.js";
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import { linkedModelAddress } from "./linked-address.js";
import { LINKED_FILES_KEY } from "./model-files.js";
import { frameworkOfMlmodel, MLMODEL_FILE } from "./model-flavor.js";
import { asShown } from "./verify-metadata.js";
import type { ModelsToVerify } from "./verify-models.js";

export interface FilesToVerify {
  readonly label: string;
  readonly runId: string | undefined;
  readonly owner: MlflowFilesOwner;
  /** Where MLflow says that they are. */
  readonly address: string;
  readonly madeFrom: string | undefined;
  /** The ClearML model that it was made from: the files are that one's. */
  readonly parent: ModelDocument | undefined;
}

type Compare = (what: string, inMlflow: string | undefined, inClearML: string | null | undefined) => void;

/** @throws What keeps either side from being read. */
export async function verifyModelFiles(given: ModelsToVerify, model: FilesToVerify, document: ModelDocument, same: Compare): Promise<void> {
  const { mlflow, found, signal } = given;
  if (model.parent) same("address of the files of its model", model.parent.uri ?? undefined, document.uri);
  const listed: { readonly path: string; readonly sizeBytes: number }[] = [];
  try {
    for await (const { path, file_size } of mlflow.artifacts(model.owner, { signal }))
      listed.push({ path, sizeBytes: Number(file_size ?? 0) });
  } catch (error) {
    if (!NotFoundError.isInstance(error)) throw error;
  }
  if (listed.length === 0) {
    // There is nothing to compare with: this is no proof, and the report says so.
    found.counts.modelsWithoutFiles++;
    found.lossy.note("no-model-files", model.label);
    if (model.address !== "" && !model.parent) same("address of its files", model.address, document.uri);
    return;
  }
  const links = document.metadata?.[LINKED_FILES_KEY]?.value;
  if (links != null || model.parent?.metadata?.[LINKED_FILES_KEY]?.value != null) {
    found.counts.files += listed.length;
    found.counts.linkedFiles += listed.length;
    found.lossy.note("linked-model", model.label);
    const expected = listed.map((file) => ({ ...file, uri: linkedModelAddress(model.owner, model.address, file.path, mlflow.address) }));
    if (links != null) same("linked files", JSON.stringify(expected), links.trim());
    return;
  }
  await compareCopies(given, model, document, listed, same);
}

async function compareCopies(
  { mlflow, clearml, found, signal }: ModelsToVerify,
  model: FilesToVerify,
  document: ModelDocument,
  listed: readonly { readonly path: string; readonly sizeBytes: number }[],
  same: Compare,
): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), "trainer-sdk-verify-"));
  try {
    const expected = new Map<string, string>();
    const original = join(temporary, "original");
    for (const { path, sizeBytes } of listed) {
      const { sha256, sizeBytes: arrived } = await mlflow.download(model.owner, path, original, { signal, sizeBytes });
      expected.set(path, sha256);
      found.counts.files++;
      found.counts.fileBytes += arrived;
      if (path === MLMODEL_FILE) compareMaking(await readFile(original, "utf8"), document, same);
    }
    await clearml.objects.fetch(document.uri ?? "", join(temporary, "package"), { signal });
    const folder = await unpackWeights(join(temporary, "package"), join(temporary, "stored"));
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path).split(sep).join("/");
      same(`file ${name} (SHA-256)`, expected.get(name), await digestOf(path));
      expected.delete(name);
    }
    for (const [name, digest] of expected) found.add(model.runId, `${model.label}: file ${name} (SHA-256)`, digest, undefined);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function compareMaking(text: string, { framework, design }: ModelDocument, same: Compare): void {
  const shown = (design as { readonly design?: unknown } | null | undefined)?.design;
  same("MLmodel as its design", asShown(text), typeof shown === "string" ? shown : undefined);
  const expected = frameworkOfMlmodel(text);
  if (expected !== undefined) same("framework", expected, framework);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
