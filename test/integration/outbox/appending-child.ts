/**
 * A process that appends as fast as it is told durable, and writes the sequence of every acknowledged record to its
 * standard output, one a line. It ends only by being killed.
 */
import { writeSync } from "node:fs";
import { Outbox } from "../../../src/outbox/outbox.js";

const [directory = ""] = process.argv.slice(2);
const outbox = await Outbox.open({
  directory,
  strict: true,
  sinks: [
    {
      name: "down",
      limits: { maxRecords: 100, maxBytes: 1e6 },
      accepts: () => true,
      deliver: () => Promise.resolve({ status: "retry", cause: "unreachable", reason: "down" }),
    },
  ],
});
writeSync(1, `ready ${outbox.runId}\n`);

async function appendForEver(): Promise<never> {
  for (;;) {
    const { record, durable } = outbox.append({
      fact: { kind: "log", level: "info", message: `line of ${String(process.pid)}` },
      traits: {},
    });
    const { status } = await durable;
    if (status === "durable") writeSync(1, `${String(record.sequence)}\n`);
  }
}

await Promise.all(Array.from({ length: 20 }, appendForEver));
