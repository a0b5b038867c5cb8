/** The worker's workflows file: by name, as a host should do it. */
export { trainingWorkflow } from "trainer-sdk/temporal/workflow";
