/**
 * A task with 200 lines stays quick, because only what is in view is read and drawn. A line has 1,500 points here; with
 * `LARGE_TASK_POINTS=100000` it has as many as that says (some minutes and gigabytes), and the browser, which the server
 * gives no more than a thousand points a line, cannot tell the difference. What it measured is printed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSqliteStore } from "../../src/devserver/store/sqlite-store.js";
import { DashboardWorld, hasChromium, launchBrowser } from "./dashboard-world.js";

const POINTS = Number(process.env["LARGE_TASK_POINTS"] ?? 1500);
const SINGLE_CHARTS = 160;
const CROWD = 40;

const METRICS = Array.from({ length: SINGLE_CHARTS }, (_none, index) => `metric ${String(index).padStart(3, "0")}`);
const SERIES = [
  ...METRICS.map((metric) => ({ metric, variant: "train" })),
  ...Array.from({ length: CROWD }, (_none, index) => ({ metric: "zz crowd", variant: `class ${String(index)}` })),
];

describe.skipIf(!hasChromium)("a task of 200 lines", () => {
  let browser: Browser;
  let world: DashboardWorld;
  let folder: string;
  let task: string;

  beforeAll(async () => {
    browser = await launchBrowser();
    folder = await mkdtemp(path.join(tmpdir(), "large-task-"));
    const before = await DashboardWorld.start(browser, {}, { dataDir: folder });
    task = await before.aTask({ name: "large" });
    await before.close();
    await fill(path.join(folder, "clearml.sqlite"), task);
    world = await DashboardWorld.start(browser, {}, { dataDir: folder });
  }, 3_600_000);
  afterAll(async () => {
    await world.close();
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("reads and draws what is in view, while it is opened and while it is scrolled through", async () => {
    const { page } = world;
    const asked = new Set<string>();
    let bytes = 0;
    page.on("response", (response) => {
      if (!response.url().endsWith("events.scalar_metrics_iter_histogram")) return;
      const { metrics } = response.request().postDataJSON() as { metrics: { metric: string }[] };
      for (const { metric } of metrics) asked.add(metric);
      void response.body().then(
        (body) => (bytes += body.length),
        () => undefined,
      );
    });
    await page.addInitScript(WATCH);
    const openedAt = performance.now();
    await world.open(`/projects/*/tasks/${task}/output/metrics/scalar`);
    await world.chart("metric 000").locator("[data-points]").waitFor();
    const firstChartMs = performance.now() - openedAt;
    await expect.poll(() => page.locator("figure[data-metric]").count()).toBe(SINGLE_CHARTS + 1);
    await expect.poll(() => page.evaluate<boolean>("watched.isSettled()")).toBe(true);
    expect(asked.size, "charts read by opening").toBeLessThan(30);
    expect(await page.locator("figure canvas").count(), "charts drawn by opening").toBeLessThan(30);
    const opening = await page.evaluate<Figures>("watched.take()");

    const scrolling = await page.evaluate<Figures>("watched.scroll()");
    await expect.poll(() => world.chart("zz crowd").locator("[data-points]").count()).toBe(CROWD);
    expect(scrolling.mostCanvases, "charts drawn at any time").toBeLessThan(40);
    expect(scrolling.longestTaskMs, "generous: what a busy machine needs for all charts at once is more").toBeLessThan(2000);
    console.log(
      [
        `${String(SERIES.length)} lines of ${String(POINTS)} points: first chart after ${firstChartMs.toFixed(0)} ms`,
        `longest task while opening ${opening.longestTaskMs.toFixed(0)} ms`,
        `scrolling through ${String(scrolling.frames)} frames: p50 ${scrolling.p50Ms.toFixed(1)} ms, p95 ${scrolling.p95Ms.toFixed(1)} ms`,
        `longest task ${scrolling.longestTaskMs.toFixed(0)} ms, ${String(scrolling.mostCanvases)} canvases at most`,
        `${(bytes / 1e6).toFixed(1)} MB of points in all, heap ${((await heapBytes(world)) / 1e6).toFixed(1)} MB`,
      ].join("; "),
    );
    expect(world.complaints).toEqual([]);
  });

  it("keeps up with a task that runs: the chart in view follows, those out of view cost nothing", async () => {
    const { page } = world;
    await world.open(`/projects/*/tasks/${task}/output/metrics/scalar`);
    await world.chart("metric 000").locator("[data-points]").waitFor();
    await expect.poll(() => page.evaluate<boolean>("watched.isSettled()")).toBe(true);
    const asked = new Set<string>();
    page.on("request", (request) => {
      if (!request.url().endsWith("events.scalar_metrics_iter_histogram")) return;
      for (const { metric } of (request.postDataJSON() as { metrics: { metric: string }[] }).metrics) asked.add(metric);
    });
    const iter = POINTS + 5000;
    await world.clearml.addEvents(
      METRICS.map((metric) => ({ type: "training_stats_scalar", task, metric, variant: "train", iter, value: 77, timestamp: Date.now() })),
    );
    await expect.poll(() => world.chart("metric 000").locator(".legend-value").textContent()).toBe("77");
    expect(asked.size).toBeLessThan(30);
  });
});

interface Figures {
  readonly frames: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly longestTaskMs: number;
  readonly mostCanvases: number;
}

/** Runs in the page: notes long tasks, and measures frames while it scrolls from top to bottom. */
const WATCH = `globalThis.watched = (() => {
  let longest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
  }).observe({ type: "longtask", buffered: true });
  const take = (intervals = [], mostCanvases = document.querySelectorAll("canvas").length) => {
    const sorted = intervals.toSorted((a, b) => a - b);
    const at = (part) => sorted[Math.floor(sorted.length * part)] ?? 0;
    const figures = { frames: intervals.length, p50Ms: at(0.5), p95Ms: at(0.95), longestTaskMs: longest, mostCanvases };
    longest = 0;
    return figures;
  };
  // Every chart that holds its place in view has been drawn.
  const isSettled = () => {
    const bodies = document.querySelectorAll("figure .legend").length;
    return bodies > 0 && document.querySelectorAll("figure canvas").length === bodies;
  };
  const scroll = () => new Promise((resolve) => {
    const intervals = [];
    let most = 0;
    let before = performance.now();
    const step = () => {
      const now = performance.now();
      intervals.push(now - before);
      before = now;
      most = Math.max(most, document.querySelectorAll("canvas").length);
      const from = scrollY;
      scrollBy(0, 40);
      if (scrollY === from) resolve(take(intervals, most));
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  return { take, scroll, isSettled };
})();`;

/** Writes the lines straight into the store, as the API would in many hours. */
async function fill(file: string, task: string): Promise<void> {
  const store = await openSqliteStore(file);
  const from = Date.now() - POINTS * 1000;
  let number = 0;
  for (const { metric, variant } of SERIES) {
    store.transaction(() => {
      for (let first = 0; first < POINTS; first += 10_000) {
        store.events.put(
          Array.from({ length: Math.min(10_000, POINTS - first) }, (_none, offset) => {
            const iteration = first + offset;
            return {
              type: "training_stats_scalar" as const,
              id: (number++).toString(16).padStart(32, "0"),
              entity: task,
              iteration,
              timestamp: from + iteration * 1000,
              metric,
              variant,
              value: Math.exp((-iteration / POINTS) * 4) + 0.05 * Math.sin(iteration * 12.9898 + number),
              extra: {},
            };
          }),
        );
      }
    });
  }
  store.close();
}

async function heapBytes(world: DashboardWorld): Promise<number> {
  const session = await world.context.newCDPSession(world.page);
  await session.send("HeapProfiler.collectGarbage");
  await session.send("Performance.enable");
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? Number.NaN;
}
