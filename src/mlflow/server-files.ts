/**
 * Files of runs and models as a server lists them and hands them out; those whose names it would misread, from the store. Load this with
 * the first of them: who reads runs and histories does without.
 */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { publicUrl, type StreamingHttpTransport } from "../base/http.js";
import { isMisread, isMisreadBySome } from "./misread-names.js";
import { filesPage, type MlflowFile } from "./mlflow-documents.js";
import type { MlflowCall, MlflowDownload, MlflowDownloadCall, MlflowFilesOwner } from "./mlflow-source.js";
import type { MlflowWire } from "./mlflow-wire.js";
import { placeOfOwner, type ReadAnswer } from "./owner-place.js";
import { rowsOfPages } from "./server-pages.js";
import { workspaceHeader, type ServerWorkspaces } from "./server-workspaces.js";
import type { StoreFiles, StoreFilesOptions } from "./store-files.js";
import { StreamDigest } from "./stream-digest.js";

export interface ServerFilesParts {
  readonly wire: MlflowWire;
  readonly transport: StreamingHttpTransport;
  readonly workspaces: ServerWorkspaces;
  readonly store: StoreFilesOptions;
  readonly read: ReadAnswer;
  /** Makes an attempt again where that may help. */
  readonly repeating: <T>(signal: AbortSignal, attempt: () => Promise<T>) => Promise<T>;
}

/** The files of one server. */
export class ServerFiles {
  readonly #parts: ServerFilesParts;

  constructor(parts: ServerFilesParts) {
    this.#parts = parts;
  }

  /** As `MlflowClient.artifacts`. */
  async *list(owner: MlflowFilesOwner, call: MlflowCall): AsyncGenerator<MlflowFile, void, undefined> {
    const { wire, read } = this.#parts;
    const { signal } = call;
    const { place, workspace, root } = await placeOfOwner(owner, { ...this.#parts, signal });
    const folders: string[] = [""];
    for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
      if (isMisread(place.full(folder))) {
        yield* (await this.#store()).list({ name: place.name, root: await root() }, folder, call);
        continue;
      }
      const { path, query } = place.list(folder);
      // Some servers answer a large folder in pages.
      const files = rowsOfPages(
        wire,
        (page_token) => read(path, { ...query, page_token }, filesPage, { signal, workspace }),
        (page) => page.files,
      );
      for await (const file of files) {
        const own = place.ownPath(folder, file.path);
        if (file.is_dir) folders.push(own);
        else yield { ...file, path: own };
      }
    }
  }

  /** As `MlflowClient.download`. */
  async download(owner: MlflowFilesOwner, path: string, target: string, options: MlflowDownloadCall): Promise<MlflowDownload> {
    const { wire, transport, repeating } = this.#parts;
    const { signal, sizeBytes } = options;
    const { place, workspace, root } = await placeOfOwner(owner, { ...this.#parts, signal });
    const fromStore = async (): Promise<MlflowDownload> =>
      (await this.#store()).download({ name: place.name, root: await root() }, path, target, options);
    if (isMisread(place.full(path))) return fromStore();
    const route = place.file(path);
    const url = wire.url(route.path, route.query);
    const headers = { ...wire.headers, ...workspaceHeader(workspace) };
    return repeating(signal, async () => {
      const answer = await transport.stream({ method: "GET", url, headers, signal });
      if (answer.status !== 200) {
        answer.body.destroy();
        // As a missing file is answered, and a name that no header can hold.
        if ([400, 500].includes(answer.status) && isMisreadBySome(place.full(path))) return fromStore();
        throw wire.refusal("GET", route.path, answer.status, `file ${path} of ${place.name}`, answer.headers);
      }
      const digest = new StreamDigest();
      await pipeline(answer.body, digest, createWriteStream(target, { flush: true }));
      digest.expect(sizeBytes, { path, of: place.name, uri: publicUrl(url) });
      return digest.result();
    });
  }

  async #store(): Promise<StoreFiles> {
    const { StoreFiles: Store } = await import("./store-files.js");
    return new Store(this.#parts.store);
  }
}
