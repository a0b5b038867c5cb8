/** The worker's workflows file: by name, as a host should do it. */
import { proxyTrainingActivities, type SweepTrainingsResult } from "trainer-sdk/temporal/workflow";

export { trainingWorkflow } from "trainer-sdk/temporal/workflow";

/** For a schedule. */
export async function sweepWorkflow(): Promise<SweepTrainingsResult> {
  return proxyTrainingActivities().sweepTrainings();
}
