/** Two trainers of one job at the same time, as after a heartbeat that came too late: only the later one's writes count. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClearML } from "../../../src/clearml/index.js";
import { startDevServer, type DevServer } from "../../../src/devserver/index.js";
import { TrainerSDK } from "../../../src/trainer/trainer-sdk.js";

let folder: string;
let server: DevServer;
const started: TrainerSDK[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trainer-fence-"));
  server = await startDevServer();
});
afterEach(async () => {
  for (const sdk of started.splice(0)) await sdk.close({ deadlineMs: 0 });
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function attempt(fence: number, env: Record<string, string> = {}): Promise<TrainerSDK> {
  const sdk = await TrainerSDK.init({
    env: {
      ...server.env,
      JOB_ID: "7",
      TRAINER_FENCE: String(fence),
      TRAINER_JOURNAL_DIR: path.join(folder, `journal-${String(fence)}`),
      ...env,
    },
    batchAgeMs: 1,
  });
  started.push(sdk);
  return sdk;
}

async function epochsAtTheBackend(): Promise<unknown[]> {
  const answer = await fetch(`${server.callbackUrl}?job_id=7`);
  const { callbacks } = (await answer.json()) as { callbacks: readonly { path: string; body: { epoch?: number } }[] };
  return callbacks.filter(({ path: at }) => at === "/progress").map(({ body }) => body.epoch);
}

async function lossAtClearML(): Promise<readonly (number | null)[]> {
  await using clearml = createClearML({}, { ...server.env });
  const { tasks } = await clearml.session.call("tasks.get_all", { only_fields: ["id"] });
  expect(tasks).toHaveLength(1);
  const metric = { metric: "loss", variants: ["train"] };
  const answer = await clearml.session.call("events.scalar_metrics_iter_raw", { task: tasks[0]?.id ?? "", metric });
  return answer.variants?.["train"]?.y ?? [];
}

describe("a trainer with a fence", () => {
  it("whose job a later attempt reports is refused everywhere, is told to stop, and leaves nothing to be delivered later", async () => {
    const handover = pathToFileURL(path.join(folder, "handed-over")).href;
    const zombie = await attempt(1, { TRAINER_HANDOVER_URI: handover });
    await zombie.reportProgress({ epoch: 1, metrics: { train_loss: 1 } });
    expect((await zombie.flush()).complete).toBe(true);

    const successor = await attempt(2);
    await successor.reportProgress({ epoch: 2, metrics: { train_loss: 0.5 } });
    expect((await successor.flush()).complete).toBe(true);

    await zombie.reportProgress({ epoch: 2, metrics: { train_loss: 99 } });
    await zombie.reportCompleted();
    await zombie.flush();
    expect(zombie.signal.aborted).toBe(true);
    expect(String(zombie.signal.reason)).toMatch(/superseded \(TRAINER_FENCE 1\)/);
    const { sinks } = await zombie.close();
    expect(sinks["clearml"]).toMatchObject({ pending: 0, rejected: 2 });
    expect(sinks["platform"]).toMatchObject({ pending: 0, rejected: 2 });
    expect(await readdir(path.join(folder, "handed-over")).catch(() => [])).toEqual([]);

    await successor.reportProgress({ epoch: 3, metrics: { train_loss: 0.25 } });
    expect((await successor.flush()).complete).toBe(true);
    expect(successor.signal.aborted).toBe(false);
    expect(await epochsAtTheBackend()).toEqual([1, 2, 3]);
    expect(await lossAtClearML()).toEqual([1, 0.5, 0.25]);
  });

  it("that starts when a later attempt has reported writes nothing and does not touch the task's status", async () => {
    const successor = await attempt(5);
    await successor.reportProgress({ epoch: 1, metrics: { train_loss: 0.5 } });
    await successor.reportCompleted();
    expect((await successor.close()).complete).toBe(true);
    const late = await attempt(4);
    await late.reportProgress({ epoch: 9, metrics: { train_loss: 9 } });
    await late.flush();
    expect(late.signal.aborted).toBe(true);
    expect(await lossAtClearML()).toEqual([0.5]);
    await using clearml = createClearML({}, { ...server.env });
    const { tasks } = await clearml.session.call("tasks.get_all", { only_fields: ["status"] });
    expect(tasks[0]?.status).toBe("completed");
  });

  it("waits with its records while it cannot be asked who may write", async () => {
    const sdk = await attempt(1);
    await sdk.flush();
    server.faults.set("api", { mode: "status", status: 503, match: "tasks.get_all" });
    await sdk.reportProgress({ epoch: 1, metrics: { train_loss: 1 } });
    expect((await sdk.flush({ deadlineMs: 300 })).sinks["clearml"]).toMatchObject({ pending: 1 });
    server.faults.clear();
    expect((await sdk.flush()).complete).toBe(true);
    expect(await lossAtClearML()).toEqual([1]);
  });
});
