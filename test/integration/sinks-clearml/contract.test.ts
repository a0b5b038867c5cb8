import { describeSinkContract } from "../../contract/sink-contract.js";
import { line, record } from "../../unit/sinks/clearml/facts.js";
import { ClearMLBench } from "./clearml-bench.js";

describeSinkContract("clearml over the embedded server", async () => {
  const bench = await ClearMLBench.start();
  const job = bench.job();
  const records = [1, 2, 3].map((sequence) => record(sequence, line(`line ${String(sequence)}`)));
  return {
    sink: job.sink,
    records,
    arrived: async () => {
      bench.server.faults.clear();
      const task = job.bound.at(-1);
      const console = task ? await bench.console(task.id) : [];
      return console.map((event) => `${String(event["trainer_sdk_run"])}-${String(event["trainer_sdk_sequence"])}`);
    },
    hang: () => void bench.server.faults.set("api", { mode: "hang" }),
    refuse: () => void bench.server.faults.set("api", { mode: "refuse" }),
    dispose: () => bench[Symbol.asyncDispose](),
  };
});
