/** The stopwatch's eyes: when a scalar can be read, and when a chart is really drawn. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chartDrawn, chromiumPath, firstScalar } from "../../scripts/watch-demo.ts";
import { startDevServer, type DevServer } from "../../src/devserver/index.js";
import { RawClearML } from "../support/raw-clearml.js";
import { hasChromium } from "./dashboard-world.js";

let server: DevServer;
let clearml: RawClearML;
beforeEach(async () => {
  server = await startDevServer();
  clearml = await RawClearML.login(server.env);
});
afterEach(() => server.close());

async function aTask(): Promise<string> {
  return (await clearml.call<{ id: string }>("tasks.create", { name: "a task", type: "training" })).id;
}
const point = (task: string) => ({
  type: "training_stats_scalar",
  task,
  metric: "loss",
  variant: "train",
  value: 0.5,
  iter: 1,
  timestamp: 1,
});

describe.skipIf(!hasChromium)("the stopwatch", () => {
  it("sees a scalar as soon as it can be read, and none before", async () => {
    const task = await aTask();
    const seen = firstScalar(server.webUrl, AbortSignal.timeout(30_000));
    const before = await Promise.race([seen, clearml.call("tasks.get_by_id", { task }).then(() => "none")]);
    expect(before).toBe("none");
    await clearml.addEvents([point(task)]);
    expect(await seen).toEqual({ taskId: task, line: "loss/train" });
  });

  it("says what was in the way when no scalar came in time", async () => {
    await expect(firstScalar("http://127.0.0.1:9", AbortSignal.timeout(300))).rejects.toMatchObject({
      message: expect.stringContaining("No scalar") as string,
      cause: expect.anything() as unknown,
    });
  });

  it("sees a chart once it has ink, and none on the page of a task without points", async () => {
    const [empty, full] = [await aTask(), await aTask()];
    await clearml.addEvents([point(full)]);
    await chartDrawn(server.webUrl, full, chromiumPath() ?? "", 30_000);
    await expect(chartDrawn(server.webUrl, empty, chromiumPath() ?? "", 1_500)).rejects.toThrow(/No chart was drawn at .* within 1500 ms/);
  });
});
