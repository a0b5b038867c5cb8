// What both trainers do. Prints one line of JSON: what the server has, and whether errors are known across copies.
const { mkdtemp, rm, writeFile } = require("node:fs/promises");
const os = require("node:os");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

exports.tellStory = async ({ TrainerSDK, TrainerSDKError, ValidationError, createClearML, startDevServer, otherCopy }) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "consumer-"));
  const server = await startDevServer();
  try {
    const checkpoint = path.join(folder, "last.bin");
    await writeFile(checkpoint, "weights");
    const env = {
      ...server.env,
      JOB_ID: "7",
      PROJECT_ID: "3",
      CHECKPOINT_URI: pathToFileURL(path.join(folder, "store")).href,
      TRAINER_JOURNAL_DIR: path.join(folder, "journal"),
    };
    const sdk = await TrainerSDK.init({ env });
    sdk.reportStarted({ totalEpochs: 1 });
    sdk.reportProgress({ epoch: 1, totalEpochs: 1, metrics: { train_loss: 0.5 } });
    const stored = await sdk.uploadCheckpoint(checkpoint, { type: "last", epoch: 1 });
    const thrown = await Promise.resolve()
      .then(() => sdk.reportProgress("nothing"))
      .catch((error) => error);
    await sdk.reportCompleted({ finalMetrics: { train_loss: 0.5 } });
    const receipt = await sdk.close();

    const clearml = createClearML({}, server.env);
    const tasks = [];
    for await (const { name, status } of clearml.tasks.getAll({ name: "^Training Job 7$" })) tasks.push({ name, status });
    await clearml.close();
    console.log(
      JSON.stringify({
        complete: receipt.complete,
        uri: stored.uri?.startsWith("file:///") === true,
        tasks,
        ownError: thrown instanceof ValidationError && thrown instanceof TrainerSDKError,
        foreignError: !(thrown instanceof otherCopy.TrainerSDKError) && otherCopy.ValidationError.isInstance(thrown),
        foreignOther: otherCopy.ConfigError.isInstance(thrown),
      }),
    );
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
};
