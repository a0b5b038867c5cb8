import { kubernetesBench } from "../support/temporal/kubernetes-bench.js";
import { describeJobTroubles } from "./job-troubles-contract.js";

describeJobTroubles("a Job of the fake cluster", kubernetesBench);
