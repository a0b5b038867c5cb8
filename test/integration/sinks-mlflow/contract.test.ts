import { describeSinkContract } from "../../contract/sink-contract.js";
import { progress, record } from "../../unit/sinks/clearml/facts.js";
import { MlflowBench } from "./mlflow-bench.js";

describeSinkContract("mlflow over its double", async () => {
  const bench = await MlflowBench.start();
  const records = [1, 2, 3].map((sequence) => record(sequence, progress({ epoch: sequence, metrics: { loss: sequence } })));
  return {
    sink: bench.job().sink,
    records,
    arrived: () => {
      bench.double.faults.clear();
      return (bench.double.activeRuns()[0]?.points ?? []).map(({ step }) => records[step - 1]?.id ?? "");
    },
    hang: () => void bench.double.faults.set("mlflow", { mode: "hang" }),
    refuse: () => void bench.double.faults.set("mlflow", { mode: "refuse" }),
    dispose: () => bench[Symbol.asyncDispose](),
  };
});
