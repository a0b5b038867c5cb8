/** An event that waits to be sent: its JSON, made once, and what has to be known of it meanwhile. */
import type { NumberedLine } from "./delivered-lines.js";

/** What it shows, by what may be given up for room: console lines first, then points, then the rest. */
export type EventClass = "console" | "point" | "figure";

export interface QueuedEvent {
  readonly class: EventClass;
  readonly json: string;
  /** Set for a console line, which the server would keep twice. */
  readonly line?: NumberedLine;
  /** The line may be there already: a request with it had no clear answer. */
  uncertain?: boolean;
}
