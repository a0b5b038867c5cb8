// A worker's parts as ES module, installed from the archive.
import { fileURLToPath } from "node:url";
import { startDevServer } from "trainer-sdk/devserver";
import { createTrainingActivities, kubernetesManager, subprocessManager, TRAINING_FAILURES } from "trainer-sdk/temporal";
import { tellStory } from "./story.cjs";

const workflows = fileURLToPath(new URL("workflows.mjs", import.meta.url));
await tellStory({ createTrainingActivities, kubernetesManager, subprocessManager, TRAINING_FAILURES, startDevServer, workflows });
