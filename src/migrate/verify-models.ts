/** Compares each model of MLflow with its model in ClearML: texts, tags, links, and every file of its package. Writes nothing. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { describeError, NotFoundError } from "../base/errors.js";
import type { ClearML } from "../clearml/create-clearml.js";
import { unpackWeights } from "../clearml/model-package.js";
import type { ModelDocument } from "../protocol/clearml/model-document.js";
import type { MlflowSource } from "../mlflow/mlflow-source.js";
import { isIsoLookalike } from "../records/metric-address.js";
import type { Differences } from "./differences.js";
import type { Inventory } from "./inventory.js";
import { modelKey, runKey } from "./migration-options.js";
import { sourceModels, type SourceModel } from "./source-models.js";

export interface ModelsToVerify {
  readonly mlflow: MlflowSource;
  readonly clearml: ClearML;
  readonly sourceId: string;
  readonly inventory: Inventory;
  readonly found: Differences;
  readonly signal: AbortSignal;
}

/** Notes what differs. @throws What keeps the lists from being read; the signal's reason. */
export async function verifyModels(given: ModelsToVerify): Promise<void> {
  const { mlflow, inventory, found, signal } = given;
  for await (const model of sourceModels(mlflow, inventory, signal)) {
    signal.throwIfAborted();
    found.counts.models++;
    try {
      const [document, ...others] = await withKey(given, model.key);
      if (!document || others.length > 0) found.add(model.runId, model.label, "1", String(others.length + (document ? 1 : 0)));
      else await verifyModel(given, model, document);
    } catch (error) {
      if (signal.aborted) throw error;
      found.add(model.runId, model.label, "readable", describeError(error));
    }
  }
}

async function withKey({ clearml, sourceId, signal }: ModelsToVerify, key: string): Promise<readonly ModelDocument[]> {
  return (await clearml.models.getPage({ system_tags: [modelKey(sourceId, key)], search_hidden: true }, { signal })).models;
}

async function verifyModel(given: ModelsToVerify, model: SourceModel, document: ModelDocument): Promise<void> {
  const { clearml, sourceId, inventory, found, signal } = given;
  const { runId, label } = model;
  const same = (what: string, inMlflow: string | undefined, inClearML: string | null | undefined): void =>
    found.value(runId, `${label}: ${what}`, inMlflow, inClearML ?? undefined);
  same("name", model.name, document.name);
  same("description", readable(model.comment), document.comment ?? "");
  same("tags", model.tags.toSorted().join("\n"), (document.tags ?? []).toSorted().join("\n"));
  const facts = new Map(Object.values(document.metadata ?? {}).map(({ key, value }) => [key ?? "", value ?? ""]));
  for (const [key, value] of Object.entries(model.metadata)) same(key, readable(value), facts.get(key));
  const [parent] = model.madeFrom === undefined ? [] : await withKey(given, model.madeFrom);
  same("model that it was made from", parent?.id, document.parent === "" ? undefined : document.parent);
  if (runId !== undefined && inventory.runs.has(runId)) {
    const filter = { system_tags: [runKey(sourceId, runId)], search_hidden: true };
    const [task] = (await clearml.tasks.getPage(filter, { signal })).tasks;
    same("task", task?.id, document.task);
    const isListed = task?.models?.output?.some((entry) => entry.model === document.id) ?? false;
    same("listed by its task", "true", String(isListed));
  }
  await verifyFiles(given, model, document);
}

async function verifyFiles({ mlflow, clearml, found, signal }: ModelsToVerify, model: SourceModel, document: ModelDocument): Promise<void> {
  const expected = new Map<string, string>();
  const temporary = await mkdtemp(join(tmpdir(), "trainer-sdk-verify-"));
  try {
    try {
      for await (const { path, file_size } of mlflow.artifacts(model.owner, { signal })) {
        const original = await mlflow.download(model.owner, path, join(temporary, "original"), {
          signal,
          sizeBytes: Number(file_size ?? 0),
        });
        expected.set(path, original.sha256);
        found.counts.files++;
        found.counts.fileBytes += original.sizeBytes;
      }
    } catch (error) {
      if (!NotFoundError.isInstance(error)) throw error;
    }
    if (expected.size === 0) {
      if (model.address !== "") found.value(model.runId, `${model.label}: address of its files`, model.address, document.uri ?? undefined);
      return;
    }
    await clearml.objects.fetch(document.uri ?? "", join(temporary, "package"), { signal });
    const folder = await unpackWeights(join(temporary, "package"), join(temporary, "stored"));
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path).split(sep).join("/");
      found.value(model.runId, `${model.label}: file ${name} (SHA-256)`, expected.get(name), await digestOf(path));
      expected.delete(name);
    }
    for (const [name, digest] of expected) found.add(model.runId, `${model.label}: file ${name} (SHA-256)`, digest, undefined);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** A text as ClearML holds it: one that it would read as a date has a space behind it. */
function readable(text: string): string {
  const wellFormed = text.toWellFormed();
  return isIsoLookalike(wellFormed) ? `${wellFormed} ` : wellFormed;
}
