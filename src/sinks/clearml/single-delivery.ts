/** Records that are a call or two of their own, in their place between the others. */
import type { Logger } from "../../base/logger.js";
import type { Delivery, SinkMemory } from "../../outbox/sink.js";
import type { ArtifactInput } from "../../protocol/clearml/task-document.js";
import type { Fact } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { artifactItem, checkpointArtifact } from "./artifact-items.js";
import type { TaskCalls } from "./clearml-port.js";
import { failureOutcome } from "./delivery-failure.js";
import { deliverFinal, type FinalDeliveryParts } from "./final-delivery.js";
import { deliverBestModel, deliverModel } from "./model-delivery.js";
import { configurationItem, editTags, namedParameters, putArtifact, setConfiguration, setParameters } from "../../clearml/task-edits.js";

export interface SingleDeliveryParts extends FinalDeliveryParts {
  readonly logger: Logger;
  /** The task's name, for the models that are named after it. */
  readonly taskName: string;
  readonly memory: SinkMemory;
}

/** Delivers one record that is no event. */
export async function deliverSingle(record: TrainerRecord, calls: TaskCalls, parts: SingleDeliveryParts): Promise<Delivery> {
  if (record.fact.kind === "final") return deliverFinal(calls, record, record.fact, parts);
  try {
    await write(record, record.fact, calls, parts);
    return { status: "delivered" };
  } catch (error) {
    return failureOutcome(error, "single", calls.signal);
  }
}

async function write(record: TrainerRecord, fact: Fact, calls: TaskCalls, parts: SingleDeliveryParts): Promise<void> {
  switch (fact.kind) {
    case "checkpoint":
      await putNewest(record, checkpointArtifact(record, fact), calls, parts, async () => {
        if (fact.isBest) await deliverBestModel(calls, fact, parts.taskName, parts.logger);
      });
      return;
    case "model":
      await deliverModel(calls, record, fact, parts.logger);
      return;
    case "artifact":
      await putNewest(record, artifactItem(record, fact), calls, parts);
      return;
    case "tags":
      await editTags(calls, fact);
      return;
    case "hyperparameters":
      await setParameters(calls, namedParameters(fact));
      return;
    case "configuration":
      await setConfiguration(calls, configurationItem(fact));
      return;
    case "started":
    case "progress":
    case "validation":
    case "scalar":
    case "plot":
    case "media":
    case "resources":
    case "log":
    case "final":
      // Events and the end have ways of their own.
      return;
  }
}

/**
 * A name holds what was said last, not what was uploaded last: two uploads run side by side, and an older checkpoint whose
 * bytes took longer must not take the newer one's place. Known over restarts, for each task by itself.
 */
async function putNewest(
  record: TrainerRecord,
  item: ArtifactInput,
  calls: TaskCalls,
  { memory }: SingleDeliveryParts,
  alsoNewest?: () => Promise<void>,
): Promise<void> {
  const slot = `newest:${calls.taskId}:${item.key}`;
  const newest = memory.get(slot);
  if (typeof newest === "number" && newest > record.sequence) return;
  await putArtifact(calls, item);
  await alsoNewest?.();
  await memory.set(slot, record.sequence);
}
