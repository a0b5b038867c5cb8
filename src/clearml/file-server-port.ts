/** The file server's client as the storage room asks for one. Adds nothing of its own. */
import type { FileServerPort } from "../storage/fileserver-object-store.js";
import type { FileServer } from "./file-server.js";

/** The client in the form that `FileServerObjectStore` takes. */
export function fileServerPort(files: FileServer): FileServerPort {
  return {
    urlOf: (path) => files.urlOf(path),
    upload: async (path, { open, sizeBytes, contentType }, { signal }) => {
      await files.upload(path, open, { sizeBytes, contentType, signal });
    },
    head: (path, { signal }) => files.head(files.urlOf(path), { signal }),
  };
}
