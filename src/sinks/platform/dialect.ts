/**
 * How a fact is put into words for a backend. A dialect knows paths, bodies and what an answer asks for; it knows
 * nothing of tokens, retries or sockets, which are the sink's.
 */
import type { JsonValue } from "../../base/json.js";
import type { OperationType } from "../../records/facts.js";
import type { TrainerRecord } from "../../records/record.js";

/** What a dialect may know beside the record. The run's id is `record.runId`. */
export interface CallbackContext {
  readonly operation: OperationType;
  /** `JOB_ID`, where there is one. */
  readonly jobId: string | undefined;
  /** The ClearML task as far as it is known at this moment. */
  readonly taskId: string | undefined;
}

/** One POST. */
export interface CallbackRequest {
  /** Appended to the callback URL, such as `/progress`. */
  readonly path: string;
  readonly body: JsonValue;
  /** Beside content type, bearer token and `Idempotency-Key`; the same names replace those. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an answer asks of the trainer. */
export interface CallbackInstruction {
  readonly action: "stop";
  readonly reason: string;
}

/** A way to speak to a backend. */
export interface CallbackDialect {
  /** For messages. */
  readonly name: string;
  /** False: this dialect has nothing to say about such a record. Pure. Default: whatever `toRequest` answers. */
  accepts?(record: TrainerRecord): boolean;
  /**
   * The request for a record, or undefined for none. The same record must give the same request but for the task id: it
   * may be sent more than once. One that throws makes the record a dead letter.
   */
  toRequest(record: TrainerRecord, context: CallbackContext): CallbackRequest | undefined;
  /** Reads a 2xx answer's body: parsed JSON, or undefined when it is none. Default: understands `{"action":"stop","reason":"..."}`. */
  readAnswer?(body: unknown): CallbackInstruction | undefined;
}

/** A dialect in one function. */
export type CallbackDialectFunction = CallbackDialect["toRequest"];
