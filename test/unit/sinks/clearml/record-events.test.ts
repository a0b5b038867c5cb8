import { describe, expect, it } from "vitest";
import { eventInput } from "../../../../src/protocol/clearml/event-document.js";
import { eventId } from "../../../../src/protocol/clearml/identity.js";
import type { Fact, Metrics } from "../../../../src/records/facts.js";
import { MetricLines } from "../../../../src/sinks/clearml/metric-lines.js";
import { recordEvents, summaryEvents, type EventMapping, type RecordEvent } from "../../../../src/sinks/clearml/record-events.js";
import { volatileMemory } from "../../../contract/sink-contract.js";
import { line, progress, record, storedFile } from "./facts.js";

const SINGLE = -2_147_483_648;

function mapping(nonFinite: EventMapping["nonFinite"] = "companion"): EventMapping {
  return { taskId: "task", lines: MetricLines.load(volatileMemory()), nonFinite };
}

function events(fact: Fact, given: EventMapping = mapping(), sequence = 7): RecordEvent[] {
  return recordEvents(record(sequence, fact), given);
}

/** `title/series@iteration=value` */
function points(fact: Fact, given?: EventMapping): string[] {
  return events(fact, given).map((event) =>
    event.type === "log" ? `log ${event.msg}` : `${event.metric}|${event.variant}@${String(event.iter)}=${shown(event)}`,
  );
}

function shown(event: Exclude<RecordEvent, { type: "log" }>): string {
  if (event.type === "plot") return event.plot_str;
  return event.type === "training_debug_image" ? `${event.url} ${event.key}` : String(event.value);
}

const CASES: [name: string, fact: Fact, expected: string[]][] = [
  ["epoch as x", progress({ epoch: 3, metrics: { train_loss: 0.5 } }), ["loss|train@3=0.5"]],
  ["iteration before epoch", progress({ epoch: 3, iteration: 0, metrics: { train_loss: 0.5 } }), ["loss|train@0=0.5"]],
  ["a percentage alone", progress({ percent: 12, metrics: { throughput: 4 } }), ["throughput|metrics@7=4"]],
  ["several metrics in their order", progress({ epoch: 1, metrics: { "val/acc": 0, lr: -1e-3 } }), ["acc|val@1=0", "lr|metrics@1=-0.001"]],
  ["a message beside", progress({ epoch: 1, metrics: { lr: 1 }, message: "warming up" }), ["lr|metrics@1=1", "log warming up"]],
  ["nothing to say", progress({ epoch: 1 }), []],
  ["validation", { kind: "validation", epoch: 2, metrics: { val_loss: 0.25 } }, ["loss|val@2=0.25"]],
  ["a scalar", { kind: "scalar", title: "lr", series: "group 0", value: 1, iteration: 10 }, ["lr|group 0@10=1"]],
  ["a single value", { kind: "scalar", title: "Summary", series: "best", value: 1 }, [`Summary|best@${String(SINGLE)}=1`]],
  ["a plot", { kind: "plot", title: "bars", series: "s", iteration: 2, figure: "{}" }, ["bars|s@2={}"]],
  ["a plot of several lines", { kind: "plot", title: "lines", series: "", iteration: 0, figure: "{}" }, ["lines|@0={}"]],
  ["a plot with the name of a day", { kind: "plot", title: "2024-01-31", series: "s", iteration: 0, figure: "{}" }, ["2024-01-31_|s@0={}"]],
  [
    "a stored sample",
    { kind: "media", title: "mask", series: "s", iteration: 2, uri: storedFile().uri, file: storedFile() },
    [`mask|s@2=${storedFile().uri} ${storedFile().key}`],
  ],
  [
    "a sample that lies elsewhere",
    { kind: "media", title: "mask", series: "s", iteration: 2, uri: "https://host:8/a/b.png?c=d" },
    ["mask|s@2=https://host:8/a/b.png?c=d /a/b.png?c=d"],
  ],
  [
    "a sample without a path",
    { kind: "media", title: "mask", series: "s", iteration: 2, uri: "https://host" },
    ["mask|s@2=https://host https://host"],
  ],
  [
    "the machine's load",
    { kind: "resources", iteration: 5, readings: { cpu_usage: 12.5, gpu_0_utilization: 90 } },
    [":monitor:machine|cpu_usage@5=12.5", ":monitor:gpu|gpu_0_utilization@5=90"],
  ],
  ["NaN", progress({ epoch: 4, metrics: { train_loss: "NaN", lr: 1 } }), ["nonfinite|loss/train@4=1", "lr|metrics@4=1"]],
  ["infinity", progress({ epoch: 4, metrics: { train_loss: "-Infinity" } }), ["nonfinite|loss/train@4=1"]],
  ["more than a float of 32 bits", progress({ epoch: 4, metrics: { train_loss: 1e39 } }), ["nonfinite|loss/train@4=1"]],
  ["an ISO date as a name", progress({ epoch: 1, metrics: { "2024-01-31": 1 } }), ["2024-01-31_|metrics@1=1"]],
  ["an ISO time as a series", { kind: "scalar", title: "t", series: "12:34", value: 1, iteration: 1 }, ["t|12:34_@1=1"]],
  ["a console line", line("hello"), ["log hello"]],
  ["a start without words", { kind: "started", operation: "training" }, []],
  ["a start with words", { kind: "started", operation: "training", message: "go" }, ["log go"]],
  ["a fact that is no event", { kind: "tags", add: ["a"], remove: [] }, []],
];

describe("records as events", () => {
  it.each(CASES)("draws %s", (_name, fact, expected) => {
    expect(points(fact)).toEqual(expected);
  });

  it("makes only events that fit the wire's schema", () => {
    for (const [, fact] of CASES) for (const event of events(fact)) expect(eventInput().safeParse(event).success).toBe(true);
  });

  it("draws nothing for a value that is none, where the caller wants it so", () => {
    expect(points(progress({ epoch: 4, metrics: { train_loss: "NaN", lr: 1 } }), mapping("omit"))).toEqual(["lr|metrics@4=1"]);
  });

  it("dates every event by the call, in whole milliseconds", () => {
    const [event] = recordEvents({ ...record(7, line("x")), createdAtMs: 1_767_225_600_123.75 }, mapping());
    expect(event).toMatchObject({ timestamp: 1_767_225_600_123, task: "task" });
  });

  it("marks a console line with its run and sequence, and gives it no place on a chart", () => {
    const own = record(9, { kind: "log", level: "error", message: "broken" });
    expect(recordEvents(own, mapping())).toEqual([
      {
        type: "log",
        task: "task",
        timestamp: own.createdAtMs,
        level: "error",
        msg: "broken",
        trainer_sdk_run: own.runId,
        trainer_sdk_sequence: 9,
      },
    ]);
  });

  it("gives 2,000 metrics 2,000 identities, hyphens or not", () => {
    const metrics: Metrics = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [
        // Joined by a hyphen, title and series of the two are the same.
        [`${String(index)}-x/y`, 1],
        [`x/y-${String(index)}`, 1],
      ]).flat() as [string, number][],
    );
    const identities = events(progress({ epoch: 1, metrics })).map((event) => eventId(event as never));
    expect(identities).toHaveLength(2000);
    expect(new Set(identities).size).toBe(2000);
  });

  it("gives the same events at every attempt", () => {
    const given = mapping();
    const fact = progress({ epoch: 1, metrics: { train_loss: "NaN", "train/loss": 2, "a-b/c": 1, "b/c-a": 2 }, message: "m" });
    expect(events(fact, given)).toEqual(events(fact, given));
  });

  it("writes final figures into the summary table", () => {
    const summary = summaryEvents(record(3, line("")), { accuracy: 0.9, loss: "NaN" }, mapping());
    expect(summary.map(({ metric, variant, iter, value }) => [metric, variant, iter, value])).toEqual([
      ["Summary", "accuracy", SINGLE, 0.9],
      ["nonfinite", "Summary/loss", SINGLE, 1],
    ]);
  });
});
