/** A job's ClearML sink over a server whose answers a test prepares. */
import type { JsonValue } from "../../../../src/base/json.js";
import type { Delivery, DeliveryContext } from "../../../../src/outbox/sink.js";
import type { TrainerRecord } from "../../../../src/records/record.js";
import type { BoundTaskInfo, ClearMLSinkOptions } from "../../../../src/sinks/clearml/clearml-sink-options.js";
import { ClearMLSink } from "../../../../src/sinks/clearml/clearml-sink.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { volatileMemory } from "../../../contract/sink-contract.js";
import { memoryLogger, scriptedPort } from "./scripted-port.js";
import { taskServer } from "./task-server.js";

export const KEY = "trainer-sdk:training:-:42";

/** A sink over a server; `restart` is another process with the same journal. */
export function aJob(options: Partial<ClearMLSinkOptions> = {}, server = taskServer(), values = new Map<string, JsonValue>()) {
  const clock = new FakeClock();
  const logger = memoryLogger();
  const bound: BoundTaskInfo[] = [];
  const stops: string[] = [];
  const port = scriptedPort({ ...server.script });
  const sink = new ClearMLSink(port, {
    job: { operation: "training" },
    runId: "run",
    projectName: "Project 7",
    taskName: "Training Job 42",
    externalKey: KEY,
    owner: "trainer",
    mode: "live",
    onBound: (task) => bound.push(task),
    onStopRequest: (reason) => stops.push(reason),
    clock,
    logger,
    ...options,
  });
  const context: DeliveryContext = { signal: new AbortController().signal, memory: volatileMemory(values), ambiguous: false };
  return {
    server,
    port,
    sink,
    clock,
    logger,
    bound,
    stops,
    values,
    context,
    open: () => sink.open(context),
    deliver: (...records: TrainerRecord[]) => sink.deliver(records, context),
    restart: async (again: Partial<ClearMLSinkOptions> = {}) => {
      await sink.close();
      return aJob({ ...options, ...again }, server, values);
    },
    task: (id = "task-1") => server.tasks.get(id),
  };
}

export const statuses = (outcomes: readonly Delivery[]) => outcomes.map(({ status }) => status);
export const delivered = { status: "delivered" };
