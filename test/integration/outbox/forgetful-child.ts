/** A process that appends one record for a sink that is down and never closes its outbox: it must end by itself. */
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
void outbox.append({ fact: { kind: "log", level: "info", message: "said in passing" }, traits: {} }).durable;
