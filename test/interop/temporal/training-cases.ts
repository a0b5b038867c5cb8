/**
 * What holds of a training wherever its trainer runs. Of each: the ledger that trainers write themselves, ClearML, the backend
 * and the workflow tell the same story, and the writes of one trainer alone were accepted.
 */
import { once } from "node:events";
import { WorkflowFailedError } from "@temporalio/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DevServer } from "../../../src/devserver/index.js";
import { until } from "../../support/until.js";
import { Tally } from "../support/tally.js";
import { keepHistory } from "./keep-history.js";
import { startTemporalServer, type TemporalServer } from "./temporal-server.js";
import { TrainingBench } from "./training-bench.js";
import type { TrainingPlace } from "./training-places.js";
import { bundleWorkflows, type WorkflowBundle } from "./workflow-bundle.js";

/** Loss of the three epochs. */
export const WHOLE = [1, 1 / 2, 1 / 3];

/** A bench for each test, in a place of its own, over one Temporal server. */
export class Trainings<Place extends TrainingPlace> {
  readonly #tally: Tally;
  #temporal: TemporalServer | undefined;
  #workflows: WorkflowBundle | undefined;
  #bench: TrainingBench<Place> | undefined;

  /** @param part Of the suite, in the closing table. */
  constructor(part: string, openPlace: (folder: string, server: DevServer) => Promise<Place>) {
    this.#tally = new Tally("temporal", part);
    beforeAll(async () => {
      this.#temporal = await startTemporalServer();
      this.#workflows = await bundleWorkflows();
    });
    afterAll(async () => {
      await this.#workflows?.[Symbol.asyncDispose]();
      await this.#temporal?.[Symbol.asyncDispose]();
    });
    beforeEach(async () => {
      this.#bench = await TrainingBench.start(this.#temporal!, this.#workflows!, openPlace);
    });
    afterEach(() => this.#bench?.[Symbol.asyncDispose]());
  }

  get bench(): TrainingBench<Place> {
    return this.#bench!;
  }

  /** @param ends What the backend heard: a trainer that is interrupted says so, and the one that goes on says the job's. */
  async agreeOn(status: string, ...ends: string[]): Promise<void> {
    const { bench } = this;
    const [clearml, backend] = [await bench.clearml(), await bench.backend()];
    this.#tally.called(backend.progress.length + backend.ends.length + (await bench.ledger()).length);
    this.#tally.compare("ClearML's status", clearml.status, status);
    this.#tally.compare("the backend's end", backend.ends, ends);
    this.#tally.end();
    await keepHistory(bench.client, bench.queue, expect.getState().currentTestName ?? "");
  }
}

/** How a workflow failed: its outermost cause, and the innermost published type. */
export async function failure(result: Promise<unknown>): Promise<{ readonly workflow: string; readonly type: string | undefined }> {
  const error = await result.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  const chain: string[] = [];
  let type: string | undefined;
  for (let cause = (error as Error).cause; cause instanceof Error; cause = cause.cause) {
    chain.push(cause.name);
    type = (cause as { type?: string }).type ?? type;
  }
  return { workflow: chain[0] ?? "", type };
}

/** The cases that every place must pass. */
export function describeTrainings(name: string, trainings: Trainings<TrainingPlace>): void {
  describe(name, () => {
    it("runs to its completion and shows its progress", async () => {
      await trainings.bench.worker();
      const workflow = await trainings.bench.start({ HOLD_AT: "2" }, { required: { checkpoints: ["last"] }, model: { name: "detector" } });
      await trainings.bench.reached("1 epoch:2");
      await until(async () => (await workflow.query<{ training?: { iteration?: number } }>("progress")).training?.iteration === 2);
      await trainings.bench.openGate();
      const result = await workflow.result();
      expect(result).toMatchObject({ status: "completed", finalMetrics: { train_loss: 1 / 3 }, models: [expect.any(String)] });
      expect(await trainings.bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 epoch:3", "1 completed"]);
      expect((await trainings.bench.clearml()).loss).toEqual(WHOLE);
      await trainings.agreeOn("completed", "/completed");
    });

    it("whose worker is killed in the middle is adopted by the next", async () => {
      const first = await trainings.bench.worker();
      const workflow = await trainings.bench.start({ HOLD_AT: "2" });
      await trainings.bench.reached("1 epoch:2");
      first.kill("SIGKILL");
      await once(first, "exit");
      await trainings.bench.worker();
      await trainings.bench.openGate();
      expect(await workflow.result()).toMatchObject({ status: "completed" });
      expect(await trainings.bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 epoch:3", "1 completed"]);
      expect((await trainings.bench.clearml()).loss).toEqual(WHOLE);
      await trainings.agreeOn("completed", "/completed");
    });

    it("survives a deploy: its worker leaves within its grace, and the next one goes on with the same trainer", async () => {
      const first = await trainings.bench.worker("one", { shutdownGraceMs: 500 });
      const workflow = await trainings.bench.start({ HOLD_AT: "2" });
      await trainings.bench.reached("1 epoch:2");
      first.kill("SIGTERM");
      expect(await once(first, "exit")).toEqual([0, null]);
      expect(await trainings.bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2"]);
      await trainings.bench.worker();
      await trainings.bench.openGate();
      expect(await workflow.result()).toMatchObject({ status: "completed" });
      expect((await trainings.bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began"]);
      await trainings.agreeOn("completed", "/completed");
    });

    it("that is cancelled ends its trainer, and ends as cancelled", async () => {
      await trainings.bench.worker();
      const workflow = await trainings.bench.start({ HOLD_AT: "1" });
      await trainings.bench.reached("1 epoch:1");
      await workflow.cancel();
      expect((await failure(workflow.result())).workflow).toBe("CancelledFailure");
      expect(await trainings.bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 stopped"]);
      await trainings.agreeOn("stopped", "/stopped");
    });

    it("that is stopped by signal ends well, also when the signal comes before anything else", async () => {
      await trainings.bench.worker();
      const workflow = await trainings.bench.start({ HOLD_AT: "1" });
      await trainings.bench.reached("1 epoch:1");
      await workflow.signal("stop", "enough for today");
      expect(await workflow.result()).toMatchObject({ status: "stopped", message: "enough for today" });
      await trainings.agreeOn("stopped", "/stopped");
      const early = await trainings.bench.client.workflow.signalWithStart("trainingWorkflow", {
        workflowId: trainings.bench.queue,
        taskQueue: trainings.bench.queue,
        args: [{ job: { jobId: "8" }, command: ["/bin/false"] }],
        signal: "stop",
        signalArgs: ["never mind"],
      });
      expect(await early.result()).toMatchObject({ status: "stopped", message: "never mind" });
    });

    it("that is stopped in ClearML ends as stopped", async () => {
      await trainings.bench.worker();
      const workflow = await trainings.bench.start({ HOLD_AT: "2" });
      await trainings.bench.reached("1 epoch:2");
      await until(async () => (await trainings.bench.clearml()).status === "in_progress");
      await trainings.bench.reader.tasks.stop({ task: (await trainings.bench.clearml()).id });
      expect(await workflow.result()).toMatchObject({ status: "stopped" });
      expect((await trainings.bench.ledger()).at(-1)).toBe("1 stopped");
      await trainings.agreeOn("stopped", "/stopped");
    });

    it.each([
      ["crash:1", "TrainerError"],
      ["kill:SIGKILL", "Killed"],
      ["reportFailed", "TrainerError"],
    ])("whose trainer ends by %s fails as %s everywhere", async (end, type) => {
      await trainings.bench.worker();
      const workflow = await trainings.bench.start({ END: end });
      expect(await failure(workflow.result())).toMatchObject({ type });
      expect((await trainings.bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began"]);
      await trainings.agreeOn("failed", "/failed");
    });

    it("that is terminated has its trainer ended by the worker that had it in view", async () => {
      await trainings.bench.worker();
      const workflow = await trainings.bench.start({ HOLD_AT: "1" });
      await trainings.bench.reached("1 epoch:1");
      await workflow.terminate("an operator did it");
      await trainings.bench.reached("1 stopped");
    });

    it("that was terminated while no worker was there has its trainer ended by the sweeper, and nobody else's", async () => {
      const first = await trainings.bench.worker();
      const workflow = await trainings.bench.start({ HOLD_AT: "1" });
      await trainings.bench.reached("1 epoch:1");
      first.kill("SIGKILL");
      await once(first, "exit");
      await workflow.terminate("an operator did it");
      await trainings.bench.worker();
      const sweep = { workflowId: `sweep-${trainings.bench.queue}`, taskQueue: trainings.bench.queue, args: [] };
      expect(await trainings.bench.client.workflow.execute("sweepWorkflow", sweep)).toMatchObject({
        stopped: [expect.stringContaining(trainings.bench.queue)],
      });
      expect((await trainings.bench.ledger()).at(-1)).toBe("1 stopped");
      expect(
        await trainings.bench.client.workflow.execute("sweepWorkflow", { ...sweep, workflowId: `again-${trainings.bench.queue}` }),
      ).toMatchObject({
        stopped: [],
        forgotten: [expect.any(String)],
      });
    });

    it("waits for a ClearML that is down at its creation", async () => {
      trainings.bench.server.faults.set("api", { mode: "status", status: 503 });
      await trainings.bench.worker();
      const workflow = await trainings.bench.start();
      await until(async () => ((await workflow.describe()).raw.pendingActivities?.[0]?.attempt ?? 0) > 1);
      trainings.bench.server.faults.clear();
      expect(await workflow.result()).toMatchObject({ status: "completed" });
      expect((await trainings.bench.clearml()).loss).toEqual(WHOLE);
      await trainings.agreeOn("completed", "/completed");
    });

    it("completes after a ClearML that was down at its end has everything", async () => {
      await trainings.bench.worker();
      const workflow = await trainings.bench.start({ HOLD_AT: "2" });
      await trainings.bench.reached("1 epoch:2");
      trainings.bench.server.faults.set("api", { mode: "status", status: 503 });
      await trainings.bench.openGate();
      await trainings.bench.isHeldUp(workflow);
      trainings.bench.server.faults.clear();
      expect(await workflow.result()).toMatchObject({ status: "completed" });
      expect((await trainings.bench.clearml()).loss).toEqual(WHOLE);
      await trainings.agreeOn("completed", "/completed");
    });
  });
}
