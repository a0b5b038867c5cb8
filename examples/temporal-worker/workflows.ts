/** What the worker runs as workflows: by name, because every function exported here becomes a workflow type. */
export { trainingWorkflow } from "trainer-sdk/temporal/workflow";
