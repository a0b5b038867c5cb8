/** Figures and debug samples, drawn and sandboxed. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DashboardWorld, hasChromium, launchBrowser } from "./dashboard-world.js";
import * as figures from "./figure-fixtures.js";

describe.skipIf(!hasChromium)("figures and samples", () => {
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

  const figure = (metric: string) => world.page.locator(`figure[data-plot="${metric}"]`);

  it("draws a confusion matrix with its numbers, names and colours, and shows another as it arrives", async () => {
    const task = await world.aTask();
    await world.open(`/projects/*/tasks/${task}/output/metrics/plots`);
    await world.page.getByText("No plots yet").waitFor();
    await world.reportPlot(task, "confusion", "validation", figures.confusionMatrix);
    const matrix = figure("confusion");
    await matrix.locator("svg").waitFor();
    expect(await matrix.locator(".matrix-numbers text").allTextContents()).toEqual(["52", "3", "1", "6", "47", "2", "0", "4", "61"]);
    expect(await matrix.locator(".axis-title").allTextContents()).toEqual(["Predicted", "Actual"]);
    expect(await pixelsOf(world, "confusion"), "one pixel a cell: the lowest and the highest").toMatchObject({
      lowest: [220, 220, 220, 255],
      highest: [5, 10, 172, 255],
    });

    // What is under the pointer is told: the first row, the second column.
    const image = (await matrix.locator("image").boundingBox())!;
    await world.page.mouse.move(image.x + image.width / 2, image.y + image.height / 6);
    await matrix.getByText("cat, dog: 3").waitFor();

    const later = structuredClone(figures.confusionMatrix);
    later.data[0]!.z[0]![0] = 99;
    await world.reportPlot(task, "confusion", "validation", later, 2);
    await matrix.getByText("99", { exact: true }).first().waitFor();

    // And the earlier one is still there.
    await world.page.getByRole("button", { name: "Earlier iterations of confusion" }).click();
    await matrix.getByLabel("Iteration of confusion validation").fill("0");
    await matrix.getByText("52", { exact: true }).waitFor();
    expect(world.complaints).toEqual([]);
  });

  it("draws tables, lines, bars, packed numbers, surfaces and points in space, and says what it changes", async () => {
    const task = await world.aTask();
    await world.reportPlot(task, "table", "validation", figures.table);
    await world.reportPlot(task, "roc", "validation", figures.scatter);
    await world.reportPlot(task, "bars", "classes", figures.groupedBars);
    await world.reportPlot(task, "weights", "layer 1", figures.packedHistogram);
    await world.reportPlot(task, "surface", "loss", figures.surface);
    await world.reportPlot(task, "space", "tsne", figures.scatter3d);
    await world.open(`/projects/*/tasks/${task}/output/metrics/plots`);

    const show = async (metric: string) => {
      await world.page.locator(`[data-plots="${metric}"]`).scrollIntoViewIfNeeded();
      return figure(metric);
    };
    const table = await show("table");
    await expect
      .poll(() => table.locator("tbody tr").allInnerTexts())
      .toEqual(["cat\t0.897\t0.929", "dog\t0.87\t0.855", "bird\t0.953\tnan"]);

    const roc = await show("roc");
    expect(await roc.locator("[data-mark]").count()).toBe(2);
    expect((await roc.locator("[data-mark=ROC] .mark-dots").getAttribute("d"))?.match(/M/g)).toHaveLength(5);
    const plot = (await roc.locator("[data-mark=ROC] .mark-line").boundingBox())!;
    await world.page.mouse.move(plot.x + 2, plot.y + plot.height - 2);
    await roc.getByText("ROC: 0, 0, a").waitFor();
    await roc.getByRole("button", { name: "chance" }).click();
    await expect.poll(() => roc.locator("[data-mark]").count()).toBe(1);
    await roc.getByRole("button", { name: "Data of" }).click();
    expect(await roc.locator("tbody tr").first().innerText()).toBe("0\t0\ta");

    const bars = await show("bars");
    expect((await bars.locator("[data-mark=val] .mark-bars").getAttribute("d"))?.match(/Z/g)).toHaveLength(3);
    const weights = await show("weights");
    await weights.locator("[data-mark=weights] .mark-bars").waitFor();
    await (await show("surface")).getByText("A surface is drawn from above").waitFor();
    await (await show("space")).getByText("Points in space are drawn from above").waitFor();
    expect(world.complaints).toEqual([]);
  });

  it("says what it cannot draw and shows the data, also of what is no figure at all", async () => {
    const task = await world.aTask();
    await world.reportPlot(task, "flow", "pipeline", figures.sankey);
    await world.reportPlot(task, "nonsense", "text", "this is <b>no</b> JSON");
    await world.open(`/projects/*/tasks/${task}/output/metrics/plots`);
    await figure("flow").getByText("no drawing for a figure of the type sankey").waitFor();
    expect(await figure("flow").locator("pre").innerText()).toContain('"load"');
    await figure("nonsense").getByText("this is <b>no</b> JSON").waitFor();
    expect(world.complaints).toEqual([]);
  });

  it("loads no image of a figure from elsewhere", async () => {
    const task = await world.aTask();
    const source = await world.clearml.upload("Project/metrics/figure.png", figures.redPng);
    await world.reportPlot(task, "own", "image", { data: [], layout: { images: [{ source }] } });
    await world.reportPlot(task, "stranger", "image", { data: [], layout: { images: [{ source: "http://192.0.2.1/x.png" }] } });
    await world.open(`/projects/*/tasks/${task}/output/metrics/plots`);
    await loadedImage(world, `figure[data-plot=own] img`);
    await figure("stranger").getByText("http://192.0.2.1/x.png").waitFor();
    expect(await figure("stranger").locator("img").count()).toBe(0);
    expect(world.complaints).toEqual([]);
  });

  it("shows samples of each iteration, and what arrives later without moving a reader who looks at an earlier one", async () => {
    const task = await world.aTask();
    await world.open(`/projects/*/tasks/${task}/output/debugImages`);
    await world.page.getByText("No debug samples yet").waitFor();
    for (const iter of [1, 2, 3]) await world.reportSample(task, "predictions", "first", `first_${String(iter)}.png`, figures.redPng, iter);
    await world.reportSample(task, "predictions", "second", "second_3.png", figures.redPng, 3);
    await loadedImage(world, "[data-sample=first] img");
    await expect.poll(() => world.page.locator("[data-sample]").count()).toBe(2);
    expect(await world.page.locator("[data-sample=first] img").getAttribute("src")).toContain("first_3.png");

    await world.page.getByLabel("Iteration of predictions").fill("1");
    await expect.poll(() => world.page.locator("[data-sample=first] img").getAttribute("src")).toContain("first_2.png");
    expect(await world.page.locator("[data-sample]").count()).toBe(1);
    await loadedImage(world, "[data-sample=first] img");
    expect(world.complaints).toEqual([]);
  });

  it("shows an HTML sample without its scripts, without requests to strangers, and cut off from the page", async () => {
    const asked: string[] = [];
    await using stranger = await aStranger((path) => asked.push(path));
    const task = await world.aTask();
    const html = `<h1>report</h1><img src="${stranger.url}/pixel.png"><script src="${stranger.url}/x.js"></script>
      <style>body { background: url(${stranger.url}/look.png) }</style><iframe src="${stranger.url}/frame"></iframe>
      <meta http-equiv="refresh" content="0;url=${stranger.url}/next">
      <script>parent.document.title = "taken over"</script>`;
    await world.reportSample(task, "reports", "page", "report.html", html);
    await world.reportSample(task, "reports", "sound", "sound.wav", "RIFF");
    await world.clearml.addEvents([
      {
        type: "training_debug_image",
        task,
        metric: "reports",
        variant: "stranger",
        iter: 1,
        timestamp: Date.now(),
        url: `${stranger.url}/x.png`,
      },
    ]);
    await world.open(`/projects/*/tasks/${task}/output/debugImages`);
    await world.page.frameLocator("[data-sample=page] iframe").getByRole("heading", { name: "report" }).waitFor();
    expect(await world.page.locator("[data-sample=page] iframe").getAttribute("sandbox")).toBe("");
    expect(await world.page.title()).not.toBe("taken over");
    await world.page.locator("[data-sample=sound] audio[controls]").waitFor();
    await world.page.locator("[data-sample=stranger]").getByText(`${stranger.url}/x.png`).waitFor();
    expect(await world.page.locator("[data-sample=stranger] img").count()).toBe(0);
    expect(asked, "the stranger heard nothing").toEqual([]);
    // The browser says what it kept the sample from doing, and nothing else is wrong.
    expect(world.complaints.filter((complaint) => !/sandboxed|Content Security Policy/.test(complaint))).toEqual([]);
  });

  it("lets no address of a sample lead to the API, where the page's session could change things", async () => {
    const task = await world.aTask();
    const victim = await world.aTask({ name: "victim" });
    const url = `${world.server.filesUrl}/../api/v2.34/tasks.edit?task=${victim}&name=renamed`;
    await world.clearml.addEvents([
      { type: "training_debug_image", task, metric: "evil", variant: "climb", iter: 1, timestamp: Date.now(), url },
    ]);
    await world.open(`/projects/*/tasks/${task}/output/debugImages`);
    const href = await world.page.getByRole("link", { name: "Download climb" }).getAttribute("href");
    expect(href).toBe(`/files/api/v2.34/tasks.edit?task=${victim}&name=renamed`);
    // As a click would, with the page's own session.
    expect(await world.page.evaluate<number>(`fetch(${JSON.stringify(href)}).then((response) => response.status)`)).toBe(404);
    const { task: after } = await world.clearml.call<{ task: { name: string } }>("tasks.get_by_id", { task: victim });
    expect(after.name).toBe("victim");
  });

  it("sets figures and samples of compared tasks side by side", async () => {
    const tasks = [await world.aTask({ name: "one" }), await world.aTask({ name: "two" })];
    for (const task of tasks) {
      await world.reportPlot(task, "confusion", "validation", figures.confusionMatrix);
      await world.reportSample(task, "predictions", "first", `${task}.png`, figures.redPng);
    }
    await world.open(`/projects/*/compare-tasks;ids=${tasks.join(",")}/metrics-plots`);
    await expect.poll(() => figure("confusion").locator("svg").count()).toBe(2);
    await world.page.getByRole("region", { name: "confusion of two" }).waitFor();
    await world.open(`/projects/*/compare-tasks;ids=${tasks.join(",")}/debug-images`);
    await expect.poll(() => world.page.locator("[data-sample=first] img").count()).toBe(2);
    expect(world.complaints).toEqual([]);
  });
});

/** Somebody else's server, on a port of its own. */
async function aStranger(onRequest: (path: string) => void): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    onRequest(request.url ?? "");
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Waits until the image is there to its last byte. */
async function loadedImage(world: DashboardWorld, selector: string): Promise<void> {
  await expect
    .poll(() => world.page.locator(selector).evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth))
    .toBeGreaterThan(0);
}

/** Pixels of the cells with the lowest and the highest value of the fixture's matrix. */
async function pixelsOf(world: DashboardWorld, metric: string): Promise<{ lowest: number[]; highest: number[] }> {
  const href = await world.page.locator(`figure[data-plot="${metric}"] image`).getAttribute("href");
  return world.page.evaluate<{ lowest: number[]; highest: number[] }>(`(async () => {
    const image = new Image();
    image.src = ${JSON.stringify(href)};
    await image.decode();
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return { lowest: [...context.getImageData(0, 2, 1, 1).data], highest: [...context.getImageData(2, 2, 1, 1).data] };
  })()`);
}
