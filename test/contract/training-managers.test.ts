import { kubernetesBench } from "../support/temporal/kubernetes-bench.js";
import { queueBench } from "../support/temporal/queue-bench.js";
import { subprocessBench } from "../support/temporal/subprocess-bench.js";
import { describeTrainingManager } from "./training-manager-contract.js";

describeTrainingManager("subprocess", () => subprocessBench());
describeTrainingManager("kubernetes", () => kubernetesBench());
describeTrainingManager("clearml queue", () => queueBench());
