/** Files in memory, for servers without a socket in tests. Bytes are kept whole: not for large checkpoints. */
import type { Clock } from "../../base/clock.js";
import { readBytes } from "../../protocol/handler.js";
import type { FileStore } from "./file-store.js";

/** An empty store of files in memory. */
export function createMemoryFiles(clock: Clock): FileStore {
  const files = new Map<string, { readonly bytes: Uint8Array; readonly modifiedAtMs: number }>();
  return {
    async write(path, source) {
      files.set(path, { bytes: await readBytes(source), modifiedAtMs: clock.now() });
    },
    open(path) {
      const file = files.get(path);
      if (!file) return Promise.resolve(undefined);
      async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
        if (file && end >= start) yield file.bytes.subarray(start, end + 1);
      }
      return Promise.resolve({ sizeBytes: file.bytes.byteLength, modifiedAtMs: file.modifiedAtMs, read });
    },
    delete: (path) => Promise.resolve(files.delete(path)),
    deleteTree(path) {
      const gone = [...files.keys()].filter((name) => name === path || name.startsWith(`${path}/`));
      for (const name of gone) files.delete(name);
      return Promise.resolve(gone.length > 0);
    },
    close: () => Promise.resolve(),
  };
}
