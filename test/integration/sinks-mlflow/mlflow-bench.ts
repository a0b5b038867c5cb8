/** A job's MLflow sink over the double on a real socket, with a way to read back what the double holds. */
import { Readable } from "node:stream";
import type { JsonValue } from "../../../src/base/json.js";
import { systemClock } from "../../../src/base/clock.js";
import { undiciTransport } from "../../../src/base/http.js";
import type { Logger } from "../../../src/base/logger.js";
import { MlflowWire } from "../../../src/mlflow/mlflow-wire.js";
import { MlflowWriter } from "../../../src/mlflow/mlflow-writer.js";
import type { Delivery, DeliveryContext, Sink } from "../../../src/outbox/sink.js";
import type { TrainerRecord } from "../../../src/records/record.js";
import type { MlflowSinkOptions } from "../../../src/sinks/mlflow/mlflow-sink-options.js";
import { createMlflowSink } from "../../../src/sinks/mlflow/mlflow-sink.js";
import { volatileMemory } from "../../contract/sink-contract.js";
import { MlflowDouble, type DoubleRun } from "../../support/mlflow-double.js";
import { serveWire, type WireServer } from "../../support/wire-server.js";

export interface MlflowJob {
  readonly sink: Sink;
  readonly values: Map<string, JsonValue>;
  readonly warnings: readonly string[];
  open(): Promise<Delivery>;
  deliver(records: readonly TrainerRecord[], given?: Partial<DeliveryContext>): Promise<readonly Delivery[]>;
}

export class MlflowBench implements AsyncDisposable {
  readonly double: MlflowDouble;
  readonly #server: WireServer;
  readonly #transport = undiciTransport();
  /** What stored files hold, by address. */
  readonly stored = new Map<string, Uint8Array>();

  private constructor(double: MlflowDouble, server: WireServer) {
    this.double = double;
    this.#server = server;
  }

  static async start(): Promise<MlflowBench> {
    const double = new MlflowDouble();
    return new MlflowBench(double, await serveWire(double.handler));
  }

  get url(): string {
    return this.#server.url;
  }

  /** The run that counts. @throws when there is none, or more than one. */
  run(): DoubleRun {
    const [run, ...others] = this.double.activeRuns();
    if (run === undefined || others.length > 0) throw new Error(`${String(this.double.activeRuns().length)} runs`);
    return run;
  }

  /** A process that runs the job; `values` is its journal's memory. */
  job(options: Partial<MlflowSinkOptions> = {}, values = new Map<string, JsonValue>(), workspace?: string): MlflowJob {
    const warnings: string[] = [];
    const note = (message: string): void => void warnings.push(message);
    const logger: Logger = { debug() {}, info() {}, warn: note, error: note };
    const connection = { baseUrl: this.url, authorization: undefined, workspace };
    const sink = createMlflowSink({
      writer: new MlflowWriter(new MlflowWire({ connection, transport: this.#transport, clock: systemClock })),
      journalId: "journal",
      experimentName: "Project 7",
      runName: "Training Job 42",
      externalKey: "trainer-sdk:training:7:42",
      userName: "somebody",
      taskId: () => undefined,
      openFile: ({ uri }) => Promise.resolve(Readable.from([this.stored.get(uri) ?? Buffer.alloc(0)])),
      mode: "live",
      clock: systemClock,
      logger,
      ...options,
    });
    const context = (given: Partial<DeliveryContext> = {}): DeliveryContext => ({
      signal: new AbortController().signal,
      memory: volatileMemory(values),
      ambiguous: false,
      ...given,
    });
    return {
      sink,
      values,
      warnings,
      open: async () => (await sink.open?.(context())) ?? { status: "delivered" },
      deliver: async (records, given) => {
        const outcome = await sink.deliver(records, context(given));
        return Array.isArray(outcome) ? (outcome as readonly Delivery[]) : records.map(() => outcome as Delivery);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.double.faults.close();
    await this.#transport.close();
    await this.#server.close();
  }
}
