import { MemorySink } from "../support/memory-sink.js";
import { aRecord } from "../support/records.js";
import { describeSinkContract } from "./sink-contract.js";

describeSinkContract("MemorySink, the fake that the outbox is tested with", () => {
  const sink = new MemorySink();
  return {
    sink,
    records: [aRecord(1), aRecord(2), aRecord(3)],
    arrived: () => sink.delivered.map((record) => record.id),
    hang: () => {
      sink.answer = (_batch, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
        });
    },
    refuse: () => {
      sink.answer = () => ({ status: "retry", cause: "unreachable", reason: "refused" });
    },
  };
});
