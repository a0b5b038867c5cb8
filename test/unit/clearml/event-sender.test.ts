import { describe, expect, it } from "vitest";
import { sendEvents } from "../../../src/clearml/event-sender.js";
import type { QueuedEvent } from "../../../src/clearml/queued-event.js";
import { FakeApi, refusal } from "./fake-api.js";

const RUN = "run";
/** Time of the first line. */
const FIRST_MS = 3_000;

/** Console lines by number; the server refuses those of `bad`. */
function aServer(bad: readonly number[] = []) {
  const api = new FakeApi();
  const stored: number[] = [];
  let sizes: number[] = [];
  api.respond = ({ endpoint, body }) => {
    if (endpoint === "events.get_task_log") {
      const { from_timestamp: from } = JSON.parse(body) as { from_timestamp: number };
      const events = stored
        .map((sequence) => ({ type: "log", timestamp: FIRST_MS + sequence, trainer_sdk_run: RUN, trainer_sdk_sequence: sequence }))
        .filter(({ timestamp }) => timestamp < from)
        .sort((left, right) => right.timestamp - left.timestamp);
      return { data: { events, returned: events.length, total: events.length } };
    }
    const lines = body.split("\n").map((line) => (JSON.parse(line) as { trainer_sdk_sequence: number }).trainer_sdk_sequence);
    sizes = [...sizes, lines.length];
    const refused = lines.findIndex((line) => bad.includes(line));
    // What stands before the bad one is stored, though the answer is a no.
    stored.push(...lines.slice(0, refused < 0 ? lines.length : refused));
    return refused < 0 ? { data: { added: lines.length, errors: 0 } } : refusal(500, 100, "mapper_parsing_exception");
  };
  return { api, stored, sizes: () => sizes };
}

function lines(count: number): QueuedEvent[] {
  return Array.from({ length: count }, (_, sequence) => {
    const line = { timestamp: FIRST_MS + sequence, trainer_sdk_run: RUN, trainer_sdk_sequence: sequence };
    return { class: "console", json: JSON.stringify({ type: "log", task: "t", msg: "m", ...line }), line };
  });
}

describe("sendEvents", () => {
  it("leaves each line once though a refused request had stored a part of them, and names the one at fault", async () => {
    const { api, stored } = aServer([11]);
    const outcome = await sendEvents(api.session({ retry: false }), "t", lines(16), {});
    expect(outcome).toMatchObject({
      settled: 16,
      delivered: 15,
      refused: [{ count: 1, reason: expect.stringContaining("mapper_parsing") }],
    });
    expect([...stored].sort((left, right) => left - right)).toEqual(
      lines(16)
        .map((_, at) => at)
        .filter((at) => at !== 11),
    );
  });

  it("settles all at once when not one was added", async () => {
    const { api } = aServer();
    api.respond = () => refusal(400, 131, "Invalid task id");
    const outcome = await sendEvents(api.session({ retry: false }), "t", lines(16), {});
    expect(outcome).toMatchObject({ settled: 16, delivered: 0, refused: [{ count: 16 }] });
    expect(api.calls).toHaveLength(1);
  });

  it.each([
    ["credentials", 401, 22],
    ["a race of the status", 400, 121],
    ["an outage", 503, 0],
    ["a failing server", 500, 0],
  ])("keeps everything for later after %s", async (_what, status, subcode) => {
    const { api } = aServer();
    api.respond = () => refusal(status, subcode);
    const outcome = await sendEvents(api.session({ retry: false }), "t", lines(4), {});
    expect(outcome).toMatchObject({ settled: 0, delivered: 0, refused: [], failure: { status } });
  });

  it("tells what went before a failure from what did not", async () => {
    const { api, stored } = aServer();
    const { respond } = api;
    const many = lines(5_001);
    api.respond = (request) => (stored.length > 0 ? refusal(503, 0) : respond(request));
    expect(await sendEvents(api.session({ retry: false }), "t", many, {})).toMatchObject({
      settled: 5_000,
      delivered: 5_000,
      failure: { status: 503 },
    });
  });
});
