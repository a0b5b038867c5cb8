export { trainingWorkflow } from "trainer-sdk/temporal/workflow";
