/** Charts of one task and of several: what a reader can do with them, and that the address keeps it. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DashboardWorld, hasChromium, launchBrowser } from "./dashboard-world.js";

describe.skipIf(!hasChromium)("charts", () => {
  let browser: Browser;
  let world: DashboardWorld;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });
  beforeEach(async () => {
    world = await DashboardWorld.start(browser);
  });
  afterEach(async () => {
    await world.close();
  });

  const value = (metric: string, series: string) => world.chart(metric).locator(`[data-series="${series}"] .legend-value`);
  const drawn = (metric: string, series: string, points: number) =>
    world
      .chart(metric)
      .locator(`[data-series="${series}"][data-points="${String(points)}"]`)
      .waitFor();

  it("smooth lines as TensorBoard does, with the measured ones behind, and put that into the address", async () => {
    const task = await world.aTask();
    await world.report(task, "loss", "train", [1, 2, 3]);
    await world.open(`/projects/*/tasks/${task}/output/metrics/scalar`);
    await drawn("loss", "train", 3);
    expect(await value("loss", "train").textContent()).toBe("3");

    await world.page.getByLabel("Smoothing").fill("0.6");
    await expect.poll(() => value("loss", "train").textContent()).toBe("2.3265");
    await expect.poll(() => new URL(world.page.url()).search).toBe("?smooth=0.6");
    await world.page.reload();
    await expect.poll(() => value("loss", "train").textContent()).toBe("2.3265");

    // The table has what was measured.
    await world.chart("loss").getByRole("button", { name: "Data" }).click();
    expect(await world.chart("loss").locator("tbody tr").allInnerTexts()).toEqual(["3\t3", "2\t2", "1\t1"]);
    expect(world.complaints).toEqual([]);
  });

  it("have iterations, the time since the start, or the time of day as their axis", async () => {
    const task = await world.aTask();
    const { task: document } = await world.clearml.call<{ task: { started: string } }>("tasks.get_by_id", { task });
    const started = Date.parse(document.started);
    await world.report(task, "loss", "train", [4, 3, 2, 1], started + 60_000);
    await world.open(`/projects/*/tasks/${task}/output/metrics/scalar`);
    await drawn("loss", "train", 4);
    const firstColumn = async () => {
      const rows = await world.chart("loss").locator("tbody th").allInnerTexts();
      return rows.toReversed();
    };
    await world.chart("loss").getByRole("button", { name: "Data" }).click();
    expect(await firstColumn()).toEqual(["1", "2", "3", "4"]);
    await world.page.getByRole("button", { name: "Relative" }).click();
    await expect.poll(firstColumn).toEqual(["1 min", "1 min 1 s", "1 min 2 s", "1 min 3 s"]);
    await world.page.getByRole("button", { name: "Time", exact: true }).click();
    await expect.poll(async () => (await firstColumn())[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
    await expect.poll(() => new URL(world.page.url()).search).toBe("?x=wall");
    expect(world.complaints).toEqual([]);
  });

  it("have a logarithmic axis that leaves out what it cannot show", async () => {
    const task = await world.aTask();
    await world.report(task, "loss", "train", [1000, 10, 0, 0.1]);
    await world.open(`/projects/*/tasks/${task}/output/metrics/scalar?log=1`);
    await drawn("loss", "train", 4);
    expect(await world.page.getByLabel("Log scale").isChecked()).toBe(true);
    // 1000 at 1, 10 at 2, nothing at 3, 0.1 at 4: on a logarithmic axis 10 is half way down, on a linear one at the bottom.
    expect(await heightAt(world, "loss", 1 / 3)).toBeCloseTo(0.5, 1);
    expect(world.complaints).toEqual([]);
  });

  it("compare several tasks in one chart: chosen in the list, kept in the address, hidden and shown by task", async () => {
    const first = await world.aTask({ name: "lr 0.1" });
    const second = await world.aTask({ name: "lr 0.2" });
    await world.aTask({ name: "bystander" });
    await world.report(first, "loss", "train", [3, 2, 1]);
    await world.report(second, "loss", "train", [6, 4, 2]);
    await world.report(second, "loss", "val", [7]);
    await world.open("/");
    await world.page.getByLabel("Compare lr 0.1").check();
    await world.page.getByText("Choose another one to compare.").waitFor();
    await world.page.getByLabel("Compare lr 0.2").check();
    await expect.poll(() => new URL(world.page.url()).search).toBe(`?selected=${first},${second}`);
    await world.page.reload();
    await world.page.getByText("2 chosen").waitFor();
    await world.page.getByRole("link", { name: "Compare", exact: true }).click();

    await drawn("loss", "train · lr 0.1", 3);
    expect(new URL(world.page.url()).pathname).toBe(`/projects/*/compare-tasks;ids=${first},${second}/scalars/graph`);
    const names = world.chart("loss").locator("[data-series]");
    expect(await names.evaluateAll((all) => all.map((each) => each.getAttribute("data-series")))).toEqual([
      "train · lr 0.1",
      "train · lr 0.2",
      "val · lr 0.2",
    ]);
    expect(await value("loss", "train · lr 0.2").textContent()).toBe("2");

    // Values without an iteration stand in columns.
    await world.clearml.addEvents([
      {
        type: "training_stats_scalar",
        task: first,
        metric: "Summary",
        variant: "best",
        iter: -(2 ** 31),
        value: 0.5,
        timestamp: Date.now(),
      },
    ]);
    await expect.poll(() => world.page.locator(".summary-table tr").allInnerTexts()).toEqual(["Value\tlr 0.1\tlr 0.2", "best\t0.5\t–"]);

    // Live, like any chart.
    await world.clearml.addEvents([
      { type: "training_stats_scalar", task: second, metric: "loss", variant: "train", iter: 4, value: 1.5, timestamp: Date.now() },
    ]);
    await drawn("loss", "train · lr 0.2", 4);

    const compared = world.page.getByRole("list", { name: "Compared tasks" });
    await compared.getByRole("button", { name: "lr 0.2" }).click();
    await expect.poll(() => world.chart("loss").locator(".legend [aria-pressed=false]").count()).toBe(2);
    await world.page.getByRole("link", { name: "Tasks", exact: true }).first().click();
    await world.page.getByText("bystander").waitFor();
    await world.page.goBack();
    await drawn("loss", "train · lr 0.1", 3);
    expect(world.complaints).toEqual([]);
  });

  it("show which hyperparameters of compared tasks differ", async () => {
    const hyperparams = (values: Record<string, string>) => ({
      hyperparams: {
        General: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { section: "General", name, value }])),
      },
    });
    const first = await world.aTask({ name: "one", ...hyperparams({ lr: "0.1", epochs: "5" }) });
    const second = await world.aTask({ name: "two", ...hyperparams({ lr: "0.2", epochs: "5", seed: "7" }) });
    await world.open(`/projects/*/compare-tasks;ids=${first},${second}/hyper-params/values`);
    const rows = world.page.locator(".differences tbody tr");
    await rows.first().waitFor();
    expect(await rows.allInnerTexts()).toEqual(["lr\t0.1\t0.2", "seed\tnot set\t7"]);
    await world.page.getByText("2 of 3 differ").waitFor();
    await world.page.getByLabel("Only differences").uncheck();
    expect(await rows.allInnerTexts()).toEqual(["epochs\t5\t5", "lr\t0.1\t0.2", "seed\tnot set\t7"]);
    expect(world.complaints).toEqual([]);
  });

  it("say what became of a compared task that is gone", async () => {
    const task = await world.aTask();
    await world.report(task, "loss", "train", [1]);
    await world.open(`/projects/*/compare-tasks;ids=${task},${"0".repeat(32)}/scalars/graph`);
    await world.page.getByText("1 of the tasks are no longer there.").waitFor();
    await drawn("loss", "train", 1);
    expect(world.complaints).toEqual([]);
  });
});

/** How far down a chart's line is at a part of its width: 0 at its highest pixel, 1 at its lowest. */
function heightAt(world: DashboardWorld, metric: string, part: number): Promise<number> {
  return world.page.evaluate<number>(`(() => {
    const canvas = document.querySelector('figure[data-metric="${metric}"] canvas');
    const { data } = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, canvas.width, canvas.height);
    const ink = [];
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, blue, alpha] = data.slice(at, at + 4);
      if (alpha > 128 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60)
        ink.push({ x: (at / 4) % canvas.width, y: Math.floor(at / 4 / canvas.width) });
    }
    const range = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
    const [left, right] = range(ink.map(({ x }) => x));
    const [top, bottom] = range(ink.map(({ y }) => y));
    const column = Math.round(left + (right - left) * ${String(part)});
    const rows = ink.filter(({ x }) => x === column).map(({ y }) => y);
    return (rows.reduce((sum, y) => sum + y, 0) / rows.length - top) / (bottom - top);
  })()`);
}
