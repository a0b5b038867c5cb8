/**
 * What the existing backend must be told again and again, or must never be told: the checkpoints so far, the epochs, and
 * where the job's end lies. Small facts in the sink's own memory, so a restart goes on with them.
 */
import * as z from "zod";
import type { JsonValue } from "../../../base/json.js";
import { onFirstUse } from "../../../base/on-first-use.js";
import type { SinkMemory } from "../../../outbox/sink.js";
import type { TrainerRecord } from "../../../records/record.js";

const schema = onFirstUse(() => {
  const metricValue = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]);
  const stored = z.object({
    sequence: z.number(),
    uri: z.string(),
    sizeBytes: z.number(),
    epoch: z.number().optional(),
    metrics: z.record(z.string(), metricValue).optional(),
  });
  return z.object({
    /** When this attempt's first report was taken, by the trainer's clock. Absent before that and after the end. */
    begunAtMs: z.number().optional(),
    epoch: z.number().optional(),
    totalEpochs: z.number().optional(),
    best: stored.optional(),
    last: stored.optional(),
    /** The newest model or artifact: what an export made. */
    product: stored.optional(),
    final: z.object({ sequence: z.number(), status: z.string() }).optional(),
  });
});

/** The state of one run at the backend. */
export type RunState = z.output<ReturnType<typeof schema>>;

const MEMORY_KEY = "run";

/** Reads it; a fresh one where there is none. */
export function readRunState(memory: SinkMemory): RunState {
  const parsed = schema().safeParse(memory.get(MEMORY_KEY));
  return parsed.success ? parsed.data : {};
}

/** Writes it. Resolves when durable. */
export async function writeRunState(memory: SinkMemory, state: RunState): Promise<void> {
  const text = JSON.stringify(state);
  if (JSON.stringify(memory.get(MEMORY_KEY)) !== text) await memory.set(MEMORY_KEY, JSON.parse(text) as JsonValue);
}

/** The state once the backend has this record (or, for a file, once it is stored). Pure. */
export function afterRecord(state: RunState, { fact, sequence, createdAtMs }: TrainerRecord): RunState {
  switch (fact.kind) {
    case "started":
      return { ...state, begunAtMs: createdAtMs, ...(fact.totalEpochs === undefined ? {} : { totalEpochs: fact.totalEpochs }) };
    case "progress":
      return {
        ...state,
        begunAtMs: state.begunAtMs ?? createdAtMs,
        ...(fact.epoch === undefined ? {} : { epoch: fact.epoch }),
        ...(fact.totalEpochs === undefined ? {} : { totalEpochs: fact.totalEpochs }),
      };
    case "checkpoint": {
      const { file, epoch, metrics } = fact;
      const entry = { sequence, uri: file.uri, sizeBytes: file.sizeBytes, epoch, metrics };
      const slot = fact.isBest || fact.type === "best" ? "best" : "last";
      // Uploads may end in another order than they were called in.
      return (state[slot]?.sequence ?? 0) > sequence ? state : { ...state, [slot]: entry };
    }
    case "model":
    case "artifact":
      if (fact.file === undefined || (state.product?.sequence ?? 0) > sequence) return state;
      return { ...state, product: { sequence, uri: fact.uri, sizeBytes: fact.file.sizeBytes } };
    case "final": {
      const { begunAtMs: _over, ...rest } = state;
      return { ...rest, final: { sequence, status: fact.status } };
    }
    default:
      return state;
  }
}
