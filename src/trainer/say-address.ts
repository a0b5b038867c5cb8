/** A fact about bytes that are stored already: nothing is taken in, only said. */
import type { Outcome } from "../outbox/receipts.js";
import type { Fact } from "../records/facts.js";
import type { RecordTraits } from "../records/record.js";
import type { UploadReceipt } from "./receipt.js";
import type { Run } from "./run.js";
import { withoutFile } from "./take-file.js";

/** For verbs that went through the gate. Never rejects. */
export async function sayAddress(run: Run, verb: string, uri: string, fact: Fact, traits: RecordTraits = {}): Promise<UploadReceipt> {
  const { outbox } = run.parts;
  if (outbox === undefined) return withoutFile(run.reject(verb, run.parts.silentReason));
  const { record, durable } = outbox.append({ fact, traits });
  const delivered: Promise<Outcome> = outbox.outcome(record);
  const receipt = await durable;
  if (receipt.status === "rejected") return withoutFile(run.reject(verb, receipt.reason));
  const common = { id: record.id, sequence: record.sequence, rejectedItems: [], uri, delivered };
  return receipt.status === "durable" ? { status: "durable", ...common } : { status: "volatile", reason: receipt.reason, ...common };
}
