/** Temporal, ClearML and a backend on real sockets, workers and trainers in processes of their own, and a ledger. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Client, type WorkflowHandle } from "@temporalio/client";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import type { TrainingWorkflowInput, trainingWorkflow } from "../../../src/temporal/workflow/index.js";
import { TRAINER_COMMAND } from "../../support/temporal/activity-bench.js";
import { until } from "../../support/until.js";
import type { TemporalServer } from "./temporal-server.js";
import type { TrainingPlace } from "./training-places.js";
import type { WorkerSettings } from "./training-worker.js";
import type { WorkflowBundle } from "./workflow-bundle.js";

const WORKER = fileURLToPath(new URL("training-worker.ts", import.meta.url));

export class TrainingBench<Place extends TrainingPlace = TrainingPlace> implements AsyncDisposable {
  readonly server: DevServer;
  readonly reader: ClearML;
  readonly client: Client;
  readonly folder: string;
  readonly queue: string;
  readonly place: Place;
  readonly #address: string;
  readonly #workflows: string;
  readonly #workers: ChildProcess[] = [];

  private constructor(temporal: TemporalServer, workflows: WorkflowBundle, server: DevServer, folder: string, place: Place) {
    this.place = place;
    this.server = server;
    this.reader = createClearML({}, { ...server.env });
    this.client = new Client({ connection: temporal.connection });
    this.folder = folder;
    this.queue = path.basename(folder);
    this.#address = temporal.address;
    this.#workflows = workflows.codePath;
  }

  static async start<Place extends TrainingPlace>(
    temporal: TemporalServer,
    workflows: WorkflowBundle,
    openPlace: (folder: string, server: DevServer) => Promise<Place>,
  ): Promise<TrainingBench<Place>> {
    const folder = await mkdtemp(path.join(tmpdir(), "trainer-temporal-"));
    await writeFile(path.join(folder, "ledger"), "");
    await writeFile(path.join(folder, "memory.events"), "low 0\noom 0\noom_kill 0\n");
    await mkdir(path.join(folder, "files"));
    const server = await startDevServer();
    return new TrainingBench(temporal, workflows, server, folder, await openPlace(folder, server));
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  /** @param host Workers of one host share its processes and its journals. */
  async worker(host = "one", given: Partial<WorkerSettings> = {}): Promise<ChildProcess> {
    const settings: WorkerSettings = {
      address: this.#address,
      taskQueue: this.queue,
      workflows: this.#workflows,
      place: this.place.of(host),
      journals: this.at(`journals-${this.place.isShared ? "all" : host}/{jobId}`),
      store: pathToFileURL(this.at("store")).href,
      shutdownGraceMs: 0,
      env: { ...this.server.env },
      ...given,
    };
    const worker = spawn(process.execPath, ["--no-warnings", WORKER, JSON.stringify(settings)], { stdio: ["ignore", "pipe", "inherit"] });
    this.#workers.push(worker);
    await once(worker.stdout, "data");
    return worker;
  }

  start(env: Record<string, string> = {}, given: Partial<TrainingWorkflowInput> = {}): Promise<WorkflowHandle<typeof trainingWorkflow>> {
    const input: TrainingWorkflowInput = {
      job: { jobId: "7", projectId: "3" },
      command: TRAINER_COMMAND,
      config: { epochs: 3 },
      env: {
        LEDGER: this.at("ledger"),
        GATE: this.at("gate"),
        FILES: this.at("files"),
        MEMORY_EVENTS: this.at("memory.events"),
        ...env,
      },
      stopGraceMs: 15_000,
      activities: { heartbeatTimeoutMs: 3_000 },
      ...given,
    };
    return this.client.workflow.start("trainingWorkflow", { workflowId: this.queue, taskQueue: this.queue, args: [input] }) as Promise<
      WorkflowHandle<typeof trainingWorkflow>
    >;
  }

  openGate(): Promise<void> {
    return writeFile(this.at("gate"), "");
  }

  async ledger(): Promise<readonly string[]> {
    const lines = (await readFile(this.at("ledger"), "utf8")).split("\n").filter((line) => line !== "");
    return lines.map((line) => line.split(" ").slice(0, 2).join(" "));
  }

  reached(line: string): Promise<void> {
    return until(async () => (await this.ledger()).includes(line));
  }

  /** Resolves when the trainer has completed and its workflow waits for a ClearML that is away. */
  async isHeldUp(workflow: WorkflowHandle<typeof trainingWorkflow>): Promise<void> {
    await this.reached("1 completed");
    // The final status cannot be given; where ends are told by ClearML, not even the end can be known.
    const waiting = this.place.tellsEndsByClearML ? "executeTraining" : "finalizeTask";
    const hits = this.server.faults.hits("api");
    await until(async () => {
      const { pendingActivities } = (await workflow.describe()).raw;
      const held = pendingActivities?.find(({ activityType }) => activityType?.name === waiting);
      return this.place.tellsEndsByClearML ? held !== undefined && this.server.faults.hits("api") > hits + 10 : (held?.attempt ?? 0) > 1;
    });
  }

  /** The one task of the job, with the loss curve. Tasks that run trainers are below it. */
  async clearml(): Promise<{ readonly status: string; readonly loss: readonly (number | null)[]; readonly id: string }> {
    const { tasks } = await this.reader.session.call("tasks.get_all", { only_fields: ["id", "status", "parent"] });
    const [task, ...others] = tasks.filter(({ parent }) => parent === undefined || parent === null);
    if (task === undefined || others.length > 0) throw new Error(`there are ${String(tasks.length)} tasks`);
    const metric = { metric: "loss", variants: ["train"] };
    const answer = await this.reader.session.call("events.scalar_metrics_iter_raw", { task: task.id, metric });
    return { id: task.id, status: task.status ?? "", loss: answer.variants?.["train"]?.y ?? [] };
  }

  /** What the backend was told: epochs of progress by trainer, and the ends. */
  async backend(): Promise<{ readonly progress: readonly string[]; readonly ends: readonly string[] }> {
    const answer = await fetch(`${this.server.callbackUrl}?job_id=7`);
    const { callbacks } = (await answer.json()) as {
      callbacks: readonly { path: string; headers: Record<string, string>; body: { epoch?: number } }[];
    };
    return {
      progress: callbacks.flatMap(({ path: at, headers, body }) =>
        at === "/progress" ? [`${headers["trainer-fence"] ?? "-"} epoch:${String(body.epoch)}`] : [],
      ),
      ends: callbacks.map(({ path: at }) => at).filter((at) => ["/completed", "/failed", "/stopped"].includes(at)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.faults.clear();
    await this.client.workflow
      .getHandle(this.queue)
      .terminate("the test is over")
      .catch(() => undefined);
    for (const worker of this.#workers) {
      if (worker.exitCode !== null || worker.signalCode !== null) continue;
      const ended = once(worker, "exit");
      worker.kill("SIGKILL");
      await ended;
    }
    await this.place[Symbol.asyncDispose]();
    await this.reader.close();
    await this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
