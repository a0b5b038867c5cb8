/** What a sink's destination calls the job, kept in the sink's memory so that a restarted process goes on with it. */
import type { SinkMemory } from "../outbox/sink.js";

/** Notes the id under which the job of this key is known. */
export async function rememberId(memory: SinkMemory, slot: string, id: string, externalKey: string): Promise<void> {
  await memory.set(slot, { id, key: externalKey });
}

/** The id, if it is this job's: a folder that was used for another job before remembers that job's. */
export function rememberedId(memory: SinkMemory, slot: string, externalKey: string): string | undefined {
  const kept = memory.get(slot);
  if (typeof kept !== "object" || kept === null || Array.isArray(kept)) return undefined;
  const { id, key } = kept as { id?: unknown; key?: unknown };
  return typeof id === "string" && key === externalKey ? id : undefined;
}
