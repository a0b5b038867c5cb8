/** Memories of uploads that outlive the attempt, as a journal's do. */
import type { JsonValue } from "../../src/base/json.js";
import type { SinkMemory } from "../../src/outbox/sink.js";
import type { UploadMemory } from "../../src/storage/object-store.js";

/** One upload's, and what it holds now. */
export function uploadMemory(): { readonly memory: UploadMemory; readonly pages: Map<string, JsonValue> } {
  const pages = new Map<string, JsonValue>();
  const save = async (page: string, value: JsonValue): Promise<void> => {
    if (value === null) pages.delete(page);
    else pages.set(page, structuredClone(value));
  };
  return { memory: { load: (page) => pages.get(page), save }, pages };
}

/** The outbox's, which survives a process. */
export function sinkMemory(): { readonly memory: SinkMemory; readonly values: Map<string, JsonValue> } {
  const { memory, pages } = uploadMemory();
  return { memory: { get: (key) => memory.load(key), set: (key, value) => memory.save(key, value) }, values: pages };
}
