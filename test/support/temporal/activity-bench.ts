/** The activities over the embedded ClearML and backend and real trainer processes, run in Temporal's mock environment. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MockActivityEnvironment } from "@temporalio/testing";
import { createClearML, type ClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import {
  createTrainingActivities,
  subprocessManager,
  type ExecuteTrainingInput,
  type TrainingActivities,
  type TrainingActivityDependencies,
  type TrainingManager,
} from "../../../src/temporal/index.js";
import { until } from "../until.js";

const TRAINER = fileURLToPath(new URL("sdk-trainer.ts", import.meta.url));
const RESOLVER = new URL("../resolve-typescript.js", import.meta.url).href;
/** A trainer made of our sources. */
export const TRAINER_COMMAND = [process.execPath, "--no-warnings", "--import", RESOLVER, TRAINER];

export interface ReceivedCallback {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

export class ActivityBench implements AsyncDisposable {
  readonly server: DevServer;
  readonly folder: string;
  readonly reader: ClearML;
  readonly job = { jobId: "7", projectId: "3" };
  readonly #managers: TrainingManager[] = [];

  private constructor(server: DevServer, folder: string) {
    this.server = server;
    this.folder = folder;
    this.reader = createClearML({}, { ...server.env });
  }

  static async start(): Promise<ActivityBench> {
    const folder = await mkdtemp(path.join(tmpdir(), "trainer-activities-"));
    await writeFile(path.join(folder, "ledger"), "");
    await writeFile(path.join(folder, "memory.events"), "low 0\noom 0\noom_kill 0\n");
    return new ActivityBench(await startDevServer(), folder);
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  manager(): TrainingManager {
    const manager = subprocessManager({ directory: this.at("registry"), pollIntervalMs: 20, memoryEventsFile: this.at("memory.events") });
    this.#managers.push(manager);
    return manager;
  }

  /** A worker's activities. */
  worker(given: Partial<TrainingActivityDependencies> = {}): TrainingActivities {
    const { env } = this.server;
    return createTrainingActivities({
      manager: this.manager(),
      env: { ...env, CHECKPOINT_URI: pathToFileURL(this.at("store")).href },
      journal: { directory: this.at("journals/{jobId}") },
      trainerSecrets: () => ({
        CLEARML_API_ACCESS_KEY: env.CLEARML_API_ACCESS_KEY,
        CLEARML_API_SECRET_KEY: env.CLEARML_API_SECRET_KEY,
      }),
      pollIntervalMs: 50,
      drainMs: 10_000,
      ...given,
    });
  }

  /** An attempt; `cancel` ends it as the server would. */
  attempt<Input, Result>(
    activity: (input: Input) => Promise<Result>,
    input: Input,
    info: Record<string, unknown> = {},
  ): { readonly result: Promise<Result>; readonly beats: unknown[]; readonly environment: MockActivityEnvironment } {
    const environment = new MockActivityEnvironment({
      namespace: "default",
      workflowExecution: { workflowId: "training-7", runId: "run" },
      heartbeatTimeoutMs: 2_000,
      ...info,
    });
    const beats: unknown[] = [];
    environment.on("heartbeat", (details: unknown) => beats.push(details));
    const result = environment.run<[Input], Result, (input: Input) => Promise<Result>>(activity, input);
    result.catch(() => undefined);
    return { result, beats, environment };
  }

  run<Input, Result>(activity: (input: Input) => Promise<Result>, input: Input, info: Record<string, unknown> = {}): Promise<Result> {
    return this.attempt(activity, input, info).result;
  }

  training(taskId: string, env: Record<string, string> = {}): ExecuteTrainingInput {
    return {
      job: this.job,
      taskId,
      command: TRAINER_COMMAND,
      config: { epochs: 3, optimizer: { lr: 0.1 } },
      stopGraceMs: 20_000,
      env: { LEDGER: this.at("ledger"), GATE: this.at("gate"), FILES: this.folder, MEMORY_EVENTS: this.at("memory.events"), ...env },
    };
  }

  async openGate(): Promise<void> {
    await writeFile(this.at("gate"), "");
  }

  async ledger(): Promise<readonly string[]> {
    const lines = (await readFile(this.at("ledger"), "utf8")).split("\n").filter((line) => line !== "");
    return lines.map((line) => line.split(" ").slice(0, 2).join(" "));
  }

  async pidOf(fence: number): Promise<number> {
    const lines = (await readFile(this.at("ledger"), "utf8")).split("\n");
    return Number(lines.find((line) => line.startsWith(`${String(fence)} began`))?.split(" ")[2]);
  }

  reached(line: string): Promise<void> {
    return until(async () => (await this.ledger()).includes(line));
  }

  async callbacks(): Promise<readonly ReceivedCallback[]> {
    const answer = await fetch(`${this.server.callbackUrl}?job_id=7`);
    return ((await answer.json()) as { callbacks: ReceivedCallback[] }).callbacks;
  }

  async task(id: string) {
    return (await this.reader.session.call("tasks.get_by_id", { task: id })).task;
  }

  async lossLine(task: string): Promise<readonly (number | null)[]> {
    const metric = { metric: "loss", variants: ["train"] };
    const answer = await this.reader.session.call("events.scalar_metrics_iter_raw", { task, metric });
    return answer.variants?.["train"]?.y ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { signal } = new AbortController();
    for (const manager of this.#managers)
      for await (const { handle } of manager.list({ signal }))
        await manager.stop(handle, { signal, graceMs: 0, reason: "the test is over" });
    this.server.faults.clear();
    await this.reader.close();
    await this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
