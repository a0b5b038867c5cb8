/**
 * The dashboard in a real browser, against the real server, while a task is written through plain ClearML calls.
 * Needs Chromium; without one the suite is skipped and says so.
 */
import { readFile } from "node:fs/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startDevServer, type DevServer } from "../../src/devserver/index.js";
import { RawClearML } from "../support/raw-clearml.js";
import { hasChromium, launchBrowser } from "./dashboard-world.js";

describe.skipIf(!hasChromium)("the dashboard", () => {
  let browser: Browser;
  let server: DevServer;
  let clearml: RawClearML;
  let context: BrowserContext;
  let page: Page;
  /** Console errors, page errors and requests to other origins: none is ever right. */
  let complaints: string[];

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
  });

  beforeEach(async () => {
    server = await startDevServer();
    clearml = await RawClearML.login(server.env);
    context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: "light" });
    complaints = [];
    context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== "data:" && origin !== new URL(server.webUrl).origin) complaints.push(`request to ${request.url()}`);
    });
    page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.setDefaultTimeout(10_000);
  });

  afterEach(async () => {
    await context.close();
    await server.close();
  });

  async function aTask(fields: object = {}): Promise<string> {
    const { id } = await clearml.call<{ id: string }>("tasks.create", { name: "Training Job 4711", type: "training", ...fields });
    return id;
  }

  function aPoint(task: string, metric: string, variant: string, iter: number, value: number): object {
    return { type: "training_stats_scalar", task, metric, variant, iter, value, timestamp: Date.now() };
  }

  function aLine(task: string, msg: string, level = "info", timestamp = Date.now()): object {
    return { type: "log", task, level, msg, timestamp };
  }

  const goTo = (path: string): Promise<unknown> => page.goto(server.webUrl + path);
  const tab = (name: string) => page.getByRole("navigation", { name: "Task" }).getByRole("link", { name });
  const legend = (metric: string, series: string) => page.locator(`figure[data-metric="${metric}"] [data-series="${series}"]`);

  it("shows a task's whole story as it is written, without a reload", async () => {
    await goTo("/");
    await page.getByRole("heading", { name: "No tasks yet" }).waitFor();
    await page.evaluate(() => Object.assign(globalThis, { loadedOnce: true }));

    // The list.
    const { id: project } = await clearml.call<{ id: string }>("projects.create", { name: "Project 12", description: "" });
    const task = await aTask({ project });
    const row = page.locator(`[data-task="${task}"]`);
    await row.getByText("Draft").waitFor();
    await row.getByText("Project 12").waitFor();
    await clearml.call("tasks.started", { task });
    await row.getByText("Running").waitFor();
    await clearml.call("tasks.edit_runtime", { task, add_or_update: { progress: "40" } });
    await row.getByRole("progressbar").and(page.locator("[aria-valuenow='40']")).waitFor();

    // Scalars.
    await row.getByRole("link").click();
    await page.getByText("No scalars yet").waitFor();
    await clearml.addEvents(
      [1, 2, 3].flatMap((iter) => [aPoint(task, "loss", "train", iter, 1 / iter), aPoint(task, "loss", "val", iter, 2 / iter)]),
    );
    await legend("loss", "train").and(page.locator("[data-points='3']")).waitFor();
    await clearml.addEvents([aPoint(task, "loss", "train", 4, 0.125), aPoint(task, "accuracy", "val", 4, 0.875)]);
    await legend("loss", "train").and(page.locator("[data-points='4']")).waitFor();
    await page.locator("figure[data-metric=accuracy]").waitFor();
    expect(await legend("loss", "train").locator(".legend-value").textContent()).toBe("0.125");
    expect(await legend("loss", "val").locator(".legend-value").textContent()).toBe("0.66667");
    expect(await inkedPixels(page, "loss")).toBeGreaterThan(200);
    await page.locator("figure[data-metric=loss]").getByRole("button", { name: "Data" }).click();
    expect(await page.locator("figure[data-metric=loss] tbody tr").allInnerTexts()).toEqual([
      "4\t0.125\t–",
      "3\t0.33333\t0.66667",
      "2\t0.5\t1",
      "1\t1\t2",
    ]);
    await clearml.addEvents([{ ...aPoint(task, "Summary", "best accuracy", -(2 ** 31), 0.875) }]);
    await page.locator("dl.summary").getByText("best accuracy").waitFor();

    // Console.
    await tab("Console").click();
    await page.getByText("No console lines yet").waitFor();
    await clearml.addEvents([aLine(task, "epoch 1 of 4"), aLine(task, "disk is nearly full", "warning")]);
    await page.getByText("disk is nearly full").waitFor();
    await clearml.addEvents(Array.from({ length: 200 }, (_none, index) => aLine(task, `step ${String(index)}`)));
    await page.getByText("step 199", { exact: true }).waitFor();
    expect(await page.locator(".line").count()).toBe(202);
    expect(await page.locator(".line[data-level=warning]").count()).toBe(1);
    await expect
      .poll(() => page.locator(".console").evaluate((pane) => pane.scrollHeight - pane.scrollTop - pane.clientHeight))
      .toBeLessThan(24);

    // Artifacts: the bytes that the page offers are the bytes that were stored.
    await tab("Artifacts").click();
    await page.getByText("No artifacts yet").waitFor();
    const uri = await clearml.upload(`Project 12/Training Job 4711.${task}/artifacts/checkpoint_best/best.bin`, "weights");
    const artifact = {
      key: "checkpoint_best",
      type: "custom",
      mode: "output",
      uri: encodeURI(uri),
      content_size: 7,
      hash: "ab".repeat(32),
      timestamp: 1_770_000_000,
    };
    await clearml.call("tasks.add_or_update_artifacts", { task, artifacts: [artifact] });
    const card = page.locator("[data-artifact=checkpoint_best]");
    await card.getByText("7 B", { exact: true }).waitFor();
    await card.getByText("abababababab", { exact: true }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      card.getByRole("link", { name: "Download checkpoint_best" }).click(),
    ]);
    expect(await readFile(await download.path(), "utf8")).toBe("weights");

    // Models.
    await tab("Models").click();
    await page.getByText("No models yet").waitFor();
    const model = await clearml.call<{ id: string }>("models.create", {
      name: "digits best",
      uri: encodeURI(uri),
      framework: "PyTorch",
      tags: ["prod-candidate"],
      ready: false,
      task,
      project,
    });
    await clearml.call("tasks.add_or_update_model", { task, name: "digits best", model: model.id, type: "output" });
    const modelCard = page.locator(`[data-model="${model.id}"]`);
    await modelCard.getByText("PyTorch").waitFor();
    await modelCard.getByText("Draft").waitFor();
    await clearml.call("models.set_ready", { model: model.id, publish_task: false });
    await modelCard.getByText("Published").waitFor();

    // What the backend heard, the lines from before the task was known included.
    await tab("Callbacks").click();
    await page.getByText("No callbacks received").waitFor();
    await postCallback(server, "started", { job_id: "4711", run_id: "r1", task_id: null, sequence: 1 });
    await postCallback(server, "progress", { job_id: "4711", run_id: "r1", task_id: task, sequence: 2, epoch: 1, total_epochs: 4 });
    await postCallback(server, "started", { job_id: "9999", run_id: "r2", task_id: null, sequence: 1 });
    await page.locator("[data-callback=progress]").getByText("epoch 1 of 4").waitFor();
    expect(await page.locator("[data-callback]").count()).toBe(2);

    // The end.
    await clearml.call("tasks.completed", { task });
    await page.locator(".task-head").getByText("Completed").waitFor();

    expect(await page.evaluate(() => "loadedOnce" in globalThis), "the page was never loaded again").toBe(true);
    // The one exception is the download that was clicked.
    expect(complaints.filter((complaint) => !complaint.startsWith(`request to ${server.filesUrl}`))).toEqual([]);
  });

  it("opens the tab that each of ClearML's web addresses means", async () => {
    const task = await aTask();
    const model = await clearml.call<{ id: string }>("models.create", { name: "digits", uri: "s3://bucket/best.pt", ready: false, task });
    for (const [path, name] of [
      [`/projects/*/experiments/${task}/output/log`, "Console"],
      [`/projects/*/tasks/${task}/output/log`, "Console"],
      [`/projects/*/experiments/${task}/output/metrics/scalar`, "Scalars"],
      [`/projects/*/experiments/${task}/info-output/metrics/scalar`, "Scalars"],
      [`/projects/*/experiments/${task}/output/artifacts/artifact/x/output`, "Artifacts"],
      [`/projects/*/experiments/${task}/artifacts/output-model/${model.id}`, "Models"],
      [`/projects/*/tasks/${task}/hyper-params/hyper-param/General`, "Configuration"],
      [`/projects/*/tasks/${task}/execution`, "Configuration"],
      [`/projects/*/tasks/${task}/general`, "Info"],
      [`/projects/*/tasks/${task}/output/debugImages`, "Debug samples"],
      [`/projects/*/tasks/${task}/output/metrics/plots`, "Plots"],
      [`/projects/*/tasks/${task}`, "Scalars"],
    ] as const) {
      await goTo(path);
      await page.getByRole("navigation", { name: "Task" }).waitFor();
      expect(await page.locator(".tabs [aria-current=page]").innerText(), path).toMatch(new RegExp(`^${name}`));
    }
    await goTo(`/projects/*/models/${model.id}/general`);
    await page.getByRole("heading", { name: "digits" }).waitFor();
    for (const path of ["/dashboard", "/projects/*/tasks"]) {
      await goTo(path);
      await page.locator(`[data-task="${task}"]`).waitFor();
    }
    await goTo("/dashboard/callbacks");
    await page.getByRole("heading", { name: "Callbacks" }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("goes back and forth by the browser's own buttons, and by keyboard alone", async () => {
    const task = await aTask();
    await goTo("/");
    await page.locator(`[data-task="${task}"] a`).focus();
    await page.keyboard.press("Enter");
    await tab("Console").focus();
    await page.keyboard.press("Enter");
    await page.getByText("No console lines yet").waitFor();
    await page.goBack();
    await page.getByText("No scalars yet").waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "Tasks" }).waitFor();
    await page.goForward();
    await page.getByText("No scalars yet").waitFor();
    expect(complaints).toEqual([]);
  });

  it("leaves a reader where he is: scrolled up in the console, zoomed in on a chart", async () => {
    const task = await aTask();
    await clearml.call("tasks.started", { task });
    await clearml.addEvents(
      Array.from({ length: 300 }, (_none, index) => aLine(task, `step ${String(index)}`, "info", Date.now() - 1000 + index)),
    );
    await goTo(`/projects/*/tasks/${task}/output/log`);
    await page.getByText("step 299", { exact: true }).waitFor();
    const pane = page.locator(".console");
    await pane.hover();
    await page.mouse.wheel(0, -1500);
    await expect.poll(() => page.getByLabel("Follow").isChecked()).toBe(false);
    await expect.poll(() => pane.evaluate((element) => element.scrollHeight - element.scrollTop)).toBeGreaterThan(1500);
    const top = await pane.evaluate((element) => element.scrollTop);
    await clearml.addEvents([aLine(task, "one more")]);
    await page.getByText("one more", { exact: true }).waitFor({ state: "attached" });
    expect(await pane.evaluate((element) => element.scrollTop)).toBe(top);
    await page.getByLabel("Follow").check();
    await expect.poll(() => pane.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight)).toBeLessThan(24);

    await clearml.addEvents(Array.from({ length: 101 }, (_none, iter) => aPoint(task, "loss", "train", iter, iter)));
    await tab("Scalars").click();
    await legend("loss", "train").and(page.locator("[data-points='101']")).waitFor();
    const plot = page.locator("figure[data-metric=loss] .u-over");
    const box = (await plot.boundingBox())!;
    const hoverNearLeftEdge = async (): Promise<number> => {
      await page.mouse.move(box.x + 40, box.y + 50);
      await page.mouse.move(box.x + 3, box.y + 50);
      return Number(await legend("loss", "train").locator(".legend-value").textContent());
    };
    expect(await hoverNearLeftEdge()).toBeLessThan(5);
    await page.mouse.move(box.x + box.width / 2, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 50, { steps: 5 });
    await page.mouse.up();
    await expect.poll(hoverNearLeftEdge).toBeGreaterThan(45);
    await clearml.addEvents([aPoint(task, "loss", "train", 101, 101)]);
    await legend("loss", "train").and(page.locator("[data-points='102']")).waitFor();
    expect(await hoverNearLeftEdge()).toBeGreaterThan(45);
    await plot.dblclick();
    await expect.poll(hoverNearLeftEdge).toBeLessThan(5);
    expect(complaints).toEqual([]);
  });

  it("fits a phone in every view of a task, whatever the length of its names", async () => {
    const long = `a-name-without-any-space-${"x".repeat(120)}`;
    const task = await aTask({
      name: long,
      tags: ["prod-candidate", "night"],
      hyperparams: { General: { [long]: { section: "General", name: long, value: long } } },
    });
    await clearml.call("tasks.started", { task });
    await clearml.addEvents(
      Array.from({ length: 30 }, (_none, metric) =>
        Array.from({ length: 50 }, (_each, iter) => aPoint(task, `metric ${String(metric)}`, "train", iter, Math.sin(iter + metric))),
      ).flat(),
    );
    await clearml.addEvents([aLine(task, `${long} ${long}`, "error")]);
    await clearml.call("tasks.add_or_update_artifacts", {
      task,
      artifacts: [{ key: long, type: "custom", mode: "output", uri: `s3://bucket/${long}` }],
    });
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of [
      "",
      ...["metrics/scalar", "log", "artifacts", "artifacts/output-model", "hyper-params", "callbacks", "general"].map(
        (each) => `projects/*/tasks/${task}/output/${each}`,
      ),
    ]) {
      await goTo(`/${path}`);
      await page.getByText(long).first().waitFor();
      if (path.endsWith("scalar")) expect(await page.locator("figure[data-metric]").count()).toBe(30);
      expect(await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"), path).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
  });

  it("takes what others wrote for text: no markup, no script, no address but http(s) becomes a link", async () => {
    const evil = '<img src="x" onerror="document.title=1">';
    const task = await aTask({ name: evil });
    await clearml.call("tasks.started", { task });
    const artifacts = [{ key: evil, type: "custom", mode: "output", uri: "javascript:document.title=1" }];
    await clearml.call("tasks.add_or_update_artifacts", { task, artifacts });
    await clearml.addEvents([aLine(task, evil)]);
    for (const path of ["artifacts", "log"]) {
      await goTo(`/projects/*/tasks/${task}/output/${path}`);
      await expect.poll(() => page.getByText(evil).count()).toBeGreaterThan(1);
      expect(await page.locator("main img").count()).toBe(0);
      expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    }
    expect(complaints).toEqual([]);
  });

  it("says when the server is gone, keeps what it showed, and goes on by itself when the server is back", async () => {
    const task = await aTask();
    await goTo("/");
    await page.locator(`[data-task="${task}"]`).waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
    const port = Number(new URL(server.webUrl).port);
    await server.close();
    await page.getByRole("alert").getByText("The server does not answer.").waitFor();
    expect(await page.locator(`[data-task="${task}"]`).count(), "what was shown stays").toBe(1);

    // In memory, hence empty, and with a new secret: the page must also get a new session by itself.
    server = await startDevServer({ port });
    clearml = await RawClearML.login(server.env);
    const later = await aTask({ name: "after the restart" });
    await page.locator(`[data-task="${later}"]`).waitFor();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.getByText("Live", { exact: true }).waitFor();
    await clearml.call("tasks.started", { task: later });
    await page.locator(`[data-task="${later}"]`).getByText("Running").waitFor();
  });
});

/** Pixels of a chart's canvas that are not transparent and have a colour, not a shade of grey. */
function inkedPixels(page: Page, metric: string): Promise<number> {
  return page.locator(`figure[data-metric="${metric}"] canvas`).evaluate((element) => {
    const canvas = element as unknown as {
      width: number;
      height: number;
      getContext(kind: "2d"): { getImageData(...area: number[]): { data: Uint8ClampedArray } };
    };
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let inked = 0;
    for (let at = 0; at < data.length; at += 4) {
      const [red = 0, green = 0, blue = 0, alpha = 0] = data.slice(at, at + 4);
      if (alpha > 128 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) inked++;
    }
    return inked;
  });
}

async function postCallback(server: DevServer, verb: string, body: object): Promise<void> {
  const response = await fetch(`${server.callbackUrl}/${verb}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.ok).toBe(true);
}
