// What both module formats do: the activities are made and one runs, a cluster is asked for a Job, the workflow is bundled by
// Temporal's own bundler.
const { writeFile } = require("node:fs/promises");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { MockActivityEnvironment } = require("@temporalio/testing");
const { bundleWorkflowCode } = require("@temporalio/worker");

const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

exports.tellStory = async (parts) => {
  const { createTrainingActivities, kubernetesManager, subprocessManager, TRAINING_FAILURES, startDevServer, workflows } = parts;
  const server = await startDevServer({ port: 0 });
  const directory = path.join(process.argv[2] ?? os.tmpdir(), "registry");
  const activities = createTrainingActivities({
    manager: subprocessManager({ directory, pollIntervalMs: 20 }),
    env: { ...server.env },
    journal: { directory: path.join(directory, "../journals/{jobId}") },
    pollIntervalMs: 50,
  });
  const environment = () => new MockActivityEnvironment({ namespace: "default", workflowExecution: { workflowId: "w", runId: "r" } });
  const job = { jobId: "7", projectId: "3" };
  const { taskId } = await environment().run(activities.createClearmlTask, { job });
  const input = { job, taskId, command: [process.execPath, "-e", "process.exit(64)"], config: {} };
  const failure = await environment()
    .run(activities.executeTraining, input)
    .catch((error) => error);
  await environment().run(activities.failTask, { job, taskId, failure: { type: failure.type, message: failure.message } });
  const answer = await globalThis.fetch(`${server.env.CLEARML_API_HOST}/tasks.get_by_id`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: basic(server.env) },
    body: JSON.stringify({ task: taskId }),
  });
  const { status } = (await answer.json()).data.task;
  await server.close();
  const { code } = await bundleWorkflowCode({ workflowsPath: workflows, logger: quiet });
  const story = {
    failure: failure.type === TRAINING_FAILURES.invalidSpec ? "as published" : String(failure),
    status,
    job: (await askCluster(kubernetesManager, `${directory}.kubeconfig`)) ?? "none",
    bundled: code.includes("trainingProgress") && !/node:(fs|path|crypto|child_process)/.test(code),
  };
  process.stdout.write(JSON.stringify(story), () => process.exit(0));
};

// An API server that has nothing.
async function askCluster(kubernetesManager, kubeconfig) {
  const server = http.createServer((_request, response) => {
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code: 404, reason: "NotFound", message: "none" }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cluster = { server: `http://127.0.0.1:${server.address().port}`, "insecure-skip-tls-verify": true };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  const found = await kubernetesManager({ kubeconfig }).find("nobody's", { signal: new globalThis.AbortController().signal });
  server.closeAllConnections();
  server.close();
  return found;
}

function basic({ CLEARML_API_ACCESS_KEY: key, CLEARML_API_SECRET_KEY: secret }) {
  return `Basic ${Buffer.from(`${key}:${secret}`).toString("base64")}`;
}
