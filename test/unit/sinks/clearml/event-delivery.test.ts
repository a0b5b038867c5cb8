import { describe, expect, it } from "vitest";
import type { TrainerRecord } from "../../../../src/records/record.js";
import { EventDelivery, MAX_EVENTS_PER_REQUEST, MAX_REQUEST_CHARACTERS } from "../../../../src/sinks/clearml/event-delivery.js";
import { MetricLines } from "../../../../src/sinks/clearml/metric-lines.js";
import { splitIntoRequests } from "../../../../src/sinks/request-plan.js";
import { volatileMemory } from "../../../contract/sink-contract.js";
import { line, progress, record } from "./facts.js";
import { noAnswer, raise, refusal, scriptedPort, type ScriptedPort, type Loose } from "./scripted-port.js";

const taken = (lines: unknown[]) => ({ added: lines.length, errors: 0, errors_info: {} });

/** A console that keeps what it was sent and pages as the server does: newest first, before the time asked from. */
function consoleScript() {
  const kept: Loose[] = [];
  const endpoints = {
    "events.add_batch": (lines: Loose[]) => {
      kept.push(...lines.filter(({ type }) => type === "log"));
      return taken(lines);
    },
    "events.get_task_log": ({ from_timestamp, batch_size }: Loose) => {
      const earlier = kept.filter(({ timestamp }) => timestamp < from_timestamp).sort((left, right) => right.timestamp - left.timestamp);
      const page = earlier.slice(0, batch_size);
      const last = page.at(-1)?.timestamp;
      return { events: [...page, ...earlier.slice(batch_size).filter(({ timestamp }) => timestamp === last)] };
    },
  };
  return { kept, endpoints };
}

function deliver(port: ScriptedPort, records: readonly TrainerRecord[], ambiguous = false, delivery = new EventDelivery("companion")) {
  const memory = volatileMemory();
  const calls = { port, taskId: "task", projectId: undefined, signal: new AbortController().signal };
  return delivery.deliver(records, calls, MetricLines.load(memory), memory, ambiguous);
}

const split = (linesOf: readonly (readonly string[])[]) =>
  splitIntoRequests(linesOf, { lines: MAX_EVENTS_PER_REQUEST, characters: MAX_REQUEST_CHARACTERS });

const statuses = (outcomes: readonly { status: string }[]) => outcomes.map(({ status }) => status);

describe("delivery of events", () => {
  it("sends consecutive records in one request, in their order", async () => {
    const port = scriptedPort({ "events.add_batch": taken });
    const records = [
      record(1, progress({ epoch: 1, metrics: { a: 1, b: 2 } })),
      record(2, line("x")),
      record(3, progress({ epoch: 2, metrics: { a: 3 } })),
    ];
    expect(statuses(await deliver(port, records))).toEqual(["delivered", "delivered", "delivered"]);
    expect(port.requests("events.add_batch")).toHaveLength(1);
    expect(port.requests("events.add_batch")[0].map((event: Loose) => event.metric ?? event.msg)).toEqual(["a", "b", "x", "a"]);
  });

  it("sends nothing for records that have nothing to draw", async () => {
    const port = scriptedPort();
    expect(statuses(await deliver(port, [record(1, progress({ epoch: 1 })), record(2, progress({ epoch: 2 }))]))).toEqual([
      "delivered",
      "delivered",
    ]);
    expect(port.calls).toEqual([]);
  });

  it("keeps what arrived apart from what did not, record by record", async () => {
    const metrics = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`m${String(index)}`, index]));
    const records = Array.from({ length: 5 }, (_, index) => record(index + 1, progress({ epoch: index, metrics })));
    let requests = 0;
    const port = scriptedPort({ "events.add_batch": (lines) => (++requests === 2 ? raise(noAnswer()) : taken(lines)) });
    const outcomes = await deliver(port, records);
    expect(statuses(outcomes)).toEqual(["delivered", "delivered", "retry"]);
    expect(port.requests("events.add_batch").map((lines) => lines.length)).toEqual([4000, 4000]);
  });

  it("gives the training its turns while it makes a large batch", async () => {
    const metrics = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`m${String(index)}`, index]));
    const records = Array.from({ length: 4 }, (_, index) => record(index + 1, progress({ epoch: index, metrics })));
    let turns = 0;
    let isSent = false;
    const count = (): void => {
      turns++;
      if (!isSent) setImmediate(count);
    };
    setImmediate(count);
    const port = scriptedPort({
      "events.add_batch": (lines) => {
        isSent = true;
        return taken(lines);
      },
    });
    await deliver(port, records);
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  it("does not take a 200 with errors for a success", async () => {
    const port = scriptedPort({ "events.add_batch": () => ({ added: 1, errors: 1, errors_info: { "Invalid event": 1 } }) });
    const [outcome] = await deliver(port, [record(1, progress({ epoch: 1, metrics: { a: 1, b: 2 } }))]);
    expect(outcome).toMatchObject({ status: "undecided", final: true, reason: expect.stringContaining("Invalid event") });
  });

  it("remembers new lines before it sends the first point of one", async () => {
    const order: string[] = [];
    const port = scriptedPort({ "events.add_batch": (lines) => (order.push("sent"), taken(lines)) });
    const memory = { ...volatileMemory(), set: async (key: string) => void order.push(key) };
    const calls = { port, taskId: "task", projectId: undefined, signal: new AbortController().signal };
    await new EventDelivery("companion").deliver(
      [record(1, progress({ epoch: 1, metrics: { "a-b": 1 } }))],
      calls,
      MetricLines.load(memory),
      memory,
      false,
    );
    expect(order).toEqual(["metric-names:0", "metric-addresses:0", "sent"]);
  });
});

describe("console lines, exactly once", () => {
  const lines = [1, 2, 3, 4].map((sequence) => record(sequence, line(`line ${String(sequence)}`)));

  it("does not look before a first attempt", async () => {
    const script = consoleScript();
    const port = scriptedPort(script.endpoints);
    await deliver(port, lines);
    expect(port.requests("events.get_task_log")).toEqual([]);
  });

  it("sends only those that a dropped answer had not brought", async () => {
    const script = consoleScript();
    script.endpoints["events.add_batch"](
      lines.slice(0, 2).map(({ runId, sequence, createdAtMs }) => ({
        type: "log",
        msg: "x",
        timestamp: createdAtMs,
        trainer_sdk_run: runId,
        trainer_sdk_sequence: sequence,
      })),
    );
    const port = scriptedPort(script.endpoints);
    expect(statuses(await deliver(port, lines, true))).toEqual(["delivered", "delivered", "delivered", "delivered"]);
    expect(script.kept.map(({ trainer_sdk_sequence }) => trainer_sdk_sequence)).toEqual([1, 2, 3, 4]);
  });

  it("is not misled by another run's lines of the same number", async () => {
    const script = consoleScript();
    script.endpoints["events.add_batch"](
      lines.map(({ sequence, createdAtMs }) => ({
        type: "log",
        msg: "x",
        timestamp: createdAtMs,
        trainer_sdk_run: "another",
        trainer_sdk_sequence: sequence,
      })),
    );
    await deliver(scriptedPort(script.endpoints), lines, true);
    expect(script.kept).toHaveLength(8);
  });

  it("reads as many pages as the batch's span of time needs, and no more", async () => {
    const script = consoleScript();
    const at = lines[0]!.createdAtMs;
    const noise = Array.from({ length: 12_000 }, (_, index) => ({ type: "log", msg: "n", timestamp: at + 10 + index }));
    const older = Array.from({ length: 12_000 }, (_, index) => ({ type: "log", msg: "o", timestamp: at - 1 - index }));
    script.endpoints["events.add_batch"]([...noise, ...older]);
    const late = { ...lines[3]!, createdAtMs: at + 20_000 };
    script.endpoints["events.add_batch"]([
      { type: "log", msg: "x", timestamp: at, trainer_sdk_run: lines[0]!.runId, trainer_sdk_sequence: 1 },
    ]);
    const port = scriptedPort(script.endpoints);
    await deliver(port, [lines[0]!, late], true);
    expect(script.kept.filter(({ trainer_sdk_sequence }) => trainer_sdk_sequence === 1)).toHaveLength(1);
    expect(script.kept.filter(({ trainer_sdk_sequence }) => trainer_sdk_sequence === 4)).toHaveLength(1);
    expect(port.requests("events.get_task_log")).toHaveLength(3);
  });

  it("stops reading at a server that answers with the same page for ever", async () => {
    const port = scriptedPort({
      "events.add_batch": taken,
      "events.get_task_log": () => ({ events: [{ type: "log", timestamp: 9_999_999_999_999 }] }),
    });
    expect(statuses(await deliver(port, lines, true))).toEqual(["delivered", "delivered", "delivered", "delivered"]);
    expect(port.requests("events.get_task_log")).toHaveLength(1);
  });

  it("looks by itself when a batch was refused after parts of it were stored", async () => {
    const script = consoleScript();
    const port = scriptedPort({ ...script.endpoints });
    const delivery = new EventDelivery("companion");
    port.script["events.add_batch"] = (events: Loose[]) => {
      script.endpoints["events.add_batch"](events.slice(0, 2));
      raise(refusal(500, 100));
    };
    expect(statuses(await deliver(port, lines, false, delivery))).toEqual(["undecided"]);
    port.script["events.add_batch"] = script.endpoints["events.add_batch"];
    // The outbox halves the batch.
    await deliver(port, lines.slice(0, 2), false, delivery);
    await deliver(port, lines.slice(2), false, delivery);
    expect(script.kept.map(({ trainer_sdk_sequence }) => trainer_sdk_sequence)).toEqual([1, 2, 3, 4]);
  });

  it("refuses no line because the log cannot be read", async () => {
    const port = scriptedPort({ "events.get_task_log": () => raise(refusal(400, 12)) });
    expect(await deliver(port, lines, true)).toMatchObject([{ status: "retry", cause: "answered" }]);
  });
});

describe("cutting into requests", () => {
  const many = (count: number, text = "x") => Array.from({ length: count }, () => text);

  it("bounds the number of events and cuts between records", () => {
    const requests = split([many(3000), many(1500), many(1000), many(4000)]);
    expect(requests.map(({ lines, first, completes }) => [lines.length, first, completes])).toEqual([
      [4500, 0, 2],
      [5000, 2, 4],
    ]);
  });

  it("gives a record that is too long for one request as many as it needs, and completes it with the last", () => {
    const requests = split([many(1), many(2 * MAX_EVENTS_PER_REQUEST + 1), many(1)]);
    expect(requests.map(({ lines, first, completes }) => [lines.length, first, completes])).toEqual([
      [1, 0, 1],
      [5000, 1, 1],
      [5000, 1, 1],
      [2, 1, 3],
    ]);
  });

  it("bounds the size of a request", () => {
    const big = "x".repeat(MAX_REQUEST_CHARACTERS / 2);
    expect(split([[big], [big], [big]]).map(({ lines }) => lines.length)).toEqual([1, 1, 1]);
    expect(split([["x".repeat(MAX_REQUEST_CHARACTERS * 2)]]).map(({ lines }) => lines.length)).toEqual([1]);
  });

  it("loses no line and keeps their order", () => {
    const records = Array.from({ length: 300 }, (_, index) =>
      Array.from({ length: (index * 37) % 97 }, (_unused, at) => `${String(index)}.${String(at)}`),
    );
    expect(split(records).flatMap(({ lines }) => lines)).toEqual(records.flat());
  });
});
