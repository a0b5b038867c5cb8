/**
 * Every view, light and dark, wide and on a phone: it fits, nothing complains, and axe finds no barrier. Leaves a picture of
 * each in `.cache/screenshots/`, for eyes.
 */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DashboardWorld, hasChromium, launchBrowser } from "./dashboard-world.js";
import * as figures from "./figure-fixtures.js";

const PICTURES = fileURLToPath(new URL("../../.cache/screenshots/", import.meta.url));

const SCREENS = [
  { theme: "light", width: 1440, height: 900 },
  { theme: "dark", width: 1440, height: 900 },
  { theme: "light", width: 390, height: 844 },
  { theme: "dark", width: 390, height: 844 },
] as const;

describe.skipIf(!hasChromium)("every view", () => {
  let browser: Browser;
  let world: DashboardWorld;
  /** Path of each view, and what is there once it is drawn. */
  let views: readonly (readonly [name: string, path: string, drawn: string])[];

  beforeAll(async () => {
    await mkdir(PICTURES, { recursive: true });
    browser = await launchBrowser();
    world = await DashboardWorld.start(browser);
    const [first = "", second = "", third = ""] = await aTeamsWork(world);
    const task = (tab: string) => `/projects/*/tasks/${first}/output/${tab}`;
    const compared = (tab: string) => `/projects/*/compare-tasks;ids=${first},${second},${third}/${tab}`;
    views = [
      ["tasks", `/?selected=${first},${second}`, "[data-chosen]"],
      ["projects", "/projects", "[data-project]"],
      ["models", "/projects/*/models", "[data-model]"],
      ["callbacks", "/dashboard/callbacks", ".empty"],
      ["scalars", `${task("metrics/scalar")}?smooth=0.8`, "figure canvas"],
      ["plots", task("metrics/plots"), "figure svg"],
      ["samples", task("debugImages"), "[data-sample] img"],
      ["console", task("log"), ".line"],
      ["artifacts", task("artifacts"), "[data-artifact]"],
      ["configuration", task("hyper-params"), ".key-values"],
      ["info", task("general"), ".key-values"],
      ["compare-scalars", `${compared("scalars/graph")}?x=relative&smooth=0.6`, "figure canvas"],
      ["compare-plots", compared("metrics-plots"), "figure svg"],
      ["compare-configuration", compared("hyper-params/values"), ".differences"],
      ["unknown", "/workers-and-queues", ".empty"],
    ];
  });
  afterAll(async () => {
    await world.close();
    await browser.close();
  });

  it.each(SCREENS)("fits and can be read, $theme and $width pixels wide", async ({ theme, width, height }) => {
    const { page } = world;
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height });
    for (const [name, path, drawn] of views) {
      await world.open(path);
      await page.locator(drawn).first().waitFor();
      await page.getByText("Live", { exact: true }).waitFor({ state: "attached" });
      await page.screenshot({ path: `${PICTURES}${name}-${theme}-${String(width)}.png` });
      expect(await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"), name).toBeLessThanOrEqual(0);
      expect(await barriers(world), name).toEqual([]);
    }
    expect(world.complaints).toEqual([]);
  });
});

/** What axe finds by the rules of WCAG 2.1 A and AA, as text. */
function barriers(world: DashboardWorld): Promise<string[]> {
  return world.page.evaluate<string[]>(`(async () => {
    ${axe.source}
    const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], iframes: false });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ": " + html.slice(0, 160) + " " + failureSummary));
  })()`);
}

/** Three tasks with all that a view can show. */
async function aTeamsWork(world: DashboardWorld): Promise<string[]> {
  const { clearml } = world;
  const tasks: string[] = [];
  for (const [index, [name, project]] of [
    ["detector lr 1e-3", "Vision/Detection"],
    ["detector lr 3e-4", "Vision/Detection"],
    ["detector at night", "Vision/Detection/Night"],
  ].entries()) {
    const known = await clearml.call<{ projects: { id: string }[] }>("projects.get_all", { name: `^${project ?? ""}$` });
    const id = known.projects[0]?.id ?? (await clearml.call<{ id: string }>("projects.create", { name: project, description: "" })).id;
    const value = (text: string) => ({ section: "General", value: text });
    const General = { lr: { ...value(["0.001", "0.0003", "1e-3"][index] ?? ""), name: "lr" }, epochs: { ...value("300"), name: "epochs" } };
    const task = await world.aTask({ name, project: id, tags: ["night"], hyperparams: { General } });
    tasks.push(task);
    const loss = Array.from(
      { length: 300 },
      (_none, step) => Math.exp(-step / (60 + 30 * index)) * (2 + 0.3 * Math.sin(step * 12.9898)) + 0.1,
    );
    await world.report(task, "loss", "train", loss);
    await world.report(
      task,
      "loss",
      "val",
      loss.map((each) => each * 1.2),
    );
    await world.report(
      task,
      "accuracy",
      "val",
      loss.map((each) => 1 - each / 3),
    );
    await clearml.call("tasks.edit_runtime", { task, add_or_update: { progress: "40" } });
    await world.reportPlot(task, "Confusion", "validation", figures.confusionMatrix);
    await world.reportPlot(task, "ROC", "validation", figures.scatter);
    await world.reportPlot(task, "Table", "validation", figures.table);
    await world.reportPlot(task, "Flow", "pipeline", figures.sankey);
    for (const iter of [1, 2]) await world.reportSample(task, "Predictions", "first", `${String(iter)}.png`, figures.redPng, iter);
  }
  const [first, second] = tasks;
  await clearml.addEvents(
    ["info", "warning", "error", "debug"].map((level, index) => ({
      type: "log",
      task: first,
      level,
      msg: `a line of level ${level}`,
      timestamp: Date.now() + index,
    })),
  );
  const artifact = { key: "checkpoint_best", type: "custom", mode: "output", uri: "s3://bucket/best.pt", hash: "ab".repeat(32) };
  await clearml.call("tasks.add_or_update_artifacts", { task: first, artifacts: [artifact] });
  await clearml.call("models.create", { name: "detector", uri: "s3://bucket/best.pt", ready: false, task: first });
  await clearml.call("tasks.completed", { task: second });
  await clearml.call("tasks.failed", { task: tasks[2], status_reason: "out of memory" });
  return tasks;
}
