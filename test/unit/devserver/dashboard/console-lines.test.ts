import { describe, expect, it } from "vitest";
import {
  hasGap,
  MAX_LINES,
  OVERLAP_MS,
  replaceTail,
  rereadFrom,
  toLines,
  type ConsoleTail,
} from "../../../../src/devserver/dashboard/data/console-lines.js";
import type { LogEventDocument } from "../../../../src/devserver/dashboard/data/documents.js";

function anEvent(timestamp: number, msg = `line at ${String(timestamp)}`): LogEventDocument {
  return { timestamp, level: "info", msg, worker: "host" };
}

function aTail(events: readonly LogEventDocument[]): ConsoleTail {
  return { events, dropped: 0, total: events.length };
}

describe("console lines", () => {
  it("splits an event into its lines, drops colour codes and keeps the last state of a rewritten line", () => {
    const lines = toLines(aTail([{ timestamp: 1, level: "ERROR", msg: "\u001b[31mfirst\u001b[0m\r\n10%\r50%\r100%\n\nlast\n" }]));
    expect(lines.map((line) => line.text)).toEqual(["first", "100%", "", "last"]);
    expect(lines.every((line) => line.level === "error")).toBe(true);
  });

  it("gives every line an id of its own, also when events are equal to the letter", () => {
    const lines = toLines(aTail([anEvent(1, "same"), anEvent(1, "same"), anEvent(2, "a\nb")]));
    expect(new Set(lines.map((line) => line.id)).size).toBe(4);
  });

  it("keeps the newest lines when there are too many", () => {
    const lines = toLines(aTail(Array.from({ length: MAX_LINES + 3 }, (_none, index) => anEvent(index))));
    expect(lines).toHaveLength(MAX_LINES);
    expect(lines[0]?.timestamp).toBe(3);
  });

  it("takes a late line into the tail without showing any line twice", () => {
    const before = aTail([anEvent(0), anEvent(OVERLAP_MS), anEvent(2 * OVERLAP_MS)]);
    const from = rereadFrom(before)!;
    const onServer = [
      anEvent(0),
      anEvent(OVERLAP_MS),
      anEvent(OVERLAP_MS + 1, "late"),
      anEvent(2 * OVERLAP_MS),
      anEvent(2 * OVERLAP_MS + 5),
    ];
    const after = replaceTail(
      before,
      from,
      onServer.filter((event) => event.timestamp > from),
      onServer.length,
    );
    expect(after.events).toEqual(onServer);
    expect(hasGap(after)).toBe(false);
  });

  it("keeps the numbers of lines when older ones are dropped, so that only what changed is drawn again", () => {
    const full = aTail(Array.from({ length: MAX_LINES }, (_none, index) => anEvent(index * OVERLAP_MS)));
    const newest = MAX_LINES * OVERLAP_MS;
    const after = replaceTail(full, newest - OVERLAP_MS, [anEvent(newest)], MAX_LINES + 1);
    expect(after.events).toHaveLength(MAX_LINES);
    expect(toLines(after).slice(0, -1)).toEqual(toLines(full).slice(1));
  });

  it("notices by the count that older lines were added, as after an outage", () => {
    const events = [anEvent(100_000), anEvent(100_001)];
    expect(hasGap(aTail(events))).toBe(false);
    expect(hasGap({ ...aTail(events), total: 40 })).toBe(true);
  });

  it("does not take the server's capped count for a gap", () => {
    expect(hasGap({ ...aTail([anEvent(1)]), total: 10_000 })).toBe(false);
  });
});
