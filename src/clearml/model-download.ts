/** Weights on their way here: verified by what was recorded of them, and not fetched twice. */
import { mkdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ValidationError } from "../base/errors.js";
import { publicUrl } from "../base/http.js";
import { hashFile } from "../storage/private-copy.js";
import type { ClearML } from "./create-clearml.js";
import type { DownloadedFile } from "./file-server.js";
import { cleanObjectName } from "../protocol/clearml/object-path.js";
import { unpackWeights } from "./model-package.js";
import { recordedWeights } from "./model-weights.js";
import { objectAddress } from "./object-address.js";
import { localPathOf } from "./object-files.js";
import type { MetadataEntry } from "./model-metadata.js";

/** How weights are fetched. */
export interface WeightsFetchOptions {
  /** False: size and digest are not compared with what was recorded. Default true. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Where a local copy goes. */
export interface LocalCopyOptions extends WeightsFetchOptions {
  /** Copies are kept in it, one folder a model. Default: `trainer-sdk-models` in the machine's temporary folder. */
  readonly directory?: string;
  /** Fetches it although it is here. Default false. */
  readonly force?: boolean;
  /** Unpacks weights that are a zipped folder; the path is then that folder's. Default true. */
  readonly extract?: boolean;
}

/** What is asked of a model. */
interface Weights {
  readonly id: string;
  readonly name: string;
  readonly uri: string;
  readonly hasWeights: boolean;
  readonly isPackage: boolean;
  getAllMetadata(): Readonly<Record<string, MetadataEntry>>;
}

/** See `Model.getWeights`. */
export async function fetchWeights(
  clearml: ClearML,
  model: Weights,
  targetPath: string,
  { verify = true, signal }: WeightsFetchOptions,
): Promise<DownloadedFile> {
  if (!model.hasWeights) {
    const message = `model ${model.id} (${JSON.stringify(model.name)}) has none; its uri is ${JSON.stringify(publicUrl(model.uri))}`;
    throw new ValidationError(`There are no weights to fetch: ${message}.`, [{ path: "uri", message }]);
  }
  return clearml.objects.fetch(model.uri, targetPath, { ...(verify ? recordedWeights(model) : {}), signal });
}

/** See `Model.getLocalCopy`. */
export async function fetchLocalCopy(clearml: ClearML, model: Weights, options: LocalCopyOptions): Promise<string> {
  const address = objectAddress(model.uri);
  if (address.kind === "file" && !model.isPackage) return localPathOf(address);
  const directory = join(options.directory ?? join(tmpdir(), "trainer-sdk-models"), model.id);
  const path = join(directory, fileNameOf(model.uri));
  await mkdir(directory, { recursive: true });
  if (options.force === true || !(await isHere(path, model, options))) await fetchWeights(clearml, model, path, options);
  return model.isPackage && options.extract !== false ? unpackWeights(path, `${path}.extracted`, options.signal) : path;
}

/** True when the file is the one that was recorded. Without a record nobody knows, and it is fetched again. */
async function isHere(path: string, model: Weights, { signal, verify }: WeightsFetchOptions): Promise<boolean> {
  const { sha256, sizeBytes } = recordedWeights(model);
  if (sha256 === undefined || verify === false) return false;
  const facts = await stat(path).catch(() => undefined);
  if (!facts || (sizeBytes !== undefined && facts.size !== sizeBytes)) return false;
  return (await hashFile(path, signal ?? new AbortController().signal)).sha256 === sha256;
}

/** The address's last part, as a name that stays in its folder. */
function fileNameOf(uri: string): string {
  const last =
    uri
      .replace(/[?#].*$/, "")
      .split("/")
      .at(-1) ?? "";
  const decoded = /^https?:/i.test(uri) ? decodedOnce(last) : last;
  const name = cleanObjectName(decoded);
  return name === "" || name === "." || name === ".." ? "weights" : name;
}

function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
