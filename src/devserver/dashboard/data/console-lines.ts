/** From console events to lines on the screen, and what to ask for next. Pure. */
import type { LogEventDocument } from "./documents.js";

/** Most lines kept and shown; the newest win. */
export const MAX_LINES = 5000;

/** Events of different writers arrive late by a little; this much of the tail is read again each time. */
export const OVERLAP_MS = 5000;

/** One line as shown. `id` is unique among the lines of one list. */
export interface ConsoleLine {
  readonly id: string;
  /** Number of its event, counted from the first that was read, so that it stays when older ones are dropped. */
  readonly event: number;
  readonly timestamp: number;
  readonly level: string;
  readonly text: string;
}

/** Events in order of time; what is newer than the overlap's start may still change. */
export interface ConsoleTail {
  readonly events: readonly LogEventDocument[];
  /** How many older events were dropped since the first read. */
  readonly dropped: number;
  /** The server's own count when these were read; it stops counting at 10,000. */
  readonly total: number;
}

/** Where the next read begins: everything after this time (milliseconds) is asked for again. */
export function rereadFrom(tail: ConsoleTail): number | undefined {
  const last = tail.events.at(-1);
  return last === undefined ? undefined : last.timestamp - OVERLAP_MS;
}

/** Replaces all that is newer than `from` by what the server has there now. */
export function replaceTail(tail: ConsoleTail, from: number, fresh: readonly LogEventDocument[], total: number): ConsoleTail {
  const events = [...tail.events.filter((event) => event.timestamp <= from), ...fresh];
  const surplus = Math.max(0, events.length - MAX_LINES);
  return { events: events.slice(surplus), dropped: tail.dropped + surplus, total };
}

/**
 * True when the count says that events older than the overlap were added, as after an outage: only a full read helps.
 * Not decidable once the server has stopped counting or lines were dropped here.
 */
export function hasGap(tail: ConsoleTail): boolean {
  return tail.total < 10_000 && tail.total <= MAX_LINES && tail.total !== tail.events.length;
}

/** Splits events into lines: colour codes go, and of a rewritten line (carriage returns) the last state stays. */
export function toLines(tail: ConsoleTail): ConsoleLine[] {
  const lines = tail.events.flatMap((event, position) => {
    const number = tail.dropped + position;
    const texts = cleanText(event.msg ?? "").split("\n");
    if (texts.length > 1 && texts.at(-1) === "") texts.pop();
    return texts.map((text, index) => ({
      id: `${String(number)}.${String(index)}`,
      event: number,
      timestamp: event.timestamp,
      level: (event.level ?? "info").toLowerCase(),
      text: text.split("\r").findLast((part) => part !== "") ?? "",
    }));
  });
  return lines.slice(-MAX_LINES);
}

function cleanText(text: string): string {
  // eslint-disable-next-line no-control-regex -- terminal colour codes are what is being removed
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replace(/\r\n/g, "\n");
}
