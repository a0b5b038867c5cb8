/** Records that are a call or two of their own, in their place between the others. The end has a way of its own. */
import { callersTag } from "../../mlflow/mlflow-names.js";
import { configurationPath } from "../../mlflow/sink-texts.js";
import type { Delivery } from "../../outbox/sink.js";
import type { Fact, MediaFact } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";
import { failureOutcome } from "./delivery-failure.js";
import { deliverNamedFile, deliverPlainFile, type FileParts } from "./file-delivery.js";
import { artifactPath, checkpointPath, mediaPath, modelPath, plotPath } from "./file-paths.js";
import { deliverParameters } from "./parameter-delivery.js";
import { setTags, type RunCalls } from "./run-calls.js";
import { figurePage, putText } from "./text-delivery.js";

/** By which MLflow's own client says that a run has images along its steps. */
const IMAGES_TAG = { key: "mlflow.loggedImages", value: "True" };

/** Delivers one record that is no point. */
export async function deliverSingle(record: TrainerRecord, calls: RunCalls, parts: FileParts): Promise<Delivery> {
  try {
    await write(record, record.fact, calls, parts);
    return { status: "delivered" };
  } catch (error) {
    return failureOutcome(error, "single", calls.signal);
  }
}

async function write(record: TrainerRecord, fact: Fact, calls: RunCalls, parts: FileParts): Promise<void> {
  switch (fact.kind) {
    case "checkpoint": {
      const { file, type, epoch, iteration, isBest, framework, metrics, metadata } = fact;
      const facts = { type, epoch, iteration, is_best: isBest, framework, metrics, metadata };
      const named = { name: `checkpoint.${type}`, path: checkpointPath(fact), uri: file.uri, file, sharesPath: false, facts };
      await deliverNamedFile(record, named, calls, parts);
      return;
    }
    case "model": {
      const { name, file, uri, epoch, iteration, framework, tags, metrics, labels, comment, metadata, datasets, parentModelId } = fact;
      const facts = { name, epoch, iteration, framework, tags, comment, metrics, datasets, parent: parentModelId, metadata, labels };
      await deliverNamedFile(record, { name: `model.${name}`, path: modelPath(fact), uri, file, sharesPath: false, facts }, calls, parts);
      return;
    }
    case "artifact": {
      const { name, uri, file, type, metadata } = fact;
      await deliverNamedFile(
        record,
        { name: `artifact.${name}`, path: artifactPath(fact), uri, file, sharesPath: true, facts: { type, metadata } },
        calls,
        parts,
      );
      return;
    }
    case "media":
      await deliverMedia(record, fact, calls, parts);
      return;
    case "plot":
      await putText(calls, plotPath(fact), figurePage(`${fact.title} ${fact.series}`.trim(), fact.figure), "text/html");
      return;
    case "configuration":
      await putText(calls, configurationPath(fact), fact.text, "text/plain");
      return;
    case "tags": {
      const { writer, runId, rules, signal } = calls;
      for (const tag of fact.remove) await writer.deleteTag(runId, callersTag(tag, rules), { signal });
      await setTags(
        calls,
        [...new Set(fact.add.map((tag) => callersTag(tag, rules)))].map((key) => ({ key, value: "true" })),
      );
      return;
    }
    case "hyperparameters":
      await deliverParameters(calls, fact, record.sequence);
      return;
    default:
      // Points and the end have ways of their own; console lines have none.
      return;
  }
}

async function deliverMedia(record: TrainerRecord, fact: MediaFact, calls: RunCalls, parts: FileParts): Promise<void> {
  const path = mediaPath(record, fact);
  if (fact.file === undefined) {
    await putText(calls, `${path}.txt`, `${fact.uri}\n`, "text/plain");
    return;
  }
  await deliverPlainFile(fact.file, path, calls, parts);
  if (!path.startsWith("images/") || parts.memory.get("images") === calls.runId) return;
  await setTags(calls, [IMAGES_TAG]);
  await parts.memory.set("images", calls.runId);
}
