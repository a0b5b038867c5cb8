/** A job's sink over the embedded server on real sockets, with a way to read back what the server holds. */
import type { JsonValue } from "../../../src/base/json.js";
import { silentLogger } from "../../../src/base/logger.js";
import { createClearML, type ClearML } from "../../../src/clearml/create-clearml.js";
import { startDevServer, type DevServer } from "../../../src/devserver/start-dev-server.js";
import type { Delivery, DeliveryContext, Sink } from "../../../src/outbox/sink.js";
import type { EventDocument } from "../../../src/protocol/clearml/event-document.js";
import type { TaskDocument } from "../../../src/protocol/clearml/task-document.js";
import type { TrainerRecord } from "../../../src/records/record.js";
import type { BoundTaskInfo, ClearMLSinkOptions } from "../../../src/sinks/clearml/clearml-sink-options.js";
import { createClearMLSink } from "../../../src/sinks/clearml/clearml-sink.js";
import { volatileMemory } from "../../contract/sink-contract.js";
import { FakeClock } from "../../support/fake-clock.js";

export interface Job {
  readonly sink: Sink;
  readonly clock: FakeClock;
  readonly stops: string[];
  readonly bound: BoundTaskInfo[];
  readonly values: Map<string, JsonValue>;
  open(signal?: AbortSignal): Promise<Delivery>;
  deliver(records: readonly TrainerRecord[], given?: Partial<DeliveryContext>): Promise<readonly Delivery[]>;
}

export class ClearMLBench implements AsyncDisposable {
  readonly server: DevServer;
  /** For reading back; its own session, with the faults cleared first. */
  readonly reader: ClearML;
  readonly #clients: ClearML[] = [];
  readonly #sinks: Sink[] = [];

  private constructor(server: DevServer) {
    this.server = server;
    this.reader = this.#client();
  }

  static async start(): Promise<ClearMLBench> {
    return new ClearMLBench(await startDevServer());
  }

  /** A process that runs the job: its own session, its own sink; `values` is its journal's memory. */
  job(options: Partial<ClearMLSinkOptions> = {}, values = new Map<string, JsonValue>()): Job {
    const clock = new FakeClock();
    const stops: string[] = [];
    const bound: BoundTaskInfo[] = [];
    const sink = createClearMLSink({
      clearml: this.#client(),
      job: { operation: "training" },
      runId: "run",
      projectName: "Project 7",
      taskName: "Training Job 42",
      externalKey: "trainer-sdk:training:-:42",
      owner: "trainer",
      mode: "live",
      onBound: (task) => bound.push(task),
      onStopRequest: (reason) => stops.push(reason),
      clock,
      logger: silentLogger,
      ...options,
    });
    this.#sinks.push(sink);
    const context = (given: Partial<DeliveryContext>): DeliveryContext => ({
      signal: new AbortController().signal,
      memory: volatileMemory(values),
      ambiguous: false,
      ...given,
    });
    return {
      sink,
      clock,
      stops,
      bound,
      values,
      open: (signal = new AbortController().signal) => sink.open!(context({ signal })),
      deliver: async (records, given = {}) => {
        const outcome = await sink.deliver(records, context(given));
        return Array.isArray(outcome) ? (outcome as readonly Delivery[]) : records.map(() => outcome as Delivery);
      },
    };
  }

  /** Every task of the job, whoever made it. */
  async tasks(): Promise<TaskDocument[]> {
    const { tasks } = await this.reader.session.call("tasks.get_all", { system_tags: ["trainer-sdk:training:-:42"] });
    return tasks;
  }

  async task(id: string): Promise<TaskDocument> {
    return (await this.reader.session.call("tasks.get_by_id", { task: id })).task;
  }

  /** The console, oldest first. */
  async console(task: string): Promise<EventDocument[]> {
    const { events } = await this.reader.session.call("events.get_task_log", { task, batch_size: 5000, navigate_earlier: false });
    return events;
  }

  /** Points of a line: iteration and value. */
  async line(task: string, metric: string, variant: string): Promise<[number, number | null][]> {
    const answer = await this.reader.session.call("events.scalar_metrics_iter_raw", { task, metric: { metric, variants: [variant] } });
    const { iter = [], y = [] } = answer.variants?.[variant] ?? {};
    return (iter ?? []).map((at, index) => [at, y[index] ?? null]);
  }

  #client(): ClearML {
    const { apiUrl, webUrl, filesUrl, accessKey, secretKey } = this.server;
    const client = createClearML({ apiHost: apiUrl, webHost: webUrl, filesHost: filesUrl, accessKey, secretKey }, {});
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.faults.clear();
    for (const sink of this.#sinks) await sink.close?.();
    for (const client of this.#clients) await client.close();
    await this.server.close();
  }
}
