/** The activities, attempt by attempt, as a worker runs them: over real trainers, a real ClearML on sockets, and a backend. */
import { readdir, rm, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { ApplicationFailure, CancelledFailure } from "@temporalio/activity";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExecuteTrainingResult } from "../../../src/temporal/index.js";
import { ActivityBench } from "../../support/temporal/activity-bench.js";
import { until } from "../../support/until.js";

let bench: ActivityBench;
beforeEach(async () => {
  bench = await ActivityBench.start();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function aTask(): Promise<string> {
  return (await bench.run(bench.worker().createClearmlTask, { job: bench.job })).taskId;
}

async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

describe("createClearmlTask", () => {
  it("makes one task whatever is repeated, with the configuration, and tells the backend its id", async () => {
    const input = {
      job: bench.job,
      config: { epochs: 3, optimizer: { lr: 0.1 } },
      configurations: { "model.yaml": "layers: 3" },
      tags: ["nightly"],
    };
    const [one, other] = await Promise.all([
      bench.run(bench.worker().createClearmlTask, input),
      bench.run(bench.worker().createClearmlTask, input),
    ]);
    expect(other.taskId).toBe(one.taskId);
    const again = await bench.run(bench.worker().createClearmlTask, input);
    expect(again).toEqual(one);
    const task = await bench.task(again.taskId);
    expect(task).toMatchObject({ name: "Training Job 7", status: "created", type: "training", tags: ["nightly"] });
    expect(task.hyperparams?.["General"]?.["optimizer/lr"]).toMatchObject({ value: "0.1", type: "float" });
    expect(task.configuration?.["model.yaml"]).toMatchObject({ value: "layers: 3" });
    const told = await bench.callbacks();
    expect(told[0]).toMatchObject({ path: "/task", body: { job_id: "7", task_id: again.taskId, web_url: again.webUrl } });
  });

  it.each(["inference", "evaluation", "export"] as const)("makes a task for a job of type %s too", async (operation) => {
    const { taskId } = await bench.run(bench.worker().createClearmlTask, { job: { ...bench.job, operation } });
    expect((await bench.task(taskId)).name).toBe(`${operation.charAt(0).toUpperCase()}${operation.slice(1)} Job 7`);
  });

  it("fails retryably while ClearML is down, and not retryably for an input that does not fit", async () => {
    bench.server.faults.set("api", { mode: "status", status: 503 });
    const outage = await failureOf(bench.run(bench.worker().createClearmlTask, { job: bench.job }));
    expect([outage.type, outage.nonRetryable]).toEqual(["BackendUnavailable", false]);
    const wrong = await failureOf(bench.run(bench.worker().createClearmlTask, { job: { jobId: "" } }));
    expect([wrong.type, wrong.nonRetryable]).toEqual(["InvalidSpec", true]);
  });

  it("goes on when the backend knows no /task, and waits when the backend is down", async () => {
    bench.server.faults.set("callbacks", { mode: "status", status: 503, times: 1 });
    expect((await failureOf(bench.run(bench.worker().createClearmlTask, { job: bench.job }))).type).toBe("BackendUnavailable");
    bench.server.faults.set("callbacks", { mode: "status", status: 404 });
    expect((await bench.run(bench.worker().createClearmlTask, { job: bench.job })).taskId).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("executeTraining and finalizeTask", () => {
  it("run a training to its completion: task, backend and result agree", async () => {
    const taskId = await aTask();
    const worker = bench.worker();
    const { result, beats } = bench.attempt(worker.executeTraining, bench.training(taskId));
    const training = await result;
    expect(training).toMatchObject({ outcome: "completed", fence: 1, exitCode: 0, backend: "subprocess", journal: { settled: true } });
    expect(training.logTail).toContain("epoch 3 is done");
    expect(beats[0]).toMatchObject({ v: 1, handle: { backend: "subprocess", fence: 1 } });
    expect((await bench.task(taskId)).status).toBe("in_progress");
    const final = await bench.run(worker.finalizeTask, { job: bench.job, taskId, training, required: { checkpoints: ["last"] } });
    expect(final).toMatchObject({ status: "completed", finalMetrics: { train_loss: 1 / 3 } });
    expect(final.checkpoints["last"]).toMatch(/^file:\/\/.*last-3-/);
    expect(await bench.task(taskId)).toMatchObject({ status: "completed", status_reason: "trainer-sdk: completed" });
    expect(await bench.lossLine(taskId)).toEqual([1, 1 / 2, 1 / 3]);
    expect((await bench.callbacks()).map((callback) => callback.path).filter((path) => path === "/completed")).toHaveLength(1);
    expect(await bench.run(worker.finalizeTask, { job: bench.job, taskId, training })).toMatchObject({ status: "completed" });
    expect((await bench.callbacks()).filter(({ path }) => path === "/completed")).toHaveLength(1);
    expect(JSON.stringify([training, final, beats])).not.toContain(bench.server.secretKey);
  });

  it("adopt the running trainer on a retry, also when the heartbeat is of another version", async () => {
    const taskId = await aTask();
    const first = bench.attempt(bench.worker().executeTraining, bench.training(taskId, { HOLD_AT: "2" }));
    await bench.reached("1 epoch:2");
    first.environment.cancel("WORKER_SHUTDOWN");
    await expect(first.result).rejects.toBeInstanceOf(CancelledFailure);
    const second = bench.attempt(bench.worker().executeTraining, bench.training(taskId, { HOLD_AT: "2" }), {
      attempt: 2,
      heartbeatDetails: { v: 99, anything: true },
    });
    await until(() => second.beats.length > 0);
    await bench.openGate();
    expect(await second.result).toMatchObject({ outcome: "completed", fence: 1 });
    expect((await bench.ledger()).filter((line) => line.endsWith("began"))).toEqual(["1 began"]);
  });

  it("collect the end of a trainer that ended while no worker was there", async () => {
    const taskId = await aTask();
    const first = bench.attempt(bench.worker().executeTraining, bench.training(taskId, { HOLD_AT: "1" }));
    await bench.reached("1 epoch:1");
    first.environment.cancel("WORKER_SHUTDOWN");
    await expect(first.result).rejects.toThrow();
    await bench.openGate();
    await bench.reached("1 completed");
    expect(await bench.run(bench.worker().executeTraining, bench.training(taskId))).toMatchObject({ outcome: "completed", fence: 1 });
  });

  it.each(["TIMED_OUT", "NOT_FOUND", "WORKER_SHUTDOWN", "PAUSED"])(
    "leave the trainer alone when the attempt ends by %s",
    async (reason) => {
      const taskId = await aTask();
      const { result, environment } = bench.attempt(bench.worker().executeTraining, bench.training(taskId, { HOLD_AT: "1" }));
      await bench.reached("1 epoch:1");
      environment.cancel(reason as never);
      await expect(result).rejects.toMatchObject({ message: reason });
      expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1"]);
      process.kill(await bench.pidOf(1), 0);
    },
  );

  it("end the trainer when they are cancelled, and rethrow the cancellation; stopTask then tells the end", async () => {
    const taskId = await aTask();
    const worker = bench.worker();
    const { result, environment } = bench.attempt(worker.executeTraining, bench.training(taskId, { HOLD_AT: "1" }));
    await bench.reached("1 epoch:1");
    environment.cancel("CANCELLED");
    await expect(result).rejects.toMatchObject({ message: "CANCELLED" });
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 stopped"]);
    await bench.run(worker.stopTask, { job: bench.job, taskId, reason: "the user cancelled" });
    expect(await bench.task(taskId)).toMatchObject({ status: "stopped", status_message: "the user cancelled" });
    expect((await bench.callbacks()).map(({ path }) => path).at(-1)).toBe("/stopped");
    expect((await bench.callbacks()).filter(({ path }) => path === "/stopped")).toHaveLength(1);
  });

  it("end as stopped when somebody stops the task in ClearML", async () => {
    const taskId = await aTask();
    const worker = bench.worker();
    const { result } = bench.attempt(worker.executeTraining, bench.training(taskId, { HOLD_AT: "2" }));
    await bench.reached("1 epoch:2");
    await until(async () => (await bench.task(taskId)).status === "in_progress");
    await bench.reader.tasks.stop({ task: taskId });
    const training = await result;
    expect(training.outcome).toBe("stopped");
    expect(await bench.run(worker.finalizeTask, { job: bench.job, taskId, training })).toMatchObject({ status: "stopped" });
    expect((await bench.task(taskId)).status).toBe("stopped");
    expect((await bench.callbacks()).map(({ path }) => path).at(-1)).toBe("/stopped");
  });

  it("end a trainer that does not hear a stop from ClearML, after the grace", async () => {
    const taskId = await aTask();
    const input = { ...bench.training(taskId, { HOLD_AT: "1", DEAF: "yes" }), stopGraceMs: 300 };
    const { result } = bench.attempt(bench.worker().executeTraining, input);
    await bench.reached("1 epoch:1");
    await until(async () => (await bench.task(taskId)).status === "in_progress");
    await bench.reader.tasks.stop({ task: taskId });
    expect(await result).toMatchObject({ outcome: "stopped", signal: "SIGKILL" });
  });

  it.each([
    ["crash:1", "TrainerError", "a wild pointer appeared", true],
    ["crash:75", "TryAgain", "code 75", false],
    ["crash:78", "InvalidSpec", "code 78", true],
    ["kill:SIGKILL", "Killed", "SIGKILL", true],
    ["oom", "OutOfMemory", "want of memory", true],
    ["reportFailed", "TrainerError", "the loss ran away", true],
  ])("tell the end %s as %s; failTask ends task and backend alike", async (end, type, words, nonRetryable) => {
    const taskId = await aTask();
    const worker = bench.worker();
    const failure = await failureOf(bench.run(worker.executeTraining, bench.training(taskId, { END: end })));
    expect(failure).toMatchObject({ type, nonRetryable });
    expect(failure.message).toContain(words);
    const [facts] = failure.details as [ExecuteTrainingResult];
    expect(JSON.stringify(failure.details).length + failure.message.length).toBeLessThan(4_096);
    await bench.run(worker.failTask, { job: bench.job, taskId, failure: { type, message: failure.message }, training: facts });
    const task = await bench.task(taskId);
    expect(task.status).toBe("failed");
    expect(task.status_message).toContain(words);
    const ends = (await bench.callbacks()).filter(({ path }) => ["/failed", "/completed", "/stopped"].includes(path));
    expect(ends.map(({ path }) => path)).toEqual(["/failed"]);
  });

  it("tell a program that cannot be started as ImageUnavailable", async () => {
    const input = { ...bench.training(await aTask()), command: ["/nowhere/trainer"] };
    expect(await failureOf(bench.run(bench.worker().executeTraining, input))).toMatchObject({
      type: "ImageUnavailable",
      nonRetryable: true,
    });
  });

  it("start another trainer, with a higher number, after an end that another one may mend", async () => {
    const taskId = await aTask();
    const input = bench.training(taskId, { HOLD_AT: "2" });
    const first = bench.attempt(bench.worker().executeTraining, input);
    await bench.reached("1 epoch:2");
    process.kill(await bench.pidOf(1), "SIGTERM");
    expect(await failureOf(first.result)).toMatchObject({ type: "Preempted", nonRetryable: false });
    await bench.openGate();
    expect(await bench.run(bench.worker().executeTraining, input, { attempt: 2 })).toMatchObject({ outcome: "completed", fence: 2 });
    expect(await bench.ledger()).toEqual(["1 began", "1 epoch:1", "1 epoch:2", "1 stopped", "2 began", "2 epoch:3", "2 completed"]);
    expect(await bench.lossLine(taskId)).toEqual([1, 1 / 2, 1 / 3]);
  });

  it("do not start a trainer that another machine holds before its lease has lapsed", async () => {
    const taskId = await aTask();
    const key = "default/training-7/training";
    const handle = { v: 1, backend: "subprocess", key, fence: 4, id: "x", host: "another-machine" };
    const held = await failureOf(
      bench.run(bench.worker().executeTraining, bench.training(taskId), {
        attempt: 2,
        heartbeatDetails: { v: 1, handle, seenAtMs: Date.now() },
      }),
    );
    expect(held).toMatchObject({ type: "HeldElsewhere", nonRetryable: false });
    expect(await bench.ledger()).toEqual([]);
    const lapsed = bench.run(bench.worker().executeTraining, bench.training(taskId), {
      attempt: 3,
      heartbeatDetails: { v: 1, handle, seenAtMs: 1 },
    });
    expect(await lapsed).toMatchObject({ outcome: "completed", fence: 5 });
  });

  it("deliver at the end what an outage of ClearML held back, and complete only then", async () => {
    const taskId = await aTask();
    const worker = bench.worker({ drainMs: 300 });
    const { result } = bench.attempt(worker.executeTraining, bench.training(taskId, { HOLD_AT: "2" }));
    await bench.reached("1 epoch:2");
    bench.server.faults.set("api", { mode: "status", status: 503 });
    await bench.openGate();
    const training = await result;
    expect(training).toMatchObject({ outcome: "completed", journal: { settled: false } });
    const pending = await failureOf(bench.run(worker.finalizeTask, { job: bench.job, taskId, training }));
    expect(pending).toMatchObject({ type: "RecordsPending", nonRetryable: false });
    bench.server.faults.clear();
    expect(await bench.run(bench.worker().finalizeTask, { job: bench.job, taskId, training })).toMatchObject({ status: "completed" });
    expect(await bench.lossLine(taskId)).toEqual([1, 1 / 2, 1 / 3]);
    expect((await bench.callbacks()).filter(({ path }) => path === "/completed")).toHaveLength(1);
  }, 90_000);

  it("never complete a job whose journal died with its disk", async () => {
    const taskId = await aTask();
    const worker = bench.worker({ drainMs: 300 });
    const { result } = bench.attempt(worker.executeTraining, bench.training(taskId, { HOLD_AT: "2" }));
    await bench.reached("1 epoch:2");
    bench.server.faults.set("api", { mode: "status", status: 503 });
    await bench.openGate();
    const training = await result;
    await rm(bench.at("journals"), { recursive: true });
    bench.server.faults.clear();
    expect(await bench.run(worker.finalizeTask, { job: bench.job, taskId, training })).toMatchObject({ status: "journalUnreachable" });
    expect((await bench.task(taskId)).status).toBe("failed");
    expect((await bench.callbacks()).at(-1)).toMatchObject({ path: "/failed" });
  }, 90_000);

  it("deliver from the hand-over when the folder is gone", async () => {
    const taskId = await aTask();
    const handoverUri = pathToFileURL(bench.at("handed-over")).href;
    const worker = bench.worker({
      handoverUri,
      journal: { directory: bench.at("journals/{jobId}"), workerDirectory: bench.at("elsewhere/{jobId}") },
    });
    const { result } = bench.attempt(worker.executeTraining, bench.training(taskId, { HOLD_AT: "2" }));
    await bench.reached("1 epoch:2");
    bench.server.faults.set("callbacks", { mode: "status", status: 503 });
    bench.server.askToStop("7", "never heard");
    await bench.openGate();
    await until(async () =>
      (await readdir(bench.at("handed-over"), { recursive: true }).catch(() => [])).some((name) => name.endsWith(".tar.gz")),
    );
    bench.server.faults.clear();
    const training = await result;
    expect(await bench.run(worker.finalizeTask, { job: bench.job, taskId, training })).toMatchObject({ status: "completed" });
    expect((await bench.callbacks()).filter(({ path }) => path === "/completed")).toHaveLength(1);
    expect((await bench.callbacks()).filter(({ path }) => path === "/progress")).toHaveLength(3);
  }, 90_000);

  it("refuse a completion without the outputs that the job must have", async () => {
    const taskId = await aTask();
    const worker = bench.worker();
    const training = await bench.run(worker.executeTraining, bench.training(taskId));
    const input = { job: bench.job, taskId, training };
    const absent = await failureOf(bench.run(worker.finalizeTask, { ...input, required: { checkpoints: ["best"], model: true } }));
    expect(absent).toMatchObject({ type: "OutputMissing", nonRetryable: true });
    expect(absent.message).toContain('the checkpoint "best", an output model');
    await rm(bench.at("store"), { recursive: true });
    expect(await failureOf(bench.run(worker.finalizeTask, input))).toMatchObject({ type: "OutputMissing" });
    expect((await bench.task(taskId)).status).toBe("in_progress");
  });

  it("show no secret in a failure, even one that the trainer printed", async () => {
    const taskId = await aTask();
    const worker = bench.worker({ trainerSecrets: () => ({ PASSWORD: "correct-horse" }) });
    const input = { ...bench.training(taskId), command: ["/bin/sh", "-c", 'echo "login with $PASSWORD failed"; exit 1'] };
    const failure = await failureOf(bench.run(worker.executeTraining, input));
    expect(failure.message).toContain("login with *** failed");
    expect(JSON.stringify(failure)).not.toContain("correct-horse");
  });

  it("keep more of the log behind an address", async () => {
    const taskId = await aTask();
    const worker = bench.worker({ logUri: pathToFileURL(bench.at("logs")).href });
    const input = { ...bench.training(taskId), command: ["/bin/sh", "-c", "seq 1 100000; exit 1"] };
    const [facts] = (await failureOf(bench.run(worker.executeTraining, input))).details as [ExecuteTrainingResult];
    expect(facts.logTail.length).toBeLessThanOrEqual(2_048);
    expect(facts.logUri).toMatch(/^file:\/\/.*\/logs\//);
    expect(await readdir(bench.at("logs"), { recursive: true })).toContainEqual(expect.stringMatching(/\.log$/));
  });
});

describe("registerModel and syncOutbox", () => {
  it("register a model once, whatever is repeated, and tell the backend", async () => {
    const taskId = await aTask();
    const worker = bench.worker();
    const input = { job: bench.job, taskId, name: "detector", uri: "s3://models/detector.pt", framework: "PyTorch", tags: ["prod"] };
    const { modelId } = await bench.run(worker.registerModel, input);
    expect(await bench.run(worker.registerModel, input)).toEqual({ modelId });
    const { models } = await bench.reader.models.getPage({ task: [taskId] });
    expect(models).toHaveLength(1);
    expect(models[0]).toMatchObject({ id: modelId, name: "detector", uri: "s3://models/detector.pt", framework: "PyTorch" });
    expect((await bench.callbacks()).filter(({ path }) => path === "/model")[0]?.body).toMatchObject({ name: "detector", publish: false });
  });

  it("deliver what a trainer left, and say when there is nothing", async () => {
    const worker = bench.worker();
    expect(await bench.run(worker.syncOutbox, { job: bench.job })).toEqual({ status: "nothing-pending" });
    const taskId = await aTask();
    await bench.run(worker.executeTraining, bench.training(taskId));
    expect(await bench.run(worker.syncOutbox, { job: bench.job })).toEqual({ status: "delivered" });
    await writeFile(bench.at("gate"), "");
  });
});
