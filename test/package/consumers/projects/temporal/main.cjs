// The same parts as CommonJS.
const { startDevServer } = require("trainer-sdk/devserver");
const { createTrainingActivities, kubernetesManager, subprocessManager, TRAINING_FAILURES } = require("trainer-sdk/temporal");
const { tellStory } = require("./story.cjs");

void tellStory({
  createTrainingActivities,
  kubernetesManager,
  subprocessManager,
  TRAINING_FAILURES,
  startDevServer,
  workflows: require.resolve("./workflows.cjs"),
});
